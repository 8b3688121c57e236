from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from tests.faceset.drawn import COLOR, CanonicalFaces, drawn, frames
from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.errors import BusyError, ColorError, FacesetError
from vfx_deepfake.face.landmarks import Detector
from vfx_deepfake.faceset.align import inverted, moved
from vfx_deepfake.faceset.build import Built, build_faceset, is_up_to_date
from vfx_deepfake.faceset.cull import decide
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.faceset.read_sources import UPRIGHT
from vfx_deepfake.faceset.spec import FacesetSpec, SourceSpec
from vfx_deepfake.files import hash_file, one_writer

ROOT = Path(__file__).parents[2]
SPEC = FacesetSpec(identity="performer_b", size_px=48, least_face_px=20)
SRGB = "sRGB - Texture"


def build(
    folder: Path, *sources: SourceSpec, spec: FacesetSpec = SPEC, detector: Callable[[], Detector] = CanonicalFaces
) -> Built:
    folder.mkdir(exist_ok=True)
    return build_faceset(folder, spec, sources, detector=detector)


def no_detector() -> Detector:
    raise AssertionError("nothing was to be looked at")


def sequence(pattern: str, **more: Any) -> SourceSpec:
    return SourceSpec(path=pattern, colorspace="ACEScg", **more)


def write_still(path: Path, pixels: np.ndarray, kind: str, orientation: int = 1) -> None:
    out = oiio.ImageOutput.create(str(path))
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, kind)
    spec.attribute("Orientation", orientation)
    assert out.open(str(path), spec)
    assert out.write_image(np.ascontiguousarray(pixels, np.float32))
    out.close()


def test_a_crop_is_the_working_space_in_log_and_says_where_it_is_from(tmp_path: Path) -> None:
    pattern = frames(tmp_path, 3)
    built = build(tmp_path / "b", sequence(pattern, label="day", age=41))
    assert (built.num_crops, built.num_new, built.problems) == (3, 3, ())
    assert built.sources == {pattern: (3, 3)}
    faceset = load_faceset(tmp_path / "b")
    crop = faceset.crops[1]
    assert (crop.source, crop.frame, crop.file, crop.label, crop.age) == (pattern, 1002, "crops/000002.exr", "day", 41)
    assert crop.source_sha256 == hash_file(tmp_path / "clip.1002.exr")
    assert crop.sha256 == hash_file(tmp_path / "b" / crop.file)
    middle = moved(np.array([24.0, 24.0]), inverted(np.array(crop.matrix)))
    assert np.abs(middle - (40 + 4 + 30, 30 + 30)).max() < 3  # the drawn face's middle; its anchor lies a little off
    grey = encode_log(COLOR.convert(np.full((1, 1, 3), 0.4, np.float32), SRGB, "ACEScg"))[0, 0]
    # a flat background: only half's rounding is left (11 bits, values below 0.5)
    np.testing.assert_allclose(faceset.image_log(1)[1, 1], grey, atol=2**-12)
    assert {"yaw", "sharpness", "clipped", "valid_share"} <= crop.measures.keys()


def test_stills_of_any_format_come_with_their_declared_space(tmp_path: Path) -> None:
    write_still(tmp_path / "a.tif", drawn(), "uint16")
    write_still(tmp_path / "b.png", drawn(), "uint16")
    write_still(tmp_path / "c.jpg", drawn(), "uint8")
    build(tmp_path / "set", SourceSpec(path="../*.tif", colorspace=SRGB), SourceSpec(path="../b.png", colorspace=SRGB),
          SourceSpec(path="../c.jpg", colorspace="Linear Rec.709 (sRGB)"))  # fmt: skip
    faceset = load_faceset(tmp_path / "set")
    assert [crop.source for crop in faceset.crops] == ["../a.tif", "../b.png", "../c.jpg"]
    assert {crop.frame for crop in faceset.crops} == {0}
    np.testing.assert_allclose(
        faceset.image_log(0), faceset.image_log(1), atol=2**-10
    )  # two roundings to 16 bits and half
    # 0.4 read as linear is 1.6 stops brighter than as sRGB
    assert faceset.image_log(2)[1, 1, 1] - faceset.image_log(1)[1, 1, 1] == pytest.approx(
        np.log2(0.4 / 0.1329) / 17.52, abs=0.01
    )


@pytest.mark.parametrize("orientation", sorted(UPRIGHT))
def test_a_camera_held_sideways_is_put_upright(tmp_path: Path, orientation: int) -> None:
    turns, mirrored = UPRIGHT[orientation]
    stored = np.rot90(drawn(40, 20), -turns)  # what the camera wrote: turned back, and mirrored
    write_still(tmp_path / "still.tif", stored[:, ::-1] if mirrored else stored, "uint16", orientation)
    build(tmp_path / "set", SourceSpec(path="../still.tif", colorspace=SRGB))
    crop = load_faceset(tmp_path / "set").crops[0]
    middle = moved(np.array([24.0, 24.0]), inverted(np.array(crop.matrix)))
    assert np.abs(middle - (70, 50)).max() < 3


def write_movie(path: Path, count: int) -> None:
    av = pytest.importorskip("av", reason="movies need PyAV")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "gbrp10le"
        for index in range(count):
            pixels = drawn(40 + 4 * index)
            pixels[:10, :, :] = np.linspace(0.2, 0.8, 160, dtype=np.float32)[None, :, None]
            codes = (pixels * 65535 + 0.5).astype(np.uint16)
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(codes, format="rgb48le").reformat(format="gbrp10le"))
            )
        container.mux(stream.encode())


def test_a_movie_keeps_its_ten_bits(tmp_path: Path) -> None:
    from vfx_deepfake.faceset.read_movie import count_frames, read_frames

    write_movie(tmp_path / "clip.mkv", 4)
    assert count_frames(tmp_path / "clip.mkv") == 4
    pictures = dict(read_frames(tmp_path / "clip.mkv", (2, 3)))
    assert sorted(pictures) == [2, 3]
    ramp = pictures[2][5, :, 1]
    assert len(np.unique(ramp)) == 160  # 8 bits would leave 153
    assert np.abs(ramp - np.linspace(0.2, 0.8, 160)).max() < 1 / 1023  # a 10-bit code
    build(tmp_path / "set", SourceSpec(path="../clip.mkv", colorspace=SRGB, every=2))
    faceset = load_faceset(tmp_path / "set")
    assert [crop.frame for crop in faceset.crops] == [1, 3]
    assert {crop.source_sha256 for crop in faceset.crops} == {hash_file(tmp_path / "clip.mkv")}


def test_what_can_not_be_read_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    pattern = frames(tmp_path, 3)
    (tmp_path / "clip.1002.exr").write_bytes(b"no picture")
    (tmp_path / "torn.mov").write_bytes(b"no movie")
    built = build(tmp_path / "b", sequence(pattern), SourceSpec(path="../torn.mov", colorspace=SRGB),
                  SourceSpec(path="../nowhere.png", colorspace=SRGB))  # fmt: skip
    assert [crop.frame for crop in load_faceset(tmp_path / "b").crops] == [1001, 1003]
    told = "\n".join(built.problems)
    assert len(built.problems) == 3
    for words in ("clip.1002.exr: damaged", "torn.mov: can't be read as a movie", "nowhere.png: no such file"):
        assert words in told
    (tmp_path / "good").mkdir()
    frames(tmp_path / "good", 3)
    shutil.copy(tmp_path / "good" / "clip.1002.exr", tmp_path)  # mended: only what failed is looked at again
    assert build(tmp_path / "b", sequence(pattern)).num_new == 1


def test_nothing_is_done_twice(tmp_path: Path) -> None:
    source = sequence(frames(tmp_path, 3))
    build(tmp_path / "b", source)
    before = (tmp_path / "b" / "faceset.json").read_bytes()
    assert is_up_to_date(tmp_path / "b", SPEC, [source])
    again = build(tmp_path / "b", source, detector=no_detector)
    assert again.num_new == 0
    assert (tmp_path / "b" / "faceset.json").read_bytes() == before
    frames(tmp_path, 4)  # written anew, and one more
    assert not is_up_to_date(tmp_path / "b", SPEC, [source])


def test_a_source_that_is_away_keeps_its_crops(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    sources = [sequence(frames(tmp_path / name, 2)) for name in ("one", "two")]
    build(tmp_path / "b", *sources)
    shutil.move(tmp_path / "two", tmp_path / "away")
    built = build(tmp_path / "b", *sources, detector=no_detector)
    assert built.num_crops == 4
    assert "the 2 crops cut from it earlier stay" in built.problems[0]
    assert build(tmp_path / "b", sources[0], detector=no_detector).num_crops == 2  # no longer named
    assert len(list((tmp_path / "b" / "crops").iterdir())) == 2


def test_decisions_outlast_a_build(tmp_path: Path) -> None:
    source = sequence(frames(tmp_path, 3))
    build(tmp_path / "b", source)
    decide(tmp_path / "b", [2], keep=False, note="laughs")
    frames_again = [*(crop.number for crop in load_faceset(tmp_path / "b").crops)]
    build(tmp_path / "b", source)
    assert frames_again == [1, 3] == [crop.number for crop in load_faceset(tmp_path / "b").crops]
    assert load_faceset(tmp_path / "b", culled=True).crops[1].culled == "dropped by hand (laughs)"


RUN = """
import sys, time
from pathlib import Path
from tests.faceset.drawn import CanonicalFaces
from tests.faceset.test_build import SPEC, sequence
from vfx_deepfake.faceset.build import build_faceset
class Slow(CanonicalFaces):
    def detect(self, picture):
        time.sleep(0.01)
        while JOURNAL.exists() and JOURNAL.read_bytes().count(b"\\n") >= 7:  # the last picture is left to be killed at
            time.sleep(0.01)
        return super().detect(picture)
JOURNAL = Path(sys.argv[1]) / "build.jsonl"
build_faceset(Path(sys.argv[1]), SPEC, [sequence(sys.argv[2])], detector=Slow)
"""


def test_a_killed_build_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    pattern = frames(tmp_path, 8)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    build(whole, sequence(pattern))
    killed.mkdir()
    process = subprocess.Popen([sys.executable, "-c", RUN, str(killed), pattern], cwd=ROOT)
    journal = killed / "build.jsonl"
    while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= 3):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "faceset.json").exists()
    done = journal.read_bytes().count(b"\n")
    with journal.open("ab") as handle:
        handle.write(b'{"torn')
    built = build(killed, sequence(pattern))
    assert built.num_new == 8 - done
    for name in ("faceset.json", "points.npz", *(f"crops/{number:06d}.exr" for number in range(1, 9))):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    assert [path.name for path in (killed / "crops").iterdir() if path.name.startswith(".")] == []


def test_settings_that_change_the_crops_cut_them_anew(tmp_path: Path) -> None:
    source = sequence(frames(tmp_path, 2))
    build(tmp_path / "b", source)
    larger = FacesetSpec(identity="performer_b", size_px=64, least_face_px=20)
    assert not is_up_to_date(tmp_path / "b", larger, [source])
    assert build(tmp_path / "b", source, spec=larger).num_new == 2
    assert load_faceset(tmp_path / "b").image_log(0).shape == (64, 64, 3)


def test_small_faces_and_empty_pictures_give_no_crop(tmp_path: Path) -> None:
    source = sequence(frames(tmp_path, 1, size=60))
    with pytest.raises(FacesetError, match="no face of 100 px or more was found"):
        build(tmp_path / "b", source, spec=FacesetSpec(identity="b", size_px=48, least_face_px=100))
    assert json.loads((tmp_path / "b" / "build.jsonl").read_text())["cuts"] == []


def test_plain_words_for_what_the_artist_can_fix(tmp_path: Path) -> None:
    with pytest.raises(ColorError, match="Rec709Video' is not a colour space"):
        build(tmp_path / "b", SourceSpec(path="x.mov", colorspace="Rec709Video"))
    with pytest.raises(FacesetError, match=r"x\.exr: no such file.*\n.*no source can be read"):
        build(tmp_path / "b", SourceSpec(path="x.exr", colorspace=SRGB))
    with one_writer(tmp_path / "b", "somebody"), pytest.raises(BusyError, match="somebody"):
        build(tmp_path / "b", sequence(frames(tmp_path, 1)))
