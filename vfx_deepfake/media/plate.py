"""The plate of a shot: its frames found, checked and read, untouched and in the working space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import PlateError
from vfx_deepfake.frames import format_frames
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.dpx import read_dpx
from vfx_deepfake.media.exr import Frame, read_exr
from vfx_deepfake.media.header import Header, read_header
from vfx_deepfake.media.metadata import frame_rate
from vfx_deepfake.media.sequence import holes, missing_frames, scan

NAN_POLICIES = ("error", "zero", "neighbours")
DEFAULT_RATE = Fraction(24)
LARGEST_HOLE_PX = 64  # NaN areas are filled from their edge inwards, at most this many rings


class Plate:
    """The photographed frames of one shot; safe to read from several threads.

    ``pattern`` may use ``####``, ``%04d``, ``@@@@``; ``frames`` are those to work on (empty: all on disk); ``part``
    and ``layer`` choose inside an EXR; ``nan_policy`` says what :meth:`read_working` does about NaN and Inf: refuse,
    or replace them by zero or by their neighbours.
    Raises: PlateError for missing frames, first or last frames that can't be used, or contradict each other, every
    problem on a line; ColorError for unknown colour spaces.
    """

    def __init__(
        self,
        pattern: str,
        color: Color,
        colorspace: str,
        *,
        working: str = "ACEScg",
        frames: Sequence[int] = (),
        part: str = "",
        layer: str = "",
        nan_policy: str = "error",
    ) -> None:
        if nan_policy not in NAN_POLICIES:
            raise ValueError(f"nan_policy is '{nan_policy}'; choose one of {', '.join(NAN_POLICIES)}")
        self.color = color
        self.colorspace = color.require(colorspace, "[plate].colorspace")
        self.working = color.require(working, "[color].working")
        self.part, self.layer, self.nan_policy = part, layer, nan_policy
        self.sequence = scan(pattern)
        self.frames = tuple(sorted(frames)) or self.sequence.frames
        self._refuse_missing(given=bool(frames))
        self.header = self._first_header()

    @property
    def data_window(self) -> Window:
        """The pixels every frame has."""
        return self.header.data_window

    @property
    def display_window(self) -> Window:
        """The format of the shot, what is delivered."""
        return self.header.display_window

    @property
    def is_dpx(self) -> bool:
        """True for DPX frames, whose pixels are codes scaled to 0..1."""
        return self.header.format == "dpx"

    @property
    def bits(self) -> int:
        """Bits a channel as stored."""
        return self.header.bits

    @property
    def is_float(self) -> bool:
        """True for half and float plates."""
        return self.header.formats[0] in ("half", "float")

    def rate(self, default: Fraction = DEFAULT_RATE) -> Fraction:
        """Frames per second of the header, else ``default``."""
        return frame_rate(self.header.metadata) or default

    def path(self, frame: int) -> Path:
        """The file of one frame."""
        return self.sequence.path(frame)

    def read(self, frame: int) -> Frame:
        """One frame as stored, bit for bit: pixels in the plate's own colour space.

        Raises: PlateError when it is damaged, of another size or format than the first frame, or holds NaN or Inf
        under the policy "error".
        """
        path = self.path(frame)
        picture = read_dpx(path) if self.is_dpx else read_exr(path, self.part, self.layer)
        problem = _difference(self.header, picture)
        if problem:
            raise PlateError(f"{path}: {problem}; write all frames of the shot alike")
        if self.nan_policy == "error":
            refuse_nan(picture, path)
        return picture

    def read_working(self, frame: int) -> Frame:
        """One frame with R, G, B in the working space, finite everywhere; see :meth:`to_working`."""
        return self.to_working(self.read(frame))

    def to_working(self, picture: Frame) -> Frame:
        """A frame of :meth:`read` with its R, G, B in the working space; NaN and Inf replaced as the policy says."""
        pixels = picture.pixels
        if self.nan_policy != "error" and not _all_finite(pixels):
            pixels = without_nan(pixels, self.nan_policy)
        return replace(picture, pixels=self.color.convert(pixels, self.colorspace, self.working))

    def _refuse_missing(self, given: bool) -> None:
        absent = missing_frames(self.sequence.frames, self.frames) if given else holes(self.frames)
        if absent:
            span = format_frames(self.frames) if given else f"{self.frames[0]}-{self.frames[-1]}"
            advice = "restore them, or name the frames to work on in the shot file, [plate].frames"
            found = f"frames {format_frames(absent)} of {span} are missing"
            raise PlateError(f"{self.sequence.pattern}: {found}; all were expected; {advice}")

    def _first_header(self) -> Header:
        """The first frame's header, after comparing the last one with it."""
        problems: list[str] = []
        headers: list[Header] = []
        for frame in dict.fromkeys((self.frames[0], self.frames[-1])):
            try:
                headers.append(read_header(self.path(frame), self.part, self.layer))
            except PlateError as error:
                problems.append(str(error))
                continue
            if headers[-1].channels[:3] != ("R", "G", "B"):
                found = ", ".join(headers[-1].file_channels)
                problems.append(f"{self.path(frame)}: channels {found}; R, G, B were expected; name the layer or part")
            difference = _difference(headers[0], headers[-1])
            if difference:
                problems.append(f"{self.path(frame)}: {difference}; write all frames of the shot alike")
        if problems:
            raise PlateError("\n".join(problems))
        return headers[0]


def refuse_nan(picture: Frame, path: Path) -> None:
    """Raise PlateError that counts NaN and Inf and gives the place of the first, in plate pixels."""
    if _all_finite(picture.pixels):
        return
    bad = ~np.isfinite(picture.pixels)
    row, column, channel = (int(v) for v in np.argwhere(bad)[0])
    value = picture.pixels[row, column, channel]
    x, y = column + picture.data_window.x, row + picture.data_window.y
    found = f"{int(bad.any(axis=2).sum())} pixels are NaN or Inf"
    raise PlateError(
        f"{path}: {found}, the first at x {x}, y {y} ({picture.channels[channel]} is {value}); "
        'finite values were expected; repair the plate, or set nan_policy = "neighbours" (or "zero") in [plate]'
    )


def without_nan(pixels: np.ndarray, policy: str) -> np.ndarray:
    """A copy with NaN and Inf replaced.

    Shapes: pixels (H, W, C). ``zero`` gives 0; ``neighbours`` the mean of the finite ones of the eight around, from
    the edge of a hole inwards, and 0 for what is then left.
    """
    filled = np.where(np.isfinite(pixels), pixels, np.float32(np.nan))
    for _ in range(LARGEST_HOLE_PX if policy == "neighbours" else 0):
        rows, columns, channels = np.nonzero(np.isnan(filled))
        if not len(rows):
            break
        padded = np.pad(filled, ((1, 1), (1, 1), (0, 0)), constant_values=np.nan)
        around = np.stack([padded[rows + dy, columns + dx, channels] for dy in range(3) for dx in range(3)])
        known = np.isfinite(around)
        total = np.where(known, around, 0).sum(axis=0, dtype=np.float64)
        count = known.sum(axis=0)
        filled[rows, columns, channels] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.nan_to_num(filled, copy=False, nan=0.0)


def _all_finite(pixels: np.ndarray) -> bool:
    """True without NaN and Inf; the extremes carry both, and cost no temporary array."""
    return not pixels.size or bool(np.isfinite(pixels.min()) and np.isfinite(pixels.max()))


def _difference(first: Header, other: Header | Frame) -> str:
    """What sets a frame apart from the first one; empty where nothing does."""
    for what in ("display_window", "data_window"):
        mine, theirs = getattr(first, what), getattr(other, what)
        if mine != theirs:
            name = what.replace("_", " ")
            return f"{name} {_window_text(theirs)}; {_window_text(mine)} was expected, as in {first.path.name}"
    if other.channels != first.channels:
        return (
            f"channels {', '.join(other.channels)}; {', '.join(first.channels)} were expected, as in {first.path.name}"
        )
    if other.formats != first.formats:
        return f"pixels are {'/'.join(other.formats)}; {'/'.join(first.formats)} was expected, as in {first.path.name}"
    return ""


def _window_text(window: Window) -> str:
    return f"{window.width} x {window.height} at {window.x}, {window.y}"
