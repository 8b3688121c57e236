"""Movies of display pictures, with colour tags and a timecode track, by PyAV (extra ``review``).

Pictures are display-encoded (H, W, 3) float32, 0 black to 1 white, and go to the encoder's own codes in one rounding. H.264 has no
B-frames, because trackers' own transcoders trip over them, and closed groups with a key frame every half second at most, so that any
frame is found at once; the others have whole frames only. Range is limited in all, as MOV has no tag that players would trust.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import written_aside
from vfx_deepfake.media.codecs import Codec, codec_named, options_of
from vfx_deepfake.media.signal import LIMITED, Signal, ycbcr_planes

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

SIZE_MULTIPLE = 4  # what players and trackers ask of a proxy's sides
H264: Final = "h264"


@dataclass(frozen=True, kw_only=True, slots=True)
class MovieSpec:
    """How a movie is encoded."""

    frame_rate: Fraction
    codec: str = H264  # a name in media/codecs.py
    timecode: str = ""  # of the movie's first frame, the slate if there is one
    signal: Signal = Signal()
    crf: int = 16  # x264's quality; visually clean, assumed
    tags: Mapping[str, str] = field(default_factory=dict)  # title, comment and the like


def movie_problem(codecs: Iterable[str] = (H264,)) -> str:
    """Why no movie can be written here, as one line for the log; empty when one can."""
    try:
        import av
    except ImportError:
        return "no review movie: PyAV is not installed; pip install 'vfx_deepfake[review]', then run this again"
    missing = sorted({codec_named(name).encoder for name in codecs} - av.codecs_available)
    if missing:
        return f"no review movie: this build of PyAV has no {', '.join(missing)}; install the one from pip, then run this again"
    return ""


def write_movie(path: Path, pictures: Iterable[np.ndarray], spec: MovieSpec) -> int:
    """Encode pictures one at a time; the file appears whole or not at all. Returns the number of frames.

    Shapes: every picture (H, W, 3), one size; a side that is no multiple of SIZE_MULTIPLE gets black borders.
    Raises: DeliveryError without PyAV, without a picture, or in FFmpeg's own words; ValueError when the size changes.
    """
    return write_movies({path: spec}, pictures)


def write_movies(specs: Mapping[Path, MovieSpec], pictures: Iterable[np.ndarray]) -> int:
    """Encode the same pictures into several movies at once, as :func:`write_movie`: all files appear, or none."""
    count = 0
    with ExitStack() as stack:
        writers = [stack.enter_context(_writing(path, spec)) for path, spec in specs.items()]
        for picture in pictures:
            for add in writers:
                add(picture)
            count += 1
        if not count:
            raise DeliveryError(
                f"{next(iter(specs))}: no picture for the review movie; the shot has no frames, check [plate].frames"
            )
    return count


@contextmanager
def _writing(path: Path, spec: MovieSpec) -> Iterator[Callable[[np.ndarray], None]]:
    """What takes the pictures of one movie; leaving it well gives the file its name."""
    problem = movie_problem((spec.codec,))
    if problem:
        raise DeliveryError(f"{path}: {problem}")
    import av

    with written_aside(path) as part:
        try:
            with av.open(str(part), "w", options={"movflags": "+write_colr+faststart"}) as container:
                encoding = _Encoding(container, spec)
                yield encoding.add
                encoding.finish()
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise DeliveryError(f"{path}: the review movie could not be encoded: {error.strerror}") from error


class _Encoding:
    """One movie on its way; the first picture gives the size."""

    def __init__(self, container: OutputContainer, spec: MovieSpec) -> None:
        self._container, self._spec, self._codec = container, spec, codec_named(spec.codec)
        self._shape: tuple[int, ...] = ()
        self._stream: VideoStream | None = None
        self._count = 0

    def add(self, picture: np.ndarray) -> None:
        """Encode one picture. Raises: ValueError when it has not the size of the first."""
        if self._stream is None:
            self._shape, self._stream = picture.shape, self._add_stream(picture.shape)
        if picture.shape != self._shape:
            raise ValueError(
                f"picture {self._count} is {picture.shape}, the first one was {self._shape}; a movie has one size"
            )
        self._container.mux(self._stream.encode(self._frame(picture, self._stream)))
        self._count += 1

    def finish(self) -> None:
        """Encode what the encoder still holds."""
        if self._stream is not None:
            self._container.mux(self._stream.encode())

    def _add_stream(self, shape: tuple[int, ...]) -> VideoStream:
        codec, spec = self._codec, self._spec
        width, height = (_padded_length(length) for length in shape[1::-1])
        if width < codec.least[0] or height < codec.least[1]:
            least = " x ".join(map(str, codec.least))
            raise DeliveryError(
                f"{codec.title}: pictures are {width} x {height}, it takes them from {least} on; choose another codec"
            )
        options = options_of(codec, spec.frame_rate, spec.crf)
        stream = cast("VideoStream", self._container.add_stream(codec.encoder, rate=spec.frame_rate, options=options))
        stream.width, stream.height, stream.pix_fmt = width, height, codec.pix_fmt
        stream.codec_context.time_base = 1 / spec.frame_rate
        self._tag(stream.codec_context)
        self._container.metadata.update(spec.tags)
        if spec.timecode:
            stream.metadata["timecode"] = spec.timecode
        return stream

    def _frame(self, picture: np.ndarray, stream: VideoStream) -> Any:
        """One picture as the encoder wants it."""
        frame = video_frame(padded(picture), self._codec, self._spec.signal.matrix)
        frame.pts, frame.time_base = self._count, stream.codec_context.time_base
        self._tag(frame)
        return frame

    def _tag(self, target: Any) -> None:
        """Say what the numbers mean, on the stream and on every frame: a player that guesses shows other colours."""
        signal = self._spec.signal
        target.color_primaries, target.color_trc, target.colorspace = signal.primaries, signal.transfer, signal.matrix
        target.color_range = LIMITED


def video_frame(picture: np.ndarray, codec: Codec, matrix: int) -> Any:
    """A display picture (H, W, 3) as PyAV's frame in the codec's own codes."""
    import av

    frame = av.VideoFrame(picture.shape[1], picture.shape[0], codec.pix_fmt)
    for place, codes in zip(frame.planes, ycbcr_planes(picture, codec.bits, codec.halved, matrix), strict=True):
        rows = np.frombuffer(place, codes.dtype).reshape(place.height, place.line_size // codes.itemsize)  # type: ignore[call-overload]
        rows[:, : place.width] = codes
    return frame


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
