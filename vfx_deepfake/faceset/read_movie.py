"""Frames of a movie as RGB code values, by PyAV (extra ``review``); 10 and 12 bits stay what they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import FacesetError

SUFFIXES = (".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi", ".webm", ".mpg", ".ts")
UNTAGGED, RGB_TAGS = 2, (0,)  # ITU-T H.273 matrix codes
HD_HEIGHT = 720  # untagged movies: from here on BT.709's matrix is meant, below it BT.601's, as players take it


def count_frames(path: Path) -> int:
    """How many frames the movie says it has; an estimate where it does not say.

    Raises: FacesetError without PyAV, or for a file that is no movie.
    """
    with _opened(path) as container:
        stream = _video(container, path)
        if stream.frames:
            return int(stream.frames)
        seconds = float(container.duration or 0) / 1e6
        return max(round(seconds * float(stream.average_rate or 24)), 1)


def read_frames(
    path: Path, wanted: Iterator[int] | range | tuple[int, ...] | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """The wanted frames (all by default) with their numbers, the first is 1, in the order they are shown.

    Yields (H, W, 3) float32 code values 0..1 of the movie's own encoding, upright.
    Raises: FacesetError for a damaged movie; what came before was yielded.
    """
    chosen = None if wanted is None else frozenset(wanted)
    last = None if chosen is None else max(chosen, default=0)
    with _opened(path) as container:
        stream = _video(container, path)
        stream.thread_type = "AUTO"
        number = 0
        try:
            for frame in container.decode(stream):
                number += 1
                if last is not None and number > last:
                    return
                if chosen is None or number in chosen:
                    yield number, _rgb(frame)
        except _av().error.FFmpegError as error:
            raise FacesetError(f"{path}: damaged after frame {number} ({error.strerror}); copy it again") from error


def _rgb(frame: Any) -> np.ndarray:
    """One frame as float RGB: chroma enlarged by bicubic, matrix and range as tagged."""
    from av.video.reformatter import Colorspace, Interpolation

    matrix = None
    if int(frame.colorspace) == UNTAGGED and not frame.format.is_rgb:
        matrix = Colorspace.ITU709 if frame.height >= HD_HEIGHT else Colorspace.ITU601
    exact = (
        Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    )
    shown = frame.reformat(format="rgb48le", src_colorspace=matrix, interpolation=exact)
    pixels = shown.to_ndarray().astype(np.float32) / np.float32(65535)
    quarter_turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns)) if quarter_turns else pixels


def _opened(path: Path) -> Any:
    try:
        return _av().open(str(path))
    except (OSError, _av().error.FFmpegError) as error:
        words = getattr(error, "strerror", "") or error
        raise FacesetError(f"{path}: can't be read as a movie ({words}); copy it again or leave it out") from error


def _video(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise FacesetError(f"{path}: holds no picture; give a movie, or leave it out")
    return container.streams.video[0]


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise FacesetError(
            "movies need PyAV: pip install 'vfx_deepfake[review]', or give the frames as files"
        ) from error
    return av
