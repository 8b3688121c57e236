"""Movies are checked by decoding them again."""

from __future__ import annotations

import builtins
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.media.movie import MovieSpec, movie_problem, padded, write_movie
from vfx_deepfake.media.slate import SlateInfo, burn_in, review_frames

av = pytest.importorskip("av", reason="PyAV is not installed (extra: review)")

FILM = MovieSpec(frame_rate=Fraction(24))
PictureType = av.video.frame.PictureType
INFO = SlateInfo(shot="sh0010", version="sh0010_v003", date="2026-11-21", frames="1001-1006 (6)")


def ramp(index: int, height: int = 96, width: int = 160) -> np.ndarray:
    """A smooth picture that differs from frame to frame."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x / width, y / height, np.full_like(x, 0.1 + 0.1 * index)], axis=-1)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as movie:
        return [frame.to_ndarray(format="rgb24").astype(np.float32) / 255 for frame in movie.decode(video=0)]


def test_every_frame_comes_back_in_order_within_the_codecs_error(tmp_path: Path) -> None:
    frames = [ramp(index) for index in range(6)]
    assert write_movie(tmp_path / "m.mp4", frames, FILM) == 6
    back = decoded(tmp_path / "m.mp4")
    assert len(back) == 6
    for before, after in zip(frames, back, strict=True):
        # measured at crf 16 in codes of limited range: 1.2 on average, 7.5 for the worst pixel; a third more is
        # allowed
        assert np.abs(before - after).mean() < 2 / 219
        assert np.abs(before - after).max() < 10 / 219
    assert [path.name for path in tmp_path.iterdir()] == ["m.mp4"]


def test_levels_are_limited_range_of_bt709(tmp_path: Path) -> None:
    colours = {"black": (0, 0, 0), "white": (1, 1, 1), "grey": (0.5, 0.5, 0.5), "green": (0, 1, 0)}
    pictures = [np.full((32, 32, 3), value, np.float32) for value in colours.values()]
    write_movie(tmp_path / "m.mp4", pictures, MovieSpec(frame_rate=Fraction(24), crf=1))
    with av.open(str(tmp_path / "m.mp4")) as movie:
        luma = [frame.to_ndarray()[:32].mean() for frame in movie.decode(video=0)]
    # Y' = 16 + 219 (0.2126 R' + 0.7152 G' + 0.0722 B'); one code for rounding and the codec
    np.testing.assert_allclose(luma, [16, 235, 125.5, 16 + 219 * 0.7152], atol=1)


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    spec = MovieSpec(frame_rate=Fraction(24000, 1001), timecode="01:00:00:00", tags={"title": "sh0010_v003"})
    write_movie(tmp_path / "m.mp4", (ramp(index % 5) for index in range(30)), spec)
    with av.open(str(tmp_path / "m.mp4")) as movie:
        stream = movie.streams.video[0]
        context = stream.codec_context
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        assert (context.name, context.pix_fmt, tags) == ("h264", "yuv420p", (1, 1, 1, 1))
        assert stream.average_rate == Fraction(24000, 1001) and stream.frames == 30
        assert movie.metadata["title"] == "sh0010_v003"
        assert [data.metadata["timecode"] for data in movie.streams.data] == ["01:00:00:00"]
        frames = list(movie.decode(video=0))
    assert [index for index, frame in enumerate(frames) if frame.key_frame] == [0, 12, 24]
    assert {PictureType(frame.pict_type) for frame in frames} == {PictureType.I, PictureType.P}  # no B-frame
    assert b"colrnclx\x00\x01\x00\x01\x00\x01" in (tmp_path / "m.mp4").read_bytes()  # the tags of the container


@pytest.mark.parametrize("size", [(90, 160), (89, 161), (1, 1), (538, 7)])
def test_odd_sizes_get_black_borders_and_no_scaling(tmp_path: Path, size: tuple[int, int]) -> None:
    height, width = size
    picture = np.full((height, width, 3), 0.5, np.float32)
    wide = padded(picture)
    assert wide.shape[0] % 4 == 0 and wide.shape[1] % 4 == 0
    assert 0 <= wide.shape[0] - height < 4 and 0 <= wide.shape[1] - width < 4
    assert np.count_nonzero(wide) == picture.size
    write_movie(tmp_path / "m.mp4", [picture], FILM)
    assert decoded(tmp_path / "m.mp4")[0].shape == wide.shape


def test_an_even_size_is_not_copied() -> None:
    picture = ramp(0, 4, 8)
    assert padded(picture) is picture


def test_the_burn_in_is_in_the_decoded_frames(tmp_path: Path) -> None:
    frames = [(1001 + index, ramp(index, 360, 640)) for index in range(3)]
    write_movie(tmp_path / "m.mp4", review_frames(iter(frames), INFO, Fraction(24), "01:00:00:00"), FILM)
    card, *back = decoded(tmp_path / "m.mp4")
    assert len(back) == 3 and abs(card[170:190, 300:340].mean() - 0.11) < 0.3
    for index, ((frame, picture), after) in enumerate(zip(frames, back, strict=True)):
        wanted = burn_in(picture, INFO, frame, f"01:00:00:0{index}")
        where = np.abs(wanted - picture).max(axis=2) > 0.3
        # half-resolution chroma and the codec soften small letters: nearer to the burnt-in frame than to the clean one
        assert np.abs(after - wanted)[where].mean() < 0.5 * np.abs(after - picture)[where].mean()


def test_nan_and_out_of_range_do_not_reach_the_codec(tmp_path: Path) -> None:
    picture = np.full((16, 16, 3), np.nan, np.float32)
    picture[:8] = 7.0
    picture[:4] = -np.inf
    write_movie(tmp_path / "m.mp4", [picture], MovieSpec(frame_rate=Fraction(24), crf=1))
    rows = decoded(tmp_path / "m.mp4")[0].mean(axis=(1, 2))
    np.testing.assert_allclose(rows[[1, 6, 13]], [0, 1, 0], atol=0.02)  # a few codes of the codec


def test_pictures_are_taken_one_at_a_time(tmp_path: Path) -> None:
    alive = []

    def pictures():
        for index in range(40):
            alive.append(index)
            yield ramp(index % 5, 32, 32)

    assert write_movie(tmp_path / "m.mp4", pictures(), FILM) == 40 and len(alive) == 40


def test_a_failing_source_leaves_no_file(tmp_path: Path) -> None:
    def pictures():
        yield ramp(0)
        raise RuntimeError("frame 1002 is damaged")

    with pytest.raises(RuntimeError, match="frame 1002 is damaged"):
        write_movie(tmp_path / "m.mp4", pictures(), FILM)
    assert list(tmp_path.iterdir()) == []


def test_no_picture_is_said(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"m.mp4: no picture for the review movie"):
        write_movie(tmp_path / "m.mp4", [], FILM)


def test_a_changing_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"picture 1 is \(32, 32, 3\), the first one was \(96, 160, 3\)"):
        write_movie(tmp_path / "m.mp4", [ramp(0), ramp(0, 32, 32)], FILM)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match=r"file/m.mp4: could not be written"):
        write_movie(tmp_path / "file" / "m.mp4", [ramp(0)], FILM)


def test_without_pyav_there_is_one_line_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__
    monkeypatch.delitem(sys.modules, "av")

    def without(name: str, *rest: object, **more: object) -> object:
        if name == "av":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    line = "no review movie: PyAV is not installed; pip install 'vfx_deepfake[review]', then run this again"
    assert movie_problem() == line
    with pytest.raises(DeliveryError, match="PyAV is not installed"):
        write_movie(tmp_path / "m.mp4", [ramp(0)], FILM)
    assert list(tmp_path.iterdir()) == []


def test_with_pyav_there_is_no_problem() -> None:
    assert movie_problem() == ""
