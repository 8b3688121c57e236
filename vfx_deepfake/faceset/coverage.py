"""Does a faceset show what a plate needs? Asked before any training, answered in words, frames and figures.

For every frame of the plate: how far the nearest crop is in each kind of thing (pose, gaze, eyes, mouth, brows, light,
level) and in all of them at once. Where something is farther than a step, the frame will suffer; the gaps say what to shoot or
find. Kinds that are each there but never together are gaps too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.coverage_gaps import Gap, find_gaps
from vfx_deepfake.faceset.coverage_space import JOINT_KINDS, KINDS, Table, distances, identity_shift
from vfx_deepfake.faceset.coverage_words import frame_reason
from vfx_deepfake.frames import format_frames

SUFFERS_STEPS = 1.0  # from here on a kind is not covered
FAR_STEPS = 2.5  # the same for all kinds at once, which are never all met; assumed


@dataclass(frozen=True, slots=True)
class FrameNeed:
    """One frame of the plate. distance: steps to the nearest crop in all kinds at once; nearest: that crop's index; by_kind: steps
    to the nearest crop in each kind; reason: what is worst, in words, empty for a frame that is covered."""

    frame: int
    distance: float
    nearest: int
    by_kind: Mapping[str, float]
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Coverage:
    """What a faceset lacks for a plate.

    gaps: worst first. frames: every frame, rising. faceset, plate: the measures, the plate's in its own person's scale;
    shift: by how much the plate's columns were moved for the comparison. crops: what each crop is called.
    """

    gaps: tuple[Gap, ...]
    frames: tuple[FrameNeed, ...]
    faceset: Table
    plate: Table
    shift: Mapping[str, float] = field(default_factory=dict)
    crops: tuple[str, ...] = ()

    @property
    def suffering(self) -> tuple[FrameNeed, ...]:
        """The frames that will suffer, worst first."""
        return tuple(sorted((need for need in self.frames if need.reason), key=_worst, reverse=True))

    @property
    def covered_share(self) -> float:
        """Share of the frames for which the faceset shows everything."""
        return sum(not need.reason for need in self.frames) / len(self.frames)

    def lines(self) -> list[str]:
        """The report in words, worst first."""
        suffering = self.suffering
        head = (
            f"{len(self.frames) - len(suffering)} of {len(self.frames)} frames are covered by {len(self.faceset)} crops"
        )
        if suffering:
            head += f"; these will suffer: {format_frames(need.frame for need in suffering)}"
        return [head, *(f"{gap.level}: {gap.text}" for gap in self.gaps)]

    def to_data(self) -> dict[str, Any]:
        """Plain data for a file."""
        return {
            "schema": 1,
            "crops": len(self.faceset),
            "covered_share": round(self.covered_share, 4),
            "summary": self.lines(),
            "gaps": [gap.to_data() for gap in self.gaps],
            "identity_shift": {name: round(by, 4) for name, by in self.shift.items()},
            "frames": [
                {
                    "frame": need.frame, "distance": round(need.distance, 3), "nearest": self.crops[need.nearest],
                    "steps": {kind: round(steps, 3) for kind, steps in need.by_kind.items()}, "reason": need.reason,
                }
                for need in self.frames
            ],
        }  # fmt: skip


def coverage(
    crops: Sequence[Mapping[str, float]],
    frames: Sequence[int],
    plate: Sequence[Mapping[str, float]],
    names: Sequence[str] = (),
) -> Coverage:
    """Hold the crops of one or several facesets against a plate.

    ``crops`` and ``plate`` hold what :func:`~vfx_deepfake.faceset.measures.measure` gave for each crop and for each of
    ``frames``, rising; ``names`` are the crops', their number if none are given.
    Raises: FacesetError without a crop or without a frame.
    """
    if not crops or not frames:
        what = "no crop is in use" if not crops else "no frame of the plate shows the face"
        raise FacesetError(f"coverage: {what}; there is nothing to compare")
    faceset, table = Table.of(crops), Table.of(plate)
    shift = identity_shift(faceset, table)
    moved = table.moved(shift)
    each = {kind: distances(faceset, moved, [kind]) for kind in KINDS}
    joint = np.sqrt(sum(each[kind] ** 2 for kind in JOINT_KINDS))
    short = {kind: apart.min(axis=1) for kind, apart in each.items()}
    gaps = find_gaps(faceset, moved, frames, each)
    needs = []
    for row, frame in enumerate(frames):
        nearest = int(joint[row].argmin())
        by_kind = {kind: float(short[kind][row]) for kind in KINDS}
        reason = ""
        lacks = [gap for gap in gaps if gap.missing and int(frame) in gap.frames]
        if max(by_kind.values()) > SUFFERS_STEPS:
            at = {kind: int(each[kind][row].argmin()) for kind in KINDS}
            reason = frame_reason(faceset, moved, row, by_kind, at)
        elif lacks:
            reason = lacks[0].text.split(";")[0]
        elif joint[row, nearest] > FAR_STEPS:
            there = {kind: float(each[kind][row, nearest]) for kind in JOINT_KINDS}
            alike = dict.fromkeys(JOINT_KINDS, nearest)
            reason = "not all at once, " + frame_reason(faceset, moved, row, there, alike)
        needs.append(FrameNeed(int(frame), float(joint[row, nearest]), nearest, by_kind, reason))
    return Coverage(gaps, tuple(needs), faceset, table, shift, tuple(names) or tuple(map(str, range(len(crops)))))


def _worst(need: FrameNeed) -> float:
    return max(max(need.by_kind.values()) / SUFFERS_STEPS, need.distance / FAR_STEPS)
