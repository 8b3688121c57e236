"""QC of one frame: the frame, its neighbours and their plates in, one record of figures out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.landmarks import Detector, auto_display, default_detector
from vfx_deepfake.face.search import find_near, measure
from vfx_deepfake.image.seam import seam_energy
from vfx_deepfake.qc import grain, picture
from vfx_deepfake.qc.align import View, carry, left_over
from vfx_deepfake.qc.exact import distance, order_ratio
from vfx_deepfake.qc.performance import gaze_drift, landmark_drift
from vfx_deepfake.qc.places import FULL, Places, calm, places
from vfx_deepfake.qc.verdict import MEASURES
from vfx_deepfake.steps.qc_read import NO_FACE, Loaded

MISPLACED = 2.0  # order ratio from which a frame is taken for another one, and nothing else of it is judged; assumed
STRANGE_SHARE = 0.5  # of the distance to the next plate: a neighbour so far from its own plate is not used; assumed
BESIDE_ITS_LAYERS_PX = 0.65  # from here the delivered face is not what its layers hold; assumed
INNER_PX = 4  # the matte's edge is left out where place and sharpness are judged
NO_NEIGHBOUR = "no neighbouring frame to compare with"
NO_GRAIN_HERE = "the plate has no grain here"
TOO_SMALL = "too few pixels are replaced"


@dataclass
class FrameRecord:
    """What was found in one frame. values: by measure, None where not measured (``why``); levels: grain per band."""

    frame: int
    box: tuple[int, int, int, int]
    values: dict[str, float | None] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    levels: dict[str, Any] = field(default_factory=dict)

    def put(self, name: str, value: float | None, why: str = "", note: str = "") -> None:
        """Keep one measure, or why there is none."""
        self.values[name] = value
        if value is None:
            self.why[name] = why
        elif note:
            self.notes[name] = note

    def give_up(self, why: str) -> None:
        """Say of every measure without a value that it has none because of ``why``."""
        for name in MEASURES:
            if name != "grain_bands" and self.values.get(name) is None:
                self.values[name] = None
                self.why.setdefault(name, why)


def measure_frame(loaded: Loaded, near: Sequence[Loaded], detector: Detector | None) -> FrameRecord:
    """Every measure of one frame.

    ``loaded`` was read with its own measures; ``near`` holds the frame before and the frame after, where there are any.
    """
    box = loaded.face_box
    record = FrameRecord(
        loaded.frame, (box.x, box.y, box.width, box.height), dict(loaded.values), dict(loaded.notes), dict(loaded.why)
    )
    _order(record, loaded, near)
    ratio = record.values["order"]
    if ratio is not None and ratio >= MISPLACED:
        for name in set(record.values) - {"order", "outside", "delivery"}:
            record.values[name] = None
        record.give_up("the frame is another one's")
    elif loaded.view is None:
        record.give_up(NO_FACE)
    else:
        frame = loaded.view.cut(loaded.window)
        views = {other.frame: other.view for other in near if other.view is not None and _is_itself(other, loaded)}
        carried = {number: carry(frame, view) for number, view in views.items()}
        _place_and_seam(record, frame)
        _over_time(record, frame, carried)
        if (record.values["registration"] or 0.0) >= BESIDE_ITS_LAYERS_PX:
            for name in ("sharpness", "grain_level", "grain_skin", "grain_spectrum", "grain_frozen", "grain_new"):
                record.put(name, None, "the face sits beside its own layers")
        else:
            _grain(record, frame, views, carried)
        _performance(record, frame, loaded, detector)
        record.give_up("could not be measured")
    return record


def _order(record: FrameRecord, loaded: Loaded, near: Sequence[Loaded]) -> None:
    outside = loaded.outside_thumb
    own = distance(loaded.result_thumb, loaded.plate_thumb, outside)
    others = {other.frame: distance(loaded.result_thumb, other.plate_thumb, outside) for other in near}
    apart = [distance(loaded.plate_thumb, other.plate_thumb, outside) for other in near]
    if apart and min(apart) == 0:
        record.put("order", None, "neighbouring plates are the same picture")
        return
    best = min(others, key=lambda frame: others[frame], default=0)
    record.put("order", order_ratio(own, list(others.values())), NO_NEIGHBOUR, f"fits the plate of frame {best}")


def _is_itself(other: Loaded, loaded: Loaded) -> bool:
    """Whether a neighbour is the frame it claims to be, as far as its own plate tells."""
    outside = other.outside_thumb
    own = distance(other.result_thumb, other.plate_thumb, outside)
    return own <= STRANGE_SHARE * distance(other.plate_thumb, loaded.plate_thumb, outside)


def _inner(matte: np.ndarray) -> np.ndarray:
    kernel = np.ones((2 * INNER_PX + 1,) * 2, np.uint8)
    return cv2.erode((matte >= FULL).astype(np.uint8), kernel, borderValue=0).astype(bool)


def _place_and_seam(record: FrameRecord, frame: View) -> None:
    # another person's features lie elsewhere than the plate's: such a face is held against its own layers
    place = frame.result_clean_log if frame.another else frame.plate_log
    record.put("registration", picture.shift_px(frame.result_log, place, _inner(frame.matte)), TOO_SMALL)
    record.put("seam", seam_energy(frame.result_log, frame.matte, frame.plate_log))


def _over_time(record: FrameRecord, frame: View, carried: dict[int, View]) -> None:
    """Sharpness, flicker and colour; ``carried`` are the neighbours laid on the frame."""
    plates = [other.plate_clean_log for other in carried.values()]
    results = [other.result_log for other in carried.values()]
    inner = _inner(frame.matte)
    if frame.another:
        ratio = picture.sharpness_of_another(frame.result_log, results, frame.plate_log, plates, inner)
    else:
        ratio = picture.sharpness_ratio(frame.result_log, frame.plate_log, plates, inner)
    note = "" if ratio is None else f"{ratio:.2f} of the plate's fine against coarse detail"
    record.put("sharpness", None if ratio is None else abs(ratio - 1), TOO_SMALL if carried else NO_NEIGHBOUR, note)
    before = carried.get(_before(record.frame, carried))
    if before is None:
        record.put("flicker", None, NO_NEIGHBOUR)
    else:
        both = (frame.matte >= FULL) & (before.matte >= FULL)
        pictures = frame.result_log, before.result_log, frame.plate_log, before.plate_log
        record.put("flicker", picture.flicker(*pictures, both), TOO_SMALL)
    _colour(record, frame, list(carried.values()))


def _before(frame: int, carried: Mapping[int, View]) -> int:
    """The neighbour before the frame, or the frame's own number where there is none."""
    return min((other for other in carried if other < frame), default=frame)


def _frozen(frame: View, still: View, moved: View) -> float | None:
    """Grain that stands still on the screen, or moves with the face: whichever comes back more."""
    found = [
        grain.frozen_share(
            (frame.result_grain, other.result_grain),
            (frame.plate_grain, other.plate_grain),
            frame.known & other.known & (frame.matte >= FULL) & (other.matte >= FULL),
        )
        for other in (still, moved)
    ]
    return max((each for each in found if each is not None), default=None)


def _colour(record: FrameRecord, frame: View, carried: list[View]) -> None:
    if len(carried) < 2:
        record.put("colour_jump", None, NO_NEIGHBOUR)
        return
    where = (frame.matte >= FULL) & np.all([other.matte >= FULL for other in carried], axis=0)
    here = picture.colour_change(frame.result_log, frame.plate_log, where)
    near = [picture.colour_change(other.result_log, other.plate_log, where) for other in carried]
    record.put("colour_jump", picture.colour_jump(here, near), TOO_SMALL)


def _grain(record: FrameRecord, frame: View, views: Mapping[int, View], carried: Mapping[int, View]) -> None:
    """Level, spectrum, likeness to the skin beside and freezing, by the layers; and what is new in every frame.

    ``views`` are the neighbours as they are, ``carried`` the same laid on the frame.
    """
    spots = places(frame.plate_clean_log, frame.result_clean_log, frame.matte, frame.known)
    if not grain.has_grain(frame.plate_grain, spots.flat):
        for name in ("grain_level", "grain_skin", "grain_spectrum", "grain_frozen", "grain_new"):
            record.put(name, None, NO_GRAIN_HERE if spots.flat.any() else TOO_SMALL)
        return
    _levels(record, frame, spots)
    if grain.has_grain(frame.result_grain, spots.flat):
        mine, own = (grain.without_offset(each, spots.inside) for each in (frame.result_grain, frame.plate_grain))
        gap = grain.spectrum_gap_db(mine, own, spots.inside, spots.inside)
        record.put("grain_spectrum", gap, TOO_SMALL)
    else:
        record.put("grain_spectrum", None, "the face has no grain")
    before = _before(record.frame, carried)
    if before in carried:
        record.put("grain_frozen", _frozen(frame, views[before].cut(frame.window), carried[before]), TOO_SMALL)
    else:
        record.put("grain_frozen", None, NO_NEIGHBOUR)
    _new(record, frame, spots, list(carried.values()))


def _new(record: FrameRecord, frame: View, spots: Places, carried: Sequence[View]) -> None:
    """What is new in the frame against its neighbours, where texture is followed well enough not to be taken for grain."""
    if not carried:
        record.put("grain_new", None, NO_NEIGHBOUR)
        return
    rests = {
        name: left_over(getattr(frame, name), [getattr(other, name) for other in carried], grain.DETAIL_PX)
        for name in ("plate_log", "result_log", "plate_clean_log", "result_clean_log")
    }
    inside = spots.inside & np.all([other.matte >= FULL for other in carried], axis=0)
    where = calm([rests["plate_clean_log"], rests["result_clean_log"]], inside)
    ratio = grain.new_noise_ratio(rests["result_log"], rests["plate_log"], where)
    note = "" if ratio is None else f"{ratio:.2f} of the plate's"
    record.put("grain_new", None if ratio is None else abs(ratio - 1), TOO_SMALL, note)


def _levels(record: FrameRecord, frame: View, spots: Places) -> None:
    result_grain = grain.without_offset(frame.result_grain, spots.inside)
    result = grain.measured_levels(result_grain, frame.result_clean_log, spots.flat)
    plate, beside = (
        grain.measured_levels(grain.without_offset(frame.plate_grain, where), frame.plate_clean_log, flat)
        for where, flat in ((spots.inside, spots.flat), (frame.known & ~spots.inside, spots.beside))
    )
    record.levels = {"result": result.to_data(), "plate": plate.to_data(), "beside": beside.to_data()}
    ratio = grain.level_ratio(result, plate)
    note = "" if ratio is None else f"{ratio:.2f} of the plate's"
    record.put("grain_level", None if ratio is None else abs(ratio - 1), TOO_SMALL, note)
    mine, own = grain.level_ratio(result, beside), grain.level_ratio(plate, beside)
    if mine is None or own is None:
        record.put("grain_skin", None, "no skin of the same brightness beside the face")
        return
    note = f"{mine:.2f} of the skin's beside it, the plate's own {own:.2f}"
    record.put("grain_skin", max(abs(mine - 1) - abs(own - 1), 0.0), note=note)


def _performance(record: FrameRecord, frame: View, loaded: Loaded, detector: Detector | None) -> None:
    """Points and gaze; the same landmarker on both pictures, shown alike."""
    if detector is None:
        for name in ("landmarks", "gaze"):
            record.put(name, None, "no landmarker is installed")
        return
    shown = [(auto_display(decode_log(image)), frame.window) for image in (frame.plate_log, frame.result_log)]
    box = loaded.window
    found = find_near(detector, shown[0], np.array([box.x, box.y, box.right, box.bottom], np.float64))
    largest = max(found, key=lambda face: face.size, default=None)
    plate, result = (measure(detector, picture, largest) if largest else None for picture in shown)
    if plate is None or result is None:
        for name in ("landmarks", "gaze"):
            record.put(name, None, f"the landmarker finds no face in the {'plate' if plate is None else 'result'}")
        return
    drift, part = landmark_drift(result.points, plate.points)
    record.put("landmarks", drift, note=part)
    record.put("gaze", gaze_drift(result.points, plate.points), "both eyes are shut")


def landmarker() -> Detector | None:
    """MediaPipe, or None where it is not installed."""
    try:
        return default_detector()
    except TrackError:
        return None
