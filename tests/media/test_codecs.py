"""Every codec is decoded again: its codes against what went in, its tags, timecode, rate and groups."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.media.codecs import CODECS, codec_named
from vfx_deepfake.media.movie import MovieSpec, write_movie, write_movies
from vfx_deepfake.media.signal import Signal, ycbcr_planes
from vfx_deepfake.settings.delivery import MOVIE_CODECS

av = pytest.importorskip("av", reason="PyAV is not installed (extra: review)")

RATE = Fraction(24000, 1001)
SRGB = Signal(1, 13, 1)
NUM = 15  # more than one group of H.264
# codes that decoded luma may be off, on average and at most, in the codec's own depth. Measured on these pictures with two releases of
# FFmpeg that agreed: h264 0.30 and 3, prores4444 0.23 and 1.25, prores422hq 0.09 and 1, dnxhr_hqx 0.14 and 1, dnxhr_hq 0.09 and 1; half as
# much again is allowed on average, and at most two codes of the intra codecs
LIMITS = {
    "h264": (0.45, 5),
    "prores4444": (0.35, 2),
    "prores422hq": (0.13, 2),
    "dnxhr_hqx": (0.21, 2),
    "dnxhr_hq": (0.14, 2),
}


def picture(index: int) -> np.ndarray:
    """(144, 256, 3) a smooth picture in all three channels, another one in each frame."""
    y, x = np.mgrid[:144, :256].astype(np.float32)
    return np.stack([x / 256, y / 144, 0.5 + 0.4 * np.sin((x + 3 * index) / 40)], axis=-1)


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One movie of the same pictures for each codec, made in one pass."""
    folder = tmp_path_factory.mktemp("codecs")
    paths = {name: folder / f"m{codec.tail}" for name, codec in CODECS.items()}
    specs = {
        path: MovieSpec(frame_rate=RATE, codec=name, timecode="01:00:00:00", signal=SRGB, tags={"title": "sh0010_v003"})
        for name, path in paths.items()
    }
    assert write_movies(specs, map(picture, range(NUM))) == NUM
    return paths


def planes_of(frame: av.VideoFrame, kind: type) -> list[np.ndarray]:
    return [np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width] for plane in frame.planes]


def test_settings_and_codecs_name_the_same() -> None:
    assert tuple(CODECS) == MOVIE_CODECS
    with pytest.raises(DeliveryError, match="codec is 'mjpeg'; choose one of h264, prores4444"):
        codec_named("mjpeg")


@pytest.mark.parametrize("name", CODECS)
def test_decoded_codes_are_those_that_went_in(movies: dict[str, Path], name: str) -> None:
    codec = CODECS[name]
    decoded_bits = 12 if name == "prores4444" else codec.bits  # FFmpeg decodes ProRes 4444 to 12 bits
    step = 1 << (decoded_bits - codec.bits)
    with av.open(str(movies[name])) as movie:
        frames = list(movie.decode(video=0))
    assert len(frames) == NUM
    worst, mean = 0, 0.0
    for index, frame in enumerate(frames):
        wanted = ycbcr_planes(picture(index), codec.bits, codec.halved)
        found = planes_of(frame, np.uint8 if codec.bits == 8 else np.uint16)
        off = [np.abs(one / step - other) for one, other in zip(found, wanted, strict=True)]
        worst, mean = max(worst, off[0].max()), mean + off[0].mean() / NUM
        assert max(each.mean() for each in off[1:]) < 2 * LIMITS[name][0]  # chroma: measured up to 1.9 times luma's
    assert mean < LIMITS[name][0] and worst <= LIMITS[name][1]


@pytest.mark.parametrize("name", [name for name, codec in CODECS.items() if codec.bits == 10])
def test_ten_bits_are_fed_from_float_without_a_coarser_step(tmp_path: Path, name: str) -> None:
    """A ramp over a tenth of the range, 87 codes of ten bits and 21 of eight: nearly all must come back."""
    ramp = np.broadcast_to(np.linspace(0.4, 0.5, 512, dtype=np.float32)[None, :, None], (144, 512, 3))
    path = tmp_path / "m.mov"
    write_movie(path, [ramp], MovieSpec(frame_rate=RATE, codec=name))
    with av.open(str(path)) as movie:
        luma = planes_of(next(movie.decode(video=0)), np.uint16)[0]
    assert len(np.unique(luma)) > 60


@pytest.mark.parametrize("name", CODECS)
def test_the_movie_says_what_it_is(movies: dict[str, Path], name: str) -> None:
    with av.open(str(movies[name])) as movie:
        stream = movie.streams.video[0]
        context = stream.codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 13, 1, 1)
        assert stream.average_rate == RATE and stream.frames == NUM
        assert movie.metadata["title"] == "sh0010_v003"
        assert [data.metadata["timecode"] for data in movie.streams.data] == ["01:00:00:00"]
        assert not movie.streams.audio
        keys = [index for index, frame in enumerate(movie.decode(video=0)) if frame.key_frame]
    assert keys == ([0, 12] if name == "h264" else list(range(NUM)))


PROFILES = {"prores4444": b"ap4h", "prores422hq": b"apch", "dnxhr_hqx": b"AVdh", "dnxhr_hq": b"AVdh", "h264": b"avc1"}
INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}


def atoms(data: bytes, path: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """Path and content of every atom that holds no others. Source: QuickTime File Format, chapter 1."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        assert size >= 8, "a broken atom"
        inside = data[at + 8 : at + size]
        if kind in INSIDE:
            yield from atoms(inside, path + b"/" + kind)
        else:
            yield path + b"/" + kind, inside
        at += size


@pytest.mark.parametrize("name", CODECS)
def test_the_container_as_its_own_bytes_say(movies: dict[str, Path], name: str) -> None:
    """Read without FFmpeg: sample description, colour tags, number of frames, timecode track."""
    found = list(atoms(movies[name].read_bytes()))
    kinds = [path for path, _ in found]
    assert kinds.index(b"/moov/mvhd") < kinds.index(b"/mdat")  # what a player needs stands first
    samples = [inside for path, inside in found if path.endswith(b"/stsd")]
    video, timecode = samples  # and no sound
    assert video[12:16] == PROFILES[name] and timecode[12:16] == b"tmcd"
    kind = b"nclx" if movies[name].suffix == ".mp4" else b"nclc"
    assert b"colr" + kind + struct.pack(">3H", 1, 13, 1) in video
    assert struct.unpack(">2H", video[40:44]) == (256, 144)
    counts = [struct.unpack(">3I", inside[4:16]) for path, inside in found if path.endswith(b"/stts")]
    assert counts[0][:2] == (1, NUM)  # all frames, all of one length
    assert struct.unpack(">3IB", timecode[28:41])[1:] == (
        24000,
        1001,
        24,
    )  # of the timecode: scale, length of a frame, numbers a second


@pytest.mark.parametrize("name", ["prores4444", "prores422hq"])
def test_prores_frames_carry_the_tags_too(movies: dict[str, Path], name: str) -> None:
    """Source: SMPTE RDD 36, frame header: primaries, transfer, matrix in bytes 14 to 16; it reserves 13, and FFmpeg writes it."""
    data = movies[name].read_bytes()
    header = data.index(b"icpf") + 4
    assert tuple(data[header + 14 : header + 17]) == (1, 13, 1)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe, the independent reader, is not installed")
@pytest.mark.parametrize("name", CODECS)
def test_another_ffmpeg_reads_the_same(movies: dict[str, Path], name: str) -> None:
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(movies[name])]
    streams = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    video = next(stream for stream in streams if stream["codec_type"] == "video")
    assert int(video["nb_read_frames"]) == NUM and Fraction(video["r_frame_rate"]) == RATE
    tags = [video.get(key) for key in ("color_primaries", "color_transfer", "color_space")]
    assert tags == ["bt709", "iec61966-2-1", "bt709"] and video.get("color_range", "tv") == "tv"
    assert {stream["tags"]["timecode"] for stream in streams} == {"01:00:00:00"}


def test_a_picture_too_small_for_dnxhr_is_refused(tmp_path: Path) -> None:
    spec = MovieSpec(frame_rate=RATE, codec="dnxhr_hqx")
    message = "DNxHR HQX, 10 bit 4:2:2: pictures are 160 x 96, it takes them from 256 x 120 on; choose another codec"
    with pytest.raises(DeliveryError, match=message):
        write_movie(tmp_path / "m.mov", [np.zeros((96, 160, 3), np.float32)], spec)
    assert list(tmp_path.iterdir()) == []


def test_of_several_movies_all_appear_or_none(tmp_path: Path) -> None:
    def pictures() -> Iterator[np.ndarray]:
        yield picture(0)
        raise RuntimeError("frame 1002 is damaged")

    specs = {tmp_path / f"m{codec.tail}": MovieSpec(frame_rate=RATE, codec=name) for name, codec in CODECS.items()}
    with pytest.raises(RuntimeError, match="frame 1002 is damaged"):
        write_movies(specs, pictures())
    assert list(tmp_path.iterdir()) == []
