"""Gaps of a faceset in plain words: what is missing, by how much, and on which frames of the plate it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vfx_deepfake.faceset.coverage_space import AXES, Axis, Table
from vfx_deepfake.faceset.coverage_words import GAZE_CM, kind_said
from vfx_deepfake.frames import format_frames

FEW_CROPS, FEW_SHARE = 3, 0.02  # fewer crops than this, or than this share of them, teach little; assumed
BLINK = 0.17  # eye opening below which lids are shut; qc.performance measured 0.14 to 0.16
TEETH_SHOW = 0.04  # share of the mouth; assumed
LIPS_SHUT = 0.5
SMALLER, SOFTER = 1.25, 1.15  # ratios of size and of sharpness from which a faceset is too small or too soft; assumed
TOGETHER_STEPS = 1.5  # of two kinds at once, each of which is less than a step away; assumed
LEVELS = ((0.4, "serious"), (0.15, "noticeable"), (0.0, "slight"))  # score from which a gap is called so


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the plate needs and the faceset lacks.

    kind: pose, gaze, eyes, mouth, brows, light, level, size, sharpness or together. text: a plain sentence. frames: those
    that need it. score 0..1: how far away it is, and in how much of the shot. missing: there is nothing of it at all, so that
    its frames will suffer; else there is little.
    """

    kind: str
    text: str
    frames: tuple[int, ...]
    score: float
    missing: bool = False

    @property
    def level(self) -> str:
        """The score in a word."""
        return next(word for least, word in LEVELS if self.score >= least)

    def to_data(self) -> dict[str, Any]:
        """Plain data for a file."""
        return {
            "kind": self.kind,
            "level": self.level,
            "score": round(self.score, 3),
            "text": self.text,
            "frames": list(self.frames),
        }


@dataclass(frozen=True, slots=True)
class End:
    """One end of a measure. sign: which one. past: what a crop past a value does. side: what any crop on that side of zero does,
    for measures that have two sides. scale: the measure's unit in the one that is printed."""

    axis: str
    sign: int
    past: str
    side: str = ""
    scale: float = 1.0


ENDS = (
    End("yaw", -1, "looks to image left beyond {:.0f} degrees", "looks to image left"),
    End("yaw", 1, "looks to image right beyond {:.0f} degrees", "looks to image right"),
    End("pitch", -1, "looks down by more than {:.0f} degrees", "looks down"),
    End("pitch", 1, "looks up by more than {:.0f} degrees", "looks up"),
    End("gaze_x", -1, "has its eyes turned to image left by more than {:.1f} mm", "has its eyes turned to image left", 10 * GAZE_CM),
    End("gaze_x", 1, "has its eyes turned to image right by more than {:.1f} mm", "has its eyes turned to image right", 10 * GAZE_CM),
    End("gaze_y", -1, "has its eyes lowered by more than {:.1f} mm", "has its eyes lowered", 10 * GAZE_CM),
    End("gaze_y", 1, "has its eyes raised by more than {:.1f} mm", "has its eyes raised", 10 * GAZE_CM),
    End("eyes", 1, "has its eyes open by more than {:.0f} % of their width", scale=100),
    End("mouth_open", 1, "has its mouth open by more than {:.0f} mm", scale=10),
    End("smile", -1, "has the corners of its mouth lower than {:.0f} mm over the lips' middle", scale=10),
    End("smile", 1, "has the corners of its mouth higher than {:.0f} mm over the lips' middle", scale=10),
    End("brow", -1, "has its brows lower than {:.0f} mm over the eyes", scale=10),
    End("brow", 1, "has its brows higher than {:.0f} mm over the eyes", scale=10),
    End("light_right", -1, "is lit from image left by more than {:.1f} stops", "is lit from image left"),
    End("light_right", 1, "is lit from image right by more than {:.1f} stops", "is lit from image right"),
    End("light_up", -1, "is lit from below by more than {:.1f} stops", "is lit from below"),
    End("light_up", 1, "is lit from above by more than {:.1f} stops", "is lit from above"),
    End("exposure", -1, "has skin darker than {:.1f} stops over grey"),
    End("exposure", 1, "has skin brighter than {:.1f} stops over grey"),
)  # fmt: skip
MANY_CROPS = 20
BEYOND_STEPS = 0.5  # past the last crop by less is no gap
TOGETHER = (("pose", "light"), ("pose", "mouth"))


def find_gaps(faceset: Table, plate: Table, frames: Sequence[int], each: Mapping[str, np.ndarray]) -> tuple[Gap, ...]:
    """All gaps, worst first.

    Shapes: each[kind] (frames, crops) steps; ``plate`` is in the faceset's scale.
    """
    numbers = np.asarray(frames)
    gaps: list[Gap] = []
    seen: dict[str, np.ndarray] = {
        kind: np.zeros(len(numbers), bool) for kind in each
    }  # frames that a gap names already
    for end in ENDS:
        axis = next(axis for axis in AXES if axis.name == end.axis)
        found, where = _end(end, axis, faceset, plate, numbers)
        gaps += found
        seen[axis.kind] |= where
    gaps += _holes(plate, numbers, each, seen)
    gaps += _rare(faceset, plate, numbers)
    gaps += _together(plate, numbers, each)
    gaps += [gap for gap in (_size(faceset, plate, numbers), _sharpness(faceset, plate, numbers)) if gap is not None]
    return tuple(sorted(gaps, key=lambda gap: gap.score, reverse=True))


def _end(end: End, axis: Axis, faceset: Table, plate: Table, frames: np.ndarray) -> tuple[list[Gap], np.ndarray]:
    """What lies past the last crop at one end, and what only a few crops reach; and the frames past it."""
    have, need = end.sign * faceset[end.axis], end.sign * plate[end.axis]
    have = have[np.isfinite(have)]
    nowhere = np.zeros(len(frames), bool)
    if not len(have) or not np.isfinite(need).any():
        return [], nowhere
    slack, most = BEYOND_STEPS * axis.step, float(have.max())
    last = float(np.sort(have)[-2]) if len(have) >= MANY_CROPS else most  # one crop among many may be a mistake
    beyond = need > last + slack
    found = []
    if beyond.any():
        far = float(np.mean(np.minimum((need[beyond] - last) / axis.step, 3))) / 2
        most_needed = float(need[beyond].max())
        wanted = f"the plate needs {_figure(end, most_needed)} in {format_frames(frames[beyond])}"
        if end.side and most_needed < 0:  # not past zero: the crops have too much of the other side
            who = f"every crop {_past(_opposite(end), -last)}"
        else:
            who = f"no crop {_past(end, most)}" if most <= last + slack else f"no crop but one {_past(end, last)}"
        found.append(Gap(axis.kind, f"{who}; {wanted}", _named(frames, beyond), _score(far, beyond), missing=True))
    counts = (have[None] >= np.where(np.isfinite(need), need, -np.inf)[:, None] - slack).sum(axis=1)
    thin = (counts < _few(len(have))) & ~beyond & np.isfinite(need)
    if thin.any():
        least = float(need[thin].min()) - slack
        reached = int((have >= least).sum())
        does = _past(end, least, many=True)
        if end.side and least < 0:
            does = (
                _past(_opposite(end), -least, many=True)
                .replace("by more than", "by less than")
                .replace("beyond", "by less than")
            )
        text = f"only {reached} of {len(have)} crops {does}; the plate does in {format_frames(frames[thin])}"
        found.append(Gap(axis.kind, text, _named(frames, thin), 0.5 * _score(0.5, thin)))
    return found, beyond


def _past(end: End, last: float, many: bool = False) -> str:
    """What a crop past ``last`` does, signed towards the end: in the singular or of many."""
    text = end.side if end.side and last < 0 else end.past.format(_value(end, last))
    if not many:
        return text
    head, rest = text.split(" ", 1)
    plural = {"has": "have", "is": "are", "looks": "look"}[head]
    return f"{plural} {rest.replace('its ', 'their ')}"


def _opposite(end: End) -> End:
    return next(other for other in ENDS if other.axis == end.axis and other.sign != end.sign)


def _value(end: End, signed: float) -> float:
    return abs(signed) * end.scale if end.side else signed * end.sign * end.scale


def _figure(end: End, signed: float) -> str:
    digits = 1 if ":.1f" in end.past else 0
    return f"{_value(end, signed):.{digits}f}"


def _holes(
    plate: Table, frames: np.ndarray, each: Mapping[str, np.ndarray], seen: Mapping[str, np.ndarray]
) -> list[Gap]:
    """Frames between crops rather than past them: every single measure is reached, their mixture is not."""
    found = []
    for kind, apart in each.items():
        short = apart.min(axis=1)
        where = (short > 1) & ~seen[kind]
        if where.any():
            worst = int(np.where(where, short, 0).argmax())
            text = f"no crop comes near this ({kind}): {kind_said(kind, plate, worst)}; needed in {format_frames(frames[where])}"
            found.append(
                Gap(kind, text, _named(frames, where), _score(float(np.mean(np.minimum(short[where], 3))) / 2, where))
            )
    return found


def _rare(faceset: Table, plate: Table, frames: np.ndarray) -> list[Gap]:
    """States that are there or not: shut lids, shut lips, teeth."""
    states: tuple[tuple[str, str, str, Callable[[Table], np.ndarray]], ...] = (
        ("eyes", "lids shut", "shuts them", lambda table: table["eyes"] < BLINK),
        ("mouth", "lips shut", "shuts them", lambda table: table["lips_closed"] > LIPS_SHUT),
        ("mouth", "teeth visible", "shows them", lambda table: table["teeth"] > TEETH_SHOW),
    )
    found = []
    for kind, what, does, test in states:
        there, needed = int(test(faceset).sum()), test(plate)
        if needed.any() and there < _few(len(faceset)):
            text = f"{what} in {there} of {len(faceset)} crops; the plate {does} in {format_frames(frames[needed])}"
            found.append(
                Gap(kind, text, _named(frames, needed), _score(1.0 if not there else 0.5, needed), missing=not there)
            )
    return found


def _together(plate: Table, frames: np.ndarray, each: Mapping[str, np.ndarray]) -> list[Gap]:
    """Two things that the faceset shows, but never in one crop."""
    found = []
    for first, second in TOGETHER:
        both = np.sqrt(each[first] ** 2 + each[second] ** 2).min(axis=1)
        alone = np.maximum(each[first].min(axis=1), each[second].min(axis=1)) <= 1
        where = alone & (both > TOGETHER_STEPS)
        if where.any():
            worst = int(np.where(where, both, 0).argmax())
            text = (f"{first} and {second} are each there, but not together: {kind_said(first, plate, worst)}, "
                    f"{kind_said(second, plate, worst)}; needed in {format_frames(frames[where])}")  # fmt: skip
            found.append(
                Gap("together", text, _named(frames, where), 0.5 * _score(float(both[where].mean()) / 3, where))
            )
    return found


def _size(faceset: Table, plate: Table, frames: np.ndarray) -> Gap | None:
    """A faceset that is smaller than the plate's face can't be as sharp."""
    have, need = float(np.nanmedian(faceset["face_px"])), plate["face_px"]
    where = need > SMALLER * have
    if not where.any():
        return None
    text = f"the plate's face is up to {np.nanmax(need):.0f} px wide, the faceset's median {have:.0f}, in {format_frames(frames[where])}"
    return Gap("size", text, _named(frames, where), _score(float(np.mean(np.log2(need[where] / have))), where))


def _sharpness(faceset: Table, plate: Table, frames: np.ndarray) -> Gap | None:
    """Out of focus, moving, or enlarged: the size alone does not tell."""
    have, need = faceset["sharpness"], plate["sharpness"]
    if not np.isfinite(have).any() or not np.isfinite(need).any():
        return None
    middle, wanted = float(np.nanmedian(have)), float(np.nanmedian(need))
    where = need > SOFTER * middle
    if not where.any() or wanted < SOFTER * middle:
        return None
    text = (f"the faceset is softer than the plate: its median crop is as sharp as a face of {middle:.0f} px, the plate as one of "
            f"{wanted:.0f}, in {format_frames(frames[where])}")  # fmt: skip
    return Gap("sharpness", text, _named(frames, where), _score(float(np.mean(np.log2(need[where] / middle))), where))


def _few(count: int) -> float:
    return max(FEW_CROPS, FEW_SHARE * count)


def _score(far: float, where: np.ndarray) -> float:
    """``far`` 0..1 for how far a need lies outside; a few frames can spoil a shot: one in a hundred still counts by 0.3."""
    return min(far, 1.0) * float(where.mean()) ** 0.25


def _named(frames: np.ndarray, where: np.ndarray) -> tuple[int, ...]:
    return tuple(int(frame) for frame in frames[where])
