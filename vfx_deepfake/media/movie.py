"""Review movies: H.264 that scrubs frame by frame, with colour tags and a timecode track, by PyAV (extra ``review``).

Pictures are display-encoded (H, W, 3) float32, 0 black to 1 white. No B-frames, because trackers' own transcoders trip
over them, and a key frame every half second at most, closed, so that any frame is found at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import written_aside

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

CODEC: Final = "libx264"
BT709 = 1  # ITU-T H.273 code of primaries, transfer and matrix alike
LIMITED_RANGE = 1  # FFmpeg's AVCOL_RANGE_MPEG: black 16, white 235
SIZE_MULTIPLE = 4  # what players and trackers ask of a proxy's sides


@dataclass(frozen=True, kw_only=True, slots=True)
class MovieSpec:
    """How a review movie is encoded."""

    frame_rate: Fraction
    timecode: str = ""  # of the movie's first frame, the slate if there is one
    crf: int = 16  # x264's quality; visually clean, assumed
    tags: Mapping[str, str] = field(default_factory=dict)  # title, comment and the like


def movie_problem() -> str:
    """Why no movie can be written here, as one line for the log; empty when one can."""
    try:
        import av
    except ImportError:
        return "no review movie: PyAV is not installed; pip install 'vfx_deepfake[review]', then run this again"
    if CODEC not in av.codecs_available:
        return f"no review movie: this build of PyAV has no {CODEC}; install the one from pip, then run this again"
    return ""


def write_movie(path: Path, pictures: Iterable[np.ndarray], spec: MovieSpec) -> int:
    """Encode pictures one at a time; the file appears whole or not at all. Returns the number of frames.

    Shapes: every picture (H, W, 3), one size; a side that is no multiple of SIZE_MULTIPLE gets black borders.
    Raises: DeliveryError without PyAV, without a picture, or in FFmpeg's own words; ValueError when the size changes.
    """
    problem = movie_problem()
    if problem:
        raise DeliveryError(f"{path}: {problem}")
    import av

    stream_of = iter(pictures)
    first = next(stream_of, None)
    if first is None:
        raise DeliveryError(f"{path}: no picture for the review movie; the shot has no frames, check [plate].frames")
    with written_aside(path) as part:
        try:
            with av.open(str(part), "w", options={"movflags": "+write_colr+faststart"}) as container:
                return _encode(container, itertools.chain([first], stream_of), first.shape, spec)
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise DeliveryError(f"{path}: the review movie could not be encoded: {error.strerror}") from error


def _encode(container: OutputContainer, pictures: Iterator[np.ndarray], shape: tuple[int, ...], spec: MovieSpec) -> int:
    stream = _add_stream(container, shape, spec)
    count = 0
    for picture in pictures:
        if picture.shape != shape:
            raise ValueError(f"picture {count} is {picture.shape}, the first one was {shape}; a movie has one size")
        container.mux(stream.encode(_video_frame(picture, count, stream)))
        count += 1
    container.mux(stream.encode())
    return count


def _add_stream(container: OutputContainer, shape: tuple[int, ...], spec: MovieSpec) -> VideoStream:
    gop = max(round(spec.frame_rate / 2), 1)
    options = {"crf": str(spec.crf), "preset": "veryfast", "bf": "0", "g": str(gop), "sc_threshold": "0",
               "x264-params": "open-gop=0"}  # fmt: skip
    stream = container.add_stream(CODEC, rate=spec.frame_rate, options=options)
    stream.height, stream.width = (_padded_length(length) for length in shape[:2])
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = 1 / spec.frame_rate
    _tag(stream.codec_context)
    container.metadata.update(spec.tags)
    if spec.timecode:
        stream.metadata["timecode"] = spec.timecode
    return stream


def _tag(target: Any) -> None:
    """Say what the numbers mean, on the stream and on every frame: a player that guesses shows other colours."""
    target.color_primaries = target.color_trc = target.colorspace = BT709
    target.color_range = LIMITED_RANGE


def _video_frame(picture: np.ndarray, index: int, stream: VideoStream) -> Any:
    """One picture as the encoder wants it: 16-bit RGB to 8-bit Y'CbCr of BT.709."""
    import av

    frame = av.VideoFrame.from_ndarray(_codes(padded(picture)), format="rgb48le")
    frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="BICUBIC")
    frame.pts, frame.time_base = index, stream.codec_context.time_base
    _tag(frame)
    return frame


def _codes(picture: np.ndarray) -> np.ndarray:
    """Rounded 16-bit codes; NaN is black. One copy only, because a 4K picture is 100 MiB."""
    scaled = np.multiply(picture, 65535.0, dtype=np.float32)
    np.nan_to_num(scaled, copy=False, posinf=65535.0, neginf=0.0)
    np.clip(scaled, 0.0, 65535.0, out=scaled)
    return np.rint(scaled, out=scaled).astype(np.uint16)


def _padded_length(length: int) -> int:
    return -(-length // SIZE_MULTIPLE) * SIZE_MULTIPLE


def padded(picture: np.ndarray) -> np.ndarray:
    """A picture with black borders up to the next multiple of SIZE_MULTIPLE, evenly on both sides.

    Shapes: picture (H, W, 3); the same array where nothing is to be added.
    """
    extra = [_padded_length(length) - length for length in picture.shape[:2]]
    if not any(extra):
        return picture
    return np.pad(picture, [*((more // 2, more - more // 2) for more in extra), (0, 0)])
