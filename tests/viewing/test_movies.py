"""A/B movies, stringouts and stills of real published versions, decoded again and compared with the versions themselves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.errors import ColorError, ConsentError, DeliveryError
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.progress import SILENT
from vfx_deepfake.provenance.credentials import TRUSTED, credentials_problem, read_credentials
from vfx_deepfake.steps.consent import Watch, revoke
from vfx_deepfake.steps.elements import APPLIED
from vfx_deepfake.steps.review_pictures import displayed
from vfx_deepfake.viewing import movies_source
from vfx_deepfake.viewing.movies_ab import AbLook, make_ab
from vfx_deepfake.viewing.movies_layout import composed, fitted
from vfx_deepfake.viewing.movies_source import Cut, Wanted, cut_of, pictures_of
from vfx_deepfake.viewing.movies_stills import make_stills
from vfx_deepfake.viewing.movies_stringout import Stringing, make_stringout
from vfx_deepfake.viewing.published import PLATE, Published, open_published

av = pytest.importorskip("av", reason="PyAV is not installed (extra: review)")

# mean of a grainy 320 x 180 frame, burn-ins aside, of 8-bit codes: measured 2.03 for ProRes 422 HQ (half the chroma, FFmpeg's own way back
# to RGB); a quarter more is allowed
NEAR = 2.5 / 255
INSIDE = np.s_[20:160]  # rows of 180 that no burn-in reaches


@pytest.fixture(scope="module")
def versions(dailies_shot) -> tuple[Published, Published]:
    return tuple(open_published(dailies_shot.shot.folder, dailies_shot.folder(number)) for number in (1, 2))


def shown(version: Published, frame: int, of: str = "version") -> np.ndarray:
    return displayed(version.opened, version.picture(frame, of))


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as movie:
        return [frame.to_ndarray(format="rgb24").astype(np.float32) / 255 for frame in movie.decode(video=0)]


def timecode(path: Path) -> str:
    with av.open(str(path)) as movie:
        return movie.streams.data[0].metadata["timecode"]


def off(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one[INSIDE] - other[INSIDE]).mean())


def with_settings(version: Published, **tables: dict[str, object]) -> Published:
    """A version whose record said something else."""
    settings = version.settings
    settings = replace(
        settings, **{name: replace(getattr(settings, name), **values) for name, values in tables.items()}
    )
    shot = replace(version.opened.shot, settings=settings)
    return replace(version, opened=replace(version.opened, shot=shot))


def test_plate_and_version_side_by_side(versions, tmp_path: Path) -> None:
    version, out = versions[1], tmp_path / "ab.mov"
    made = make_ab(
        cut_of(version, (1003, 1004, 1005), of=PLATE),
        cut_of(version),
        Wanted(out=out, codec="prores422hq"),
        AbLook(),
        SILENT,
    )
    assert (made["frames"], made["codec"], made["timecode"]) == (4, "ProRes 422 HQ, 10 bit", timecode(out))
    card, *pictures = decoded(out)
    assert card.shape == (180, 640, 3) and abs(float(np.median(card)) - 0.11) < 0.02
    for frame, picture in zip((1003, 1004, 1005), pictures, strict=True):
        assert off(picture[:, :320], shown(version, frame, PLATE)) < NEAR
        assert off(picture[:, 320:], shown(version, frame)) < NEAR
    own = movies_source.timecode_at(cut_of(version), 1003)
    assert own > timecode(out)  # the card is one frame before
    assert list(tmp_path.iterdir()) == [out]


def test_layouts() -> None:
    left, right = np.full((180, 320, 3), 0.25, np.float32), np.full((180, 320, 3), 0.5, np.float32)
    names = ("a", "b")
    wipe, stacked = composed("wipe", left, right, names, 1), composed("stacked", left, right, names, 1)
    assert wipe.shape == (180, 320, 3) and stacked.shape == (360, 320, 3)
    np.testing.assert_array_equal(wipe[40, [159, 160, 161], 0], [0.25, 0.5, 0.5])
    np.testing.assert_array_equal(stacked[[100, 300], 160, 0], [0.25, 0.5])
    assert composed("difference", left, right, names, 3)[100, 100, 0] == 0.75
    assert composed("difference", left, right, names, 30)[100, 100, 0] == 1
    assert (left == 0.25).all() and (right == 0.5).all()  # what was given is as it was


def test_the_difference_is_nothing_where_nothing_was_replaced(versions) -> None:
    version = versions[1]
    found = read_exr(version.exr(1006), part="elements", channels=(APPLIED,))
    replaced = np.zeros(found.display_window.shape, bool)
    replaced[found.data_window.slices(found.display_window)] = found.pixels[..., 0] > 0
    picture = composed(
        "difference", shown(version, 1006, PLATE), fitted(shown(version, 1006), 320, 180), ("", ""), 1000
    )
    assert (picture[INSIDE][~replaced[INSIDE]] == 0).all() and picture[replaced].mean() > 0.1


def test_a_picture_of_another_shape_gets_bars_and_keeps_its_own() -> None:
    picture = np.full((100, 200, 3), 0.5, np.float32)
    frame = fitted(picture, 400, 400)
    assert frame.shape == (400, 400, 3)
    assert (frame[100:300] == 0.5).all() and (frame[:100] == 0).all() and (frame[300:] == 0).all()
    assert fitted(picture, 200, 100) is not picture and np.array_equal(fitted(picture, 200, 100), picture)


def test_a_stringout_is_in_cut_order_without_handles(versions, tmp_path: Path) -> None:
    first, second = versions
    cuts = [cut_of(second, handles=5), cut_of(first, (1008, 1009)), cut_of(second, (1001,))]
    out = tmp_path / "s.mp4"
    made = make_stringout(cuts, Wanted(out=out), Stringing(slates="each"), SILENT)
    wanted = [
        None,
        (second, 1006),
        (second, 1007),
        (second, 1008),
        (second, 1009),
        None,
        (first, 1008),
        (first, 1009),
        None,
        (second, 1001),
    ]
    pictures = decoded(out)
    assert made["frames"] == len(pictures) == len(wanted) and timecode(out) == "01:00:00:00"
    assert made["shots"] == ["sh0010_v002 1006-1009", "sh0010_v001 1008-1009", "sh0010_v002 1001-1001"]
    for picture, each in zip(pictures, wanted, strict=True):
        if each is not None:
            others = [pair for pair in wanted if pair is not None]
            assert min(others, key=lambda pair: off(picture, shown(*pair))) == each


def test_a_front_slate_stands_before_the_first_timecode(versions, tmp_path: Path) -> None:
    out = tmp_path / "s.mov"
    how = Stringing(slates="front", title="monday", size=(256, 256), start="10:00:00:00")
    made = make_stringout([cut_of(versions[0], (1003, 1004))], Wanted(out=out, codec="dnxhr_hqx"), how, SILENT)
    assert (made["frames"], made["rate"], timecode(out)) == (3, "24", "09:59:59:23")
    card, picture, _ = decoded(out)
    assert picture.shape == (256, 256, 3) and picture[110:146].mean() > 0.05  # 256 x 144 within 256 x 256
    assert picture[30:50].max() < 0.05 and not np.allclose(card, picture, atol=0.1)
    none = make_stringout(
        [cut_of(versions[0], (1003,))], Wanted(out=tmp_path / "n.mp4"), Stringing(slates="none"), SILENT
    )
    assert (none["frames"], timecode(tmp_path / "n.mp4")) == (1, "01:00:00:00")


def test_burnt_in_timecode_is_the_movies_or_the_shots(
    versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    from vfx_deepfake.viewing import movies_stringout as module

    real = module.burn_in
    monkeypatch.setattr(
        module,
        "burn_in",
        lambda picture, info, frame, now, look: said.append(now) or real(picture, info, frame, now, look),
    )
    cuts = [cut_of(versions[0], (1003, 1005)), cut_of(versions[1], (1002,))]
    for kind in ("continuous", "source"):
        make_stringout(cuts, Wanted(out=tmp_path / "s.mp4"), Stringing(slates="none", timecode=kind), SILENT)
    assert said[:3] == ["01:00:00:00", "01:00:00:01", "01:00:00:02"]
    assert said[3:] == [
        movies_source.timecode_at(cuts[0], 1003),
        movies_source.timecode_at(cuts[0], 1005),
        movies_source.timecode_at(cuts[1], 1002),
    ]


def test_what_does_not_go_together_is_refused(versions, tmp_path: Path) -> None:
    first, second = versions
    wanted, how = Wanted(out=tmp_path / "s.mp4"), Stringing()
    faster = cut_of(with_settings(second, plate={"frame_rate": "25"}))
    with pytest.raises(
        DeliveryError, match="sh0010 v001 runs at 24 frames a second, sh0010 v002 at 25; a movie has one rate"
    ):
        make_stringout([cut_of(first), faster], wanted, how, SILENT)
    with pytest.raises(DeliveryError, match="A/B: sh0010 v001 runs at 24"):
        make_ab(cut_of(first), faster, wanted, AbLook(), SILENT)
    wide = cut_of(with_settings(second, color={"display": "Rec.2100-PQ - Display"}))
    with pytest.raises(DeliveryError, match="is made for 'sRGB - Display', sh0010 v002 for 'Rec.2100-PQ - Display'"):
        make_stringout([cut_of(first), wide], wanted, how, SILENT)
    with pytest.raises(ColorError, match="'sRBG' is not a display"):
        make_stringout([cut_of(first)], replace(wanted, view=("sRBG", "")), how, SILENT)
    with pytest.raises(DeliveryError, match="a stringout of no shots"):
        make_stringout([], wanted, how, SILENT)
    with pytest.raises(DeliveryError, match="has no frames 1015-1016; it has 1001-1014"):
        cut_of(first, (1014, 1015, 1016))
    with pytest.raises(DeliveryError, match="handles of 7 frames at both ends leave nothing of its 14 frames"):
        cut_of(first, handles=7)
    with pytest.raises(DeliveryError, match="they share no frame"):
        make_ab(cut_of(first, (1001,)), cut_of(second, (1002,)), wanted, AbLook(), SILENT)
    with pytest.raises(DeliveryError, match=r"s.mp4: ProRes 4444, 10 bit 4:4:4 goes into .mov; name the file so"):
        make_ab(cut_of(first), cut_of(second), replace(wanted, codec="prores4444"), AbLook(), SILENT)
    with pytest.raises(DeliveryError, match="lies inside the published sh0010 v001, which never changes"):
        make_stringout([cut_of(first)], Wanted(out=first.paths.folder / "s.mp4"), how, SILENT)
    with pytest.raises(DeliveryError, match="start is '01:00:00:24'; want a timecode at 24"):
        make_stringout([cut_of(first)], wanted, Stringing(start="01:00:00:24"), SILENT)
    with pytest.raises(DeliveryError, match="slates is 'some'; choose one of none, front, each"):
        Stringing(slates="some")
    with pytest.raises(DeliveryError, match="layout is 'onion'; choose one of side, wipe"):
        AbLook(layout="onion")
    assert list(tmp_path.iterdir()) == []


def withdraw(dailies) -> None:
    folder = dailies.shot.folder / "releases"
    name = next(folder.glob("*.toml")).stem
    revoke(folder, name, "", "the performer", "asked for it")


def test_a_withdrawn_release_shows_nothing_more(own_dailies, tmp_path: Path) -> None:
    version = open_published(own_dailies.shot.folder, own_dailies.folder(2))
    withdraw(own_dailies)
    wanted = Wanted(out=tmp_path / "m.mp4")
    for making in (
        partial(make_stringout, [cut_of(version)], wanted, Stringing(), SILENT),
        partial(make_ab, cut_of(version, of=PLATE), cut_of(version), wanted, AbLook(), SILENT),
        partial(make_stills, cut_of(version, (1001,)), tmp_path / "stills", "png", SILENT),
    ):
        with pytest.raises(ConsentError, match=r"(?s)sh0010 v002: render of .*was revoked on"):
            making()
    assert not (tmp_path / "m.mp4").exists() and not (tmp_path / "stills").exists()


def test_a_release_withdrawn_meanwhile_ends_the_work(
    own_dailies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = open_published(own_dailies.shot.folder, own_dailies.folder(2))
    monkeypatch.setattr(movies_source, "Watch", partial(Watch, seconds=0.0))
    pictures = pictures_of(cut_of(version))
    next(pictures)
    withdraw(own_dailies)
    with pytest.raises(ConsentError, match="was revoked on"):
        next(pictures)


def test_each_shot_carries_its_own_mark(versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vfx_deepfake.image.mark_code import version_id
    from vfx_deepfake.provenance.mark_key import MARK_KEY_VARIABLE, new_mark_key, open_mark_key
    from vfx_deepfake.steps.review_mark import detect_mark, mark_name

    new_mark_key(tmp_path / "mark.key")
    monkeypatch.setenv(MARK_KEY_VARIABLE, str(tmp_path / "mark.key"))
    marked, plain = with_settings(versions[1], review={"mark": True}), versions[0]
    out, how = tmp_path / "m.mov", Stringing(slates="none", size=(640, 360))
    make_stringout([cut_of(marked), cut_of(plain, (1001, 1002))], Wanted(out=out, codec="prores422hq"), how, SILENT)
    mine = version_id(mark_name("demo", "sh0010", 2), open_mark_key()).hex()
    assert detect_mark(str(out), SILENT, frames="1-14")["mark"] == mine
    assert detect_mark(str(out), SILENT, frames="15-16")["mark"] == ""  # the other shot asks for none
    for version, name in ((marked, "marked"), (versions[1], "plain")):
        for kind in ("png", "exr"):
            make_stills(cut_of(version, (1006,)), tmp_path / name, kind, SILENT)
    stills = {name: (tmp_path / name / "sh0010_v002.1006.png").read_bytes() for name in ("marked", "plain")}
    assert stills["marked"] != stills["plain"]
    pixels = [read_exr(tmp_path / name / "sh0010_v002.1006.exr").pixels for name in ("marked", "plain")]
    assert np.array_equal(*pixels)  # frames carry no mark


@pytest.mark.skipif(bool(credentials_problem()), reason=credentials_problem() or "-")
@pytest.mark.parametrize(("codec", "suffix"), [("prores4444", ".mov"), ("dnxhr_hq", ".mov"), ("h264", ".mp4")])
def test_credentials_say_what_a_movie_shows(
    versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str, suffix: str
) -> None:
    from vfx_deepfake.provenance.certificates import make_chain
    from vfx_deepfake.provenance.keys import new_key

    make_chain(tmp_path / "chain.pem", new_key(tmp_path / "key.pem").public, "Studio", tmp_path / "root.pem")
    monkeypatch.setenv("VFX_DEEPFAKE_SIGNING_KEY", str(tmp_path / "key.pem"))
    monkeypatch.setenv("VFX_DEEPFAKE_SIGNING_CHAIN", str(tmp_path / "chain.pem"))
    out = tmp_path / f"m{suffix}"
    cuts = [cut_of(version, (1001, 1002)) for version in versions]
    made = make_stringout(cuts, Wanted(out=out, codec=codec), Stringing(title="monday", slates="none"), SILENT)
    assert made["credentials"].startswith("signed with key")
    found = read_credentials(out, tmp_path / "root.crt")
    assert (found.state, found.title) == (TRUSTED, "monday")
    assert found.lineage["versions"] == {str(cut): cut.version.record_hash for cut in cuts}
    assert found.lineage["digitally_altered"] is True and found.lineage["releases"] == made["releases"]
    assert timecode(out) == "01:00:00:00" and len(decoded(out)) == 4  # the file is whole behind them


def test_stills_are_the_view_and_the_stored_picture(versions, tmp_path: Path) -> None:
    version = versions[1]
    cut = cut_of(version, (1003, 1012))
    made = make_stills(cut, tmp_path, "png", SILENT)
    assert [Path(path).name for path in made["stills"]] == ["sh0010_v002.1003.png", "sh0010_v002.1012.png"]
    codes = cv2.imread(made["stills"][1], cv2.IMREAD_UNCHANGED)
    assert codes.dtype == np.uint16
    np.testing.assert_array_equal(
        codes[..., ::-1], np.rint(shown(version, 1012) * 65535).astype(np.uint16)
    )  # no other step
    said = json.loads((tmp_path / "sh0010_v002.1012.png.json").read_text())
    assert (said["frame"], said["version"], said["record_hash"]) == (1012, "v002", version.record_hash)
    assert said["colour"] == "sRGB - Display, ACES 1.0 - SDR Video" and len(said["releases"]) == 1
    stored = make_stills(cut, tmp_path, "exr", SILENT)
    found, wanted = read_exr(stored["stills"][0]), version.picture(1003)
    assert np.array_equal(found.pixels, wanted.pixels) and found.data_window == wanted.data_window
    view = ("Rec.1886 Rec.709 - Display", "ACES 1.0 - SDR Video")
    plate = make_stills(Cut(version, (1003,), PLATE), tmp_path, "tif", SILENT, view=view)
    codes = cv2.imread(plate["stills"][0], cv2.IMREAD_UNCHANGED)[..., ::-1]
    wanted_codes = displayed(version.opened, version.picture(1003, PLATE), view) * 65535
    np.testing.assert_array_equal(codes, np.rint(wanted_codes).astype(np.uint16))
    labelled = make_stills(cut_of(version, (1003,)), tmp_path / "labelled", "png", SILENT, labelled=True)
    assert not np.array_equal(cv2.imread(labelled["stills"][0]), cv2.imread(made["stills"][0]))
    for kind, more, message in (
        ("jpg", {}, "format is 'jpg'; choose one of png, tif, exr"),
        ("exr", {"labelled": True}, "an EXR still is the stored picture, without a view and without labels"),
    ):
        with pytest.raises(DeliveryError, match=message):
            make_stills(cut, tmp_path, kind, SILENT, **more)


def test_a_killed_stringout_leaves_no_movie_and_the_next_one_cleans_up(dailies_shot, tmp_path: Path) -> None:
    out = tmp_path / "s.mov"

    def command(shot: str, *more: str) -> list[str]:
        into = ["--out", str(out), "--codec", "prores4444", "--progress", "none", *more]
        return ["review", "stringout", str(dailies_shot.root), "--shots", shot, *into]

    running = subprocess.Popen([sys.executable, "-m", "vfx_deepfake", *command("sh0010", "--size", "1920x1080")])
    while not list(tmp_path.glob(".s.*.part.mov")) and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    assert not out.exists() and len(list(tmp_path.iterdir())) == 1
    assert main(command("sh0010:v001:1001-1002")) == 0
    assert list(tmp_path.iterdir()) == [out] and len(decoded(out)) == 3


def test_commands(own_dailies, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sqlalchemy", reason="the review database is not installed (extra: dailies)")
    root, shot = str(own_dailies.root), str(own_dailies.shot.folder)
    quiet = ("--progress", "none")

    def said(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["review", *words, *quiet]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    said("register", shot)
    said("playlist", "set", "monday", "sh0010/v002", "sh0010/v001", "--folder", root)
    out = str(tmp_path / "m.mp4")
    made = json.loads(said("stringout", root, "--playlist", "monday", "--handles", "6", "--out", out, "--json"))
    assert made["shots"] == ["sh0010_v002 1007-1008", "sh0010_v001 1007-1008"] and made["frames"] == 6
    assert "playlist 'tuesday': is not there; there are: monday" in said(
        "stringout", root, "--playlist", "tuesday", "--out", out, code=2
    )
    assert "sh0010_v001 1001-1002" in said("stringout", root, "--shots", "sh0010:v001:1001-1002", "--out", out)
    made = json.loads(
        said(
            "ab",
            shot,
            "v001",
            "v002",
            "--layout",
            "wipe",
            "--frames",
            "1001-1003",
            "--no-slate",
            "--out",
            out,
            "--json",
        )
    )
    assert made["frames"] == 3 and Path(out).is_file()
    assert "'v009' is not published; there are v001, v002" in said("ab", shot, "v001", "v009", "--out", out, code=2)
    assert "A and B are both the plate" in said("ab", shot, "plate", "plate", "--out", out, code=2)
    assert "sh0010_v002.1005.tif" in said(
        "stills", shot, "v002", "--frames", "1005", "--format", "tif", "--out", str(tmp_path)
    )
    assert "--view: is 'Raw' without a display" in said(
        "stills", shot, "v002", "--frames", "1005", "--view", "Raw", "--out", out, code=2
    )
    assert "--size: is '12'; want width and height" in said(
        "stringout", root, "--shots", "sh0010", "--size", "12", "--out", out, code=2
    )
    assert "--handles: is -1" in said("stringout", root, "--shots", "sh0010", "--handles", "-1", "--out", out, code=2)
    record = own_dailies.folder(2) / "version.json"
    record.chmod(0o644)
    record.write_text(record.read_text().replace('"digitally_altered": true', '"digitally_altered": false'))
    assert "was changed after it was registered" in said(
        "stringout", root, "--playlist", "monday", "--out", out, code=2
    )
