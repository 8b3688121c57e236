"""What drives the face of a frame: the plate's own performance, a mouth from another take, and sliders on top.

Expressions are compared on the head: what a frame's points are beyond the canonical head, in centimetres of its own axes, so
that two takes may differ in size, place and turn. Of each take its own rest is taken off, the frames in which its lips are
nearest to shut: what the tracker or the lens adds to a face stays with its take, and lips that touch in the driving
take touch in the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vfx_deepfake.face.pose import STABLE
from vfx_deepfake.face.slider_warp import LIPS, offsets
from vfx_deepfake.face.topology import LEFT_IRIS, RIGHT_IRIS, canonical_vertices_cm
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.faceset.align import moved
from vfx_deepfake.model.identity.method import EVERYWHERE, Drive
from vfx_deepfake.model.identity.regions import UNDER_NOSE, part_share
from vfx_deepfake.settings.identity import IdentitySpec

REST_SHARE = 0.1  # of a take's frames, those with the smallest gap between the lips, are its rest; assumed
FLAT = (
    0.03  # of the head's scale squared: keeps a head seen from the side from being read as a huge expression; assumed
)
UPPER_LIP, LOWER_LIP = 13, 14  # inner lips, in the middle


@dataclass(frozen=True, eq=False)
class Take:
    """One actor's performance: a track, read as expressions."""

    track: FaceTrack

    def expression(self, frame: int) -> np.ndarray:
        """(478, 2) cm: what the frame's points are off the take's rest, to the person's left and up.

        Raises: TrackError where the frame has no face.
        """
        return expression_cm(self.track.points_at(frame)) - self._rest

    @cached_property
    def _rest(self) -> np.ndarray:
        """(478, 2) cm: the mean of the frames whose lips are nearest to shut."""
        shapes = np.stack([expression_cm(self.track.points_at(int(frame))) for frame in self.track.face_frames])
        gap = shapes[:, UPPER_LIP, 1] - shapes[:, LOWER_LIP, 1]
        most_shut = np.argsort(gap, kind="stable")[: max(int(len(gap) * REST_SHARE), 1)]
        return np.asarray(shapes[most_shut].mean(axis=0))


def expression_cm(points: np.ndarray) -> np.ndarray:
    """(478, 2) cm along the head's own axes, left and up: how far points (478, 2) px lie from the canonical head's."""
    axes, origin = _camera(points)
    beyond = np.asarray(points, np.float64) - (canonical_vertices_cm() @ axes.T + origin)
    flat = axes[:, :2]
    square = flat.T @ flat
    return np.asarray(beyond @ flat @ np.linalg.inv(square + FLAT * np.trace(square) / 2 * np.eye(2)))


def with_mouth(points: np.ndarray, change_cm: np.ndarray) -> np.ndarray:
    """Points (478, 2) px with their lower face moved by a change of expression (478, 2) cm; lips never cross."""
    axes, _ = _camera(points)
    out = np.asarray(points + (_lower_share()[:, None] * change_cm) @ axes[:, :2].T)
    top, bottom = list(LIPS.top), list(LIPS.bottom)
    up = axes[:, 1] / np.linalg.norm(axes[:, 1])
    crossed = np.minimum((out[top] - out[bottom]) @ up, 0)
    out[top] -= 0.5 * crossed[:, None] * up
    out[bottom] += 0.5 * crossed[:, None] * up
    return out


@dataclass(frozen=True, eq=False)
class Driving:
    """The settings of a shot as the :class:`Drive` of any frame. ``driver``: the other take, None for the plate's own mouth."""

    spec: IdentitySpec
    plate: Take
    driver: Take | None = None

    def at(self, frame: int, matrix: np.ndarray) -> Drive:
        """What is asked of one frame; ``matrix`` (2, 3) brings plate pixels to the view's.

        Raises: TrackError where the frame has no face.
        """
        mix = self.spec.mix_at(frame)
        asked = {name: share for name, share in mix.items() if share or name != EVERYWHERE}
        points = self.points(frame)
        in_view = None if points is None else moved(points, matrix).astype(np.float32)
        return Drive(asked, self.spec.age_at(frame), in_view, self.spec.level.at(frame))

    def drives(self, frames: Iterable[int]) -> bool:
        """True where something else than the plate's own performance is shown on any of these frames.

        Raises: TrackError for a frame without a face.
        """
        return any(self.points(frame) is not None for frame in frames)

    def points(self, frame: int) -> np.ndarray | None:
        """(478, 2) plate px of the performance that the face shall show; None for the plate's own."""
        own = self.plate.track.points_at(frame).astype(np.float64)
        shown = self._driven(frame, own)
        values = self.spec.expression
        sides = {"smile": values.smile.at(frame), "brows": values.brows.at(frame), "eyes": values.eyes.at(frame)}
        lips = values.lips.at(frame)
        if lips or any(map(any, sides.values())):
            shown = shown + offsets(shown, sides, lips)
        return None if shown is own else shown

    def _driven(self, frame: int, own: np.ndarray) -> np.ndarray:
        """The other take's mouth where it shows a face at that frame, else the plate's."""
        other = frame + self.spec.drive_offset
        if self.driver is None or not self.driver.track.has_face(other):
            return own
        return with_mouth(own, self.driver.expression(other) - self.plate.expression(frame))


def _camera(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Axes (2, 3) px per canonical cm and the pixel (2,) of the canonical origin, by least squares over STABLE."""
    head, seen = canonical_vertices_cm()[list(STABLE)], np.asarray(points, np.float64)[list(STABLE)]
    known = np.concatenate([head, np.ones((len(head), 1))], axis=1)
    solved, *_ = np.linalg.lstsq(known, seen, rcond=None)
    return solved[:3].T, solved[3]


def _lower_share() -> np.ndarray:
    """(478,) 1 for points of the lower face, running out beside the nose; 0 for the irises."""
    height = canonical_vertices_cm()[:, 1]
    share = part_share(height - height[UNDER_NOSE], "mouth").astype(np.float64)
    share[list((*LEFT_IRIS, *RIGHT_IRIS))] = 0
    return share
