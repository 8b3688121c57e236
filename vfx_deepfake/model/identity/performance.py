"""The plate's performance on the made face: how far gaze, lids and lips drift, and the correction that brings them back.

A method's drift is a habit, not an accident: lids that never quite shut, eyes that look a little past, lips that don't meet. So it
is solved once a shot, on fixed frames, as a function of what the plate's face does (state and pose of the head), and a single
frame on a farm host gets what all frames would get. The function is as smooth as the track it is fed with: nothing jitters.

Another person's face with the same performance reads a little differently. As in a coverage report, that much is allowed
for: a constant difference within a person's own range stays; lips that shut must shut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.landmarks import Detection, Detector, auto_display
from vfx_deepfake.face.search import find_near
from vfx_deepfake.face.search import measure as measured_face
from vfx_deepfake.faceset.measures import LIPS_CLOSED_CM, expression, on_head
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.denoise import spread
from vfx_deepfake.model.identity.method import Made, View
from vfx_deepfake.model.identity.performance_warp import Correction, warp_made
from vfx_deepfake.qc.performance import gaze_drift

MEASURED_FRAMES = 40  # of a shot, spread evenly; assumed: a minute of CPU at a second a face
STATES = ("eye_left", "eye_right", "gaze_x", "gaze_y", "mouth_open")
# What may be the other person's own; the same performance of two digital actors differed by as much.
ALLOW = {"eye_left": 0.02, "eye_right": 0.02, "gaze_x": 0.06, "gaze_y": 0.04, "mouth_open": 0.0}
# A drift below half of this is left alone and from all of it on corrected in full. Above what the landmarker scatters by from
# person to person on crops of 256 px; measured on the digital actors.
MIND = {"eye_left": 0.03, "eye_right": 0.03, "gaze_x": 0.05, "gaze_y": 0.05, "mouth_open": 0.08}
# Frames count as alike within these: own state, yaw and pitch.
WIDTH = {"eye_left": 0.05, "eye_right": 0.05, "gaze_x": 0.15, "gaze_y": 0.15, "mouth_open": 0.12}
POSE_WIDTH_DEGREES = 15.0
PRIOR = 0.5  # weight of "no drift", in alike frames: a state that was hardly seen is hardly corrected
OUTLIER = 2.0  # widths from the middle at which a reading weighs half
# Landmarkers see half of what lids and irises really do, and less of what is unusual; measured. So what was corrected is looked at
# again, and the rest corrected too.
ROUNDS = 3
MOST = {"eye_left": 0.3, "eye_right": 0.3, "gaze_x": 0.6, "gaze_y": 0.4, "mouth_open": 1.0}
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Drift:
    """How one frame's performance differs from the plate's.

    gaze: per cent of an eye's width, None with both eyes shut. blink: the larger difference of the lids' opening, per cent of
    an eye's width; negative where the made eye is the more shut one. lips: difference of the lips' gap, mm on the head, positive where the
    made mouth is the more open one.
    """

    gaze: float | None
    blink: float
    lips: float


def measure(plate: np.ndarray, result: np.ndarray) -> Drift:
    """Compare points of the plate's face with those found on the result.

    Shapes: both (478, 2) in the same pixels.
    """
    wanted, found = expression(plate), expression(result)
    lids = [found[name] - wanted[name] for name in ("eye_left", "eye_right")]
    return Drift(gaze_drift(result, plate), 100 * max(lids, key=abs), 10 * (found["mouth_open"] - wanted["mouth_open"]))


def find_points(detector: Detector, picture_log: np.ndarray, near: np.ndarray) -> np.ndarray | None:
    """The points (478, 2) that a landmarker finds on a view, px; None where it finds no face.

    Shapes: picture_log (S, S, 3); near (478, 2) where the face should be.
    """
    shown = auto_display(decode_log(picture_log)), Window.of_image(picture_log)
    expected = Detection(np.asarray(near, np.float64))
    found = find_near(detector, shown, expected.box)
    nearest = min(found, key=lambda face: float(np.abs(face.box - expected.box).sum()), default=None)
    settled = measured_face(detector, shown, nearest) if nearest is not None else None
    return None if settled is None else np.asarray(settled.points)


def over_plate(made: Made, view: View) -> np.ndarray:
    """(S, S, 3) what the composite shows: the made face over the view by its matte."""
    return view.image_log + made.matte[..., None] * (made.picture_log - view.image_log)


@dataclass(frozen=True, eq=False)
class ShotDrift:
    """What a method's faces need in one shot, from K frames.

    state (K, len(STATES)): of the driving points, by which frames are found alike. wanted, found: what the landmarker reads on the
    plate, and on the result before any correction; change: what mends it. NaN where the gaze is hidden. pose (K, 2): yaw and
    pitch, degrees. shape (478, 2): where the made face's points lie off the driving ones, cm on the head.
    """

    state: np.ndarray
    wanted: np.ndarray
    found: np.ndarray
    change: np.ndarray
    pose: np.ndarray
    shape: np.ndarray

    def to_data(self) -> dict[str, Any]:
        """Plain data for a file; NaN as None."""
        return {"format": FORMAT, **{name: [_plain(row) for row in getattr(self, name)] for name in _TABLES}}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> ShotDrift:
        """What :meth:`to_data` made.

        Raises: ValueError, KeyError, TypeError for other data.
        """
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']} is not {FORMAT}")
        tables = {name: np.array(data[name], np.float64).reshape(-1, width) for name, width in _TABLES.items()}
        if len({len(table) for name, table in tables.items() if name != "shape"}) != 1 or len(tables["shape"]) != 478:
            raise ValueError("tables of different lengths")
        return cls(**tables)

    def expected(self, view: View) -> np.ndarray:
        """(478, 2) px: where the made face's points are in a view."""
        axes = HeadFrame.of(view.points).axes
        return np.asarray(view.points + self.shape @ axes[:, :2].T)

    def correction(self, view: View) -> Correction:
        """What to change in the face made for a view."""
        states = _states(view.points)
        off = self.alike(self.found - self.state, states, view.pose[:2])
        change = self.alike(self.change, states, view.pose[:2])
        before = dict(zip(STATES, (float(value) for value in np.nan_to_num(states) + off), strict=True))
        return Correction({name: float(value) for name, value in zip(STATES, change, strict=True)}, before)

    def alike(self, values: np.ndarray, states: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """(len(STATES),) what to expect of ``values`` (K, len(STATES)) in a frame of these states and pose."""
        return np.array([_kernel_mean(self.state[:, k], values[:, k], states[k], WIDTH[name], self.pose, pose)
                         for k, name in enumerate(STATES)])  # fmt: skip


_TABLES = {
    "state": len(STATES),
    "wanted": len(STATES),
    "found": len(STATES),
    "change": len(STATES),
    "pose": 2,
    "shape": 2,
}


def _kernel_mean(
    known: np.ndarray, values: np.ndarray, at: float, width: float, poses: np.ndarray, pose: np.ndarray
) -> float:
    """The mean of values (K,) over frames alike, drawn to 0 where there are few; far ones of them weigh little."""
    use = np.isfinite(known) & np.isfinite(values)
    if not use.any() or not np.isfinite(at):
        return 0.0
    apart = ((known[use] - at) / width) ** 2 + (((poses[use] - pose) / POSE_WIDTH_DEGREES) ** 2).sum(axis=1)
    weight, near = np.exp(-apart / 2), values[use]
    middle = weight @ near / (weight.sum() + PRIOR)
    weight = weight / (1 + ((near - middle) / (OUTLIER * width)) ** 2)
    return float(weight @ near / (weight.sum() + PRIOR))


@dataclass(frozen=True, eq=False)
class Corrector:
    """Brings a drifting performance back; a face that doesn't drift comes back as it is, bit for bit."""

    drift: ShotDrift

    def __call__(self, frame: int, made: Made, view: View) -> Made:
        """The face with the performance of ``view``'s points. The answer depends on these alone, not on other frames."""
        correction = self.drift.correction(view)
        return warp_made(made, self.drift.expected(view), correction) if correction.any else made


def solve_drift(
    frames: Sequence[int],
    make: Callable[[int], tuple[Made, View]],
    detector: Detector,
    on_frame: Callable[[int, int], None] = lambda done, total: None,
    driven: bool = False,
) -> ShotDrift:
    """Look at MEASURED_FRAMES of a shot's faces; ``make`` gives a frame's face and the view whose points drove it.

    What is wanted is read off the plate by the same landmarker as the result, or where something else drove the face
    (``driven``), off the driving points.
    Frames on which the landmarker finds no face are left out; without any there is no drift.
    """
    chosen = spread(list(frames), MEASURED_FRAMES)
    seen, points, wanted = [], [], []
    for done, frame in enumerate(chosen, 1):
        made, view = make(frame)
        found = find_points(detector, over_plate(made, view), view.points)
        plate = view.points if driven else find_points(detector, view.image_log, view.points)
        if found is not None and plate is not None:
            seen.append((made, view))
            points.append(found)
            wanted.append(plate)
        on_frame(done, len(chosen))
    pose = np.array([view.pose[:2] for _, view in seen], np.float64).reshape(-1, 2)
    moved = [on_head(found) - on_head(view.points) for (_, view), found in zip(seen, points, strict=True)]
    shape = np.median(moved, axis=0) if moved else np.zeros((478, 2))
    state, wants, now = (_table(each) for each in ([view.points for _, view in seen], wanted, points))
    drift = ShotDrift(state, wants, now, np.zeros_like(wants), pose, shape)
    own = _persons_own(now - wants)
    for _ in range(ROUNDS):
        drift = _mended(drift, now - own)
        if not drift.change.any():
            break
        now = np.array([_seen_after(drift, detector, made, view) for made, view in seen])
    return drift


def _mended(drift: ShotDrift, now: np.ndarray) -> ShotDrift:
    """One round: ``now`` (K, len(STATES)) is what the corrected faces read, less what is the person's own."""
    rows = zip(drift.state, drift.wanted, drift.pose, drift.change, strict=True)
    off = now - drift.wanted
    change = []
    for states, wanted, pose, so_far in rows:
        alike = drift.alike(off, states, pose)
        change.append([_next(name, wanted[k], alike[k], so_far[k]) for k, name in enumerate(STATES)])
    return replace(drift, change=np.array(change).reshape(drift.change.shape))


def _next(name: str, wanted: float, off: float, so_far: float) -> float:
    """The change to ask for, from what is still off; lips are only ever shut, and only where the plate's are."""
    if name == "mouth_open":
        shut, parted = LIPS_CLOSED_CM
        should = 1 - min(max((wanted - shut) / (parted - shut), 0.0), 1.0)
        return max(min(so_far - should * max(_minded(off, MIND[name]), 0.0), 0.0), -MOST[name])
    return min(max(so_far - _minded(off, MIND[name]), -MOST[name]), MOST[name])


def _seen_after(drift: ShotDrift, detector: Detector, made: Made, view: View) -> np.ndarray:
    corrected = warp_made(made, drift.expected(view), drift.correction(view))
    found = find_points(detector, over_plate(corrected, view), view.points)
    return np.full(len(STATES), np.nan) if found is None else _states(found)


def _persons_own(off: np.ndarray) -> np.ndarray:
    """(len(STATES),) the constant part of the difference, as far as it may be another person's."""
    limits = np.array([ALLOW[name] for name in STATES])
    if not len(off):
        return np.zeros(len(STATES))
    middle = np.array(
        [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0 for column in off.T]
    )
    return np.clip(middle, -limits, limits)


def _table(points: Sequence[np.ndarray]) -> np.ndarray:
    return np.array([_states(each) for each in points]).reshape(-1, len(STATES))


def _states(points: np.ndarray) -> np.ndarray:
    values = expression(points)
    return np.array([values[name] for name in STATES])


def _minded(off: float, limit: float) -> float:
    """A drift as far as it is minded: nothing below half the limit, all of it from the limit on, smoothly between."""
    share = min(max(2 * abs(off) / limit - 1, 0.0), 1.0)
    return off * share * share * (3 - 2 * share)


def _plain(row: np.ndarray) -> list[float | None]:
    return [round(float(value), 5) if np.isfinite(value) else None for value in row]
