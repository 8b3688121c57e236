"""``detect``: what a forensic eye would look at in any sequence, as figures and a page; no shot file, no record, no verdict on anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import ShotError, TrackError
from vfx_deepfake.face.landmarks import Detection, Detector, auto_display, default_detector
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.face.search import find_anywhere, find_near
from vfx_deepfake.files import write_json, write_text, written_aside
from vfx_deepfake.frames import format_frames, parse_frames
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.media.plate import Plate
from vfx_deepfake.progress import Progress
from vfx_deepfake.qc import forensic, grain
from vfx_deepfake.qc.align import View, carry, left_over
from vfx_deepfake.qc.forensic import EVIDENCE, LIMITS, WORDING
from vfx_deepfake.qc.page import qc_page
from vfx_deepfake.qc.places import LEAST_PIXELS, calm, places
from vfx_deepfake.qc.plots import measure_plot
from vfx_deepfake.qc.summary import lines, summarise_frames
from vfx_deepfake.qc.verdict import worst_of
from vfx_deepfake.settings import DEFAULT_CONFIG
from vfx_deepfake.settings.plate import ColorSpec

AROUND = 0.6  # of the face's size, looked at on every side
EDGE_PX = 2.0  # softness of the face's outline
MATCH_PX = 1.0  # blur before motion is searched, because the sequence has no degrained copy


@dataclass(frozen=True)
class Seen:
    """One frame: the crop round the face (``view.matte`` is the face's oval), its pixels as stored, and whether
    ``view.plate_log`` is a plate and not the same picture again.
    """

    frame: int
    view: View
    stored: np.ndarray
    has_plate: bool


def detect(
    pattern: str, progress: Progress, *, plate: str = "", colorspace: str = "", frames: str = "", report: str = ""
) -> dict[str, Any]:
    """Evidence for or against a replaced face in a sequence.

    ``colorspace``: OCIO name of the pixels (empty: what the config's file rules say). ``plate``: the photographed frames, where there
    are any; then the motion is theirs and changed pixels are counted. ``report``: a folder for figures and page.
    Raises: PlateError for frames that can't be read; TrackError without a landmarker, or where no frame shows a face.
    """
    color = Color(DEFAULT_CONFIG)
    space = colorspace or color.rule_for(pattern)[0]
    wanted = parse_frames(frames, "--frames") if frames else ()
    sequence = Plate(pattern, color, space, working=ColorSpec().working, frames=wanted)
    original = Plate(plate, color, space, working=ColorSpec().working, frames=sequence.frames) if plate else None
    if original and original.data_window != sequence.data_window:
        raise ShotError(f"--plate {plate}: is of another size than {pattern}; give the plate of the same frames")
    records = list(_records(sequence, original, default_detector(), progress))
    if not any(record["values"] for record in records):
        raise TrackError(
            f"{pattern}: no face was found in {format_frames(sequence.frames)}; there is nothing to compare"
        )
    measures = summarise_frames(records, LIMITS.__getitem__, EVIDENCE)
    summary = {
        "verdict": worst_of([row["verdict"] for row in measures.values()]),
        "frames": list(sequence.frames),
        "measures": measures,
        "colorspace": space,
        "changed_px": {str(r["frame"]): r["changed_px"] for r in records if r["changed_px"] is not None},
    }
    result: dict[str, Any] = {"frames": format_frames(sequence.frames), "colorspace": space}
    if report:
        result["report"] = str(_write(Path(report), pattern, summary, records))
    most = max((record["changed_px"] or 0 for record in records), default=0)
    changed = [f"pixels unlike the plate: {most} at most in a frame"] if plate else []
    return {**result, "lines": [*changed, *lines(summary, WORDING), *forensic.NOTES]}


def _records(
    sequence: Plate, original: Plate | None, detector: Detector, progress: Progress
) -> Iterator[dict[str, Any]]:
    """One record a frame; the frame before is kept, nothing else."""
    progress.start("detect", len(sequence.frames), "frames")
    before: Seen | None = None
    box: np.ndarray | None = None
    for done, frame in enumerate(sequence.frames, 1):
        seen, box, changed = _look(sequence, original, frame, detector, box)
        why = "no face" if seen is None else ""
        values = {} if seen is None else _evidence(seen, before)
        yield {
            "frame": frame,
            "values": values,
            "notes": {},
            "why": {name: why or "too few pixels, or no frame before" for name in EVIDENCE},
            "changed_px": changed,
        }
        before = seen
        progress.advance(done, f"frame {frame}")
    progress.finish()


def _look(
    sequence: Plate, original: Plate | None, frame: int, detector: Detector, box: np.ndarray | None
) -> tuple[Seen | None, np.ndarray | None, int | None]:
    """The face of a frame with its surroundings, its box, and how many pixels differ from the plate.

    Motion is searched on the plate, where there is one, because a replaced face may hide how it moved.
    """
    picture = sequence.read(frame)
    there = original.read(frame).pixels if original else None
    changed = None if there is None else int((picture.pixels[..., :3] != there[..., :3]).any(axis=-1).sum())
    working = sequence.to_working(picture).pixels[..., :3]
    shown = auto_display(working), picture.data_window
    found = find_near(detector, shown, box) if box is not None else []
    found = found or find_anywhere(detector, shown)
    if not found:
        return None, None, changed
    face: Detection = max(found, key=lambda each: each.size)
    window = Window.around(face.points).expand(round(AROUND * face.size)).intersect(picture.data_window)
    image_log = _log(working, picture.data_window, window)
    oval = cv2.GaussianBlur(region_mask(face.points, window, "oval"), (0, 0), EDGE_PX)
    plate_log = image_log
    if there is not None:
        photographed = sequence.to_working(replace(picture, pixels=there)).pixels[..., :3]
        plate_log = _log(photographed, picture.data_window, window)
    matched = cv2.GaussianBlur(plate_log, (0, 0), MATCH_PX)
    view = View(window, plate_log, image_log, oval, matched, matched, np.ones(window.shape, bool))
    stored = cut(picture.pixels[..., :3], picture.data_window, window)
    return Seen(frame, view, stored, there is not None), face.box, changed


def _log(pixels_lin: np.ndarray, data_window: Window, window: Window) -> np.ndarray:
    return np.asarray(encode_log(cut(pixels_lin, data_window, window)), np.float32)


def _evidence(seen: Seen, before: Seen | None) -> dict[str, float | None]:
    """The figures of one frame."""
    view = seen.view
    face = view.matte > 0.99
    plate_log = view.plate_log if seen.has_plate else None
    values: dict[str, float | None] = {
        "face_edge": forensic.outline_peak(view.result_log, view.matte, plate_log),
        "face_tones": forensic.tone_gap(seen.stored, face, view.matte < 0.01),
        "face_resampled": forensic.period_peak(view.result_log, face),
    }
    if before is None or before.frame != seen.frame - 1:
        return values
    moved, still = carry(view, before.view), before.view.cut(view.window)
    both = np.minimum(view.matte, moved.matte)
    inside = both > 0.99
    spots = places(view.plate_log, view.plate_log, both, np.maximum(view.matte, moved.matte) <= 1)
    outside = (view.matte < 0.01) & (moved.matte < 0.01)
    beside = spots.beside if np.count_nonzero(spots.beside) >= LEAST_PIXELS else outside
    rest = left_over(view.result_log, [moved.result_log], grain.DETAIL_PX)
    soft = left_over(view.plate_clean_log, [moved.plate_clean_log], grain.DETAIL_PX)
    calm_face, calm_beside = calm([soft], spots.flat & inside), calm([soft], beside)
    levels = [grain.measured_levels(rest, view.result_log, where) for where in (calm_face, calm_beside)]
    ratio = grain.level_ratio(levels[0], levels[1], LEAST_PIXELS // 4)
    values["face_noise"] = None if ratio is None else abs(ratio - 1)
    values["face_spectrum"] = grain.spectrum_gap_db(rest, rest, inside, outside)
    values["face_frozen"] = forensic.standing_detail(view.result_log, still.result_log, inside, outside)
    values["face_flicker"] = forensic.extra_change(view.result_log, moved.result_log, inside, outside)
    return values


def _write(folder: Path, pattern: str, summary: dict[str, Any], records: Sequence[dict[str, Any]]) -> Path:
    """Figures and page; returns the page."""
    frames = [record["frame"] for record in records]
    plots = []
    for name, measure in EVIDENCE.items():
        values = [record["values"].get(name) for record in records]
        if any(value is not None for value in values):
            data = measure_plot(measure, frames, values, LIMITS[name])
            plots.append((f"{measure.title} over the frames", data))
            with written_aside(folder / "plots" / f"{name}.png") as part:
                part.write_bytes(data)
    write_json(folder / "detect.json", {**summary, "records": list(records)})
    title = f"Forensic report on {Path(pattern).name}"
    write_text(folder / "index.html", qc_page(title, summary, (), plots, forensic.NOTES, WORDING))
    return folder / "index.html"
