"""Frames of a version and of its plate as QC looks at them: what needs the whole frame is measured while it is read, the rest
keeps a crop, so that memory is a few crops however long the shot.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.errors import PlateError
from vfx_deepfake.image.blend import clean_comp
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.grain_synth import GrainField
from vfx_deepfake.media.delivery import delivery_codes, profile_named
from vfx_deepfake.media.dpx import read_codes
from vfx_deepfake.media.exr import Frame, read_exr
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.qc.align import View
from vfx_deepfake.qc.exact import changed_outside, wrong_codes
from vfx_deepfake.qc.places import FULL
from vfx_deepfake.qc.tones import held_pixels, lost_tones
from vfx_deepfake.steps.elements import APPLIED
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.track import load_grain

KEEP = 3  # frames: one and its neighbours
THUMB_STEP = 4  # every so manieth pixel each way is enough to tell two frames apart
SPARE_PX = 48  # kept round the face's window, because the face moves
NO_FACE = "no face"


@dataclass(frozen=True)
class Loaded:
    """One frame: ``view`` is None without a face. thumbs: every THUMB_STEPth pixel of plate and result (log) and where the
    matte is 0. values, notes, why: what was measured while reading.
    """

    frame: int
    view: View | None
    window: Window
    face_box: Window
    plate_thumb: np.ndarray
    result_thumb: np.ndarray
    outside_thumb: np.ndarray
    values: dict[str, float | None] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Layers:
    """What QC needs of a frame's element layers, over ``window``: F and D (h, w, 3) scene-linear, M (h, w)."""

    window: Window
    face_lin: np.ndarray
    clean_lin: np.ndarray
    matte: np.ndarray


class QcReader:
    """Reads frames of one version, each once although three frames ask for it."""

    def __init__(self, opened: OpenShot, paths: VersionPaths) -> None:
        self.opened, self.paths = opened, paths
        self._grain = _full_grain_of(opened) if opened.settings.model.swaps else None
        self._kept: OrderedDict[int, Loaded] = OrderedDict()

    def load(self, frame: int, *, measured: bool) -> Loaded:
        """One frame; ``measured`` also takes the measures that need all of it.

        Raises: PlateError for files that can't be read or do not fit each other.
        """
        kept = self._kept.get(frame)
        if kept is not None and (kept.values or not measured):
            self._kept.move_to_end(frame)
            return kept
        loaded = self._read(frame, measured)
        self._kept[frame] = loaded
        self._kept.move_to_end(frame)
        while len(self._kept) > KEEP:
            self._kept.popitem(last=False)
        return loaded

    def _read(self, frame: int, measured: bool) -> Loaded:
        plate = self.opened.plate.read(frame)
        path = self.paths.exr_frame(frame)
        result = read_exr(path, part="rgba")
        if result.pixels.shape != plate.pixels.shape or result.data_window != plate.data_window:
            raise PlateError(
                f"{path}: is {result.pixels.shape[1]} x {result.pixels.shape[0]} with {len(result.channels)} channels; the plate's "
                f"{plate.pixels.shape[1]} x {plate.pixels.shape[0]} with {len(plate.channels)} were expected; render it again"
            )
        layers = _layers(path)
        loaded = Loaded(
            frame,
            self._view(frame, plate, result, layers),
            layers.window,
            _box(layers.window, layers.matte),
            *self._thumbs(plate, result, layers),
        )
        if measured:
            self._measure(loaded, plate, result, layers)
        return loaded

    def _view(self, frame: int, plate: Frame, result: Frame, layers: Layers) -> View | None:
        if not (layers.matte > 0).any():
            return None
        wide = layers.window.expand(SPARE_PX).intersect(plate.data_window)
        place = layers.window.slices(wide)
        plate_log, result_log = self._log(plate, wide), self._log(result, wide)
        plate_clean, result_clean = plate_log.copy(), result_log.copy()
        plate_clean[place] = encode_log(layers.clean_lin)
        result_clean[place] = encode_log(clean_comp(layers.clean_lin, layers.face_lin, layers.matte))
        matte, known = np.zeros(wide.shape, np.float32), np.zeros(wide.shape, bool)
        matte[place], known[place] = layers.matte, True
        full = self._full_grain(frame, wide, plate_clean, known)
        another = self.opened.settings.model.swaps
        return View(wide, plate_log, result_log, matte, plate_clean, result_clean, known, full, another)

    def _full_grain(self, frame: int, window: Window, clean_log: np.ndarray, known: np.ndarray) -> np.ndarray | None:
        """The shot's measured grain on the clean plate, (h, w, 3) log, for a face that was never degrained; else None."""
        if self._grain is None:
            return None
        sigma = self._grain.model.sigma_log(clean_log)
        return np.asarray(self._grain.at(frame, window, known) * sigma * known[..., None], np.float32)

    def _log(self, picture: Frame, window: Window) -> np.ndarray:
        crop = np.ascontiguousarray(cut(picture.pixels[..., :3], picture.data_window, window))
        working = self.opened.plate.to_working(replace(picture, pixels=crop, data_window=window))
        return np.asarray(encode_log(np.nan_to_num(working.pixels)), np.float32)

    def _thumbs(self, plate: Frame, result: Frame, layers: Layers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        step = slice(None, None, THUMB_STEP)
        outside = np.ones(plate.data_window.shape, bool)
        outside[layers.window.slices(plate.data_window)] = layers.matte == 0
        plate_thumb, result_thumb = (
            encode_log(np.nan_to_num(picture.pixels[step, step, :3])) for picture in (plate, result)
        )
        return plate_thumb, result_thumb, outside[step, step]

    def _measure(self, loaded: Loaded, plate: Frame, result: Frame, layers: Layers) -> None:
        """What needs pixels as they are stored, into ``loaded``."""
        matte, window = layers.matte, layers.window
        values, notes, why = loaded.values, loaded.notes, loaded.why
        outside = changed_outside(plate.pixels, result.pixels, plate.data_window, matte, window)
        values["outside"] = float(outside.count)
        if outside.count:
            notes["outside"] = _place(outside.window)
        self._measure_delivery(loaded, plate, result, matte, window)
        if loaded.view is None:
            return
        rows, columns = window.slices(plate.data_window)
        there, here = plate.pixels[rows, columns, :3], result.pixels[rows, columns, :3]
        core = matte >= FULL
        # in the picture, or in the face before grain went on it: whichever lost more
        lost = [lost_tones(here, there, core), lost_tones(layers.face_lin, layers.clean_lin, core)]
        values["depth"] = max((each for each in lost if each is not None), default=None)
        if values["depth"] is None:
            why["depth"] = "too few pixels are replaced"
        values["clipped"] = float(held_pixels(here, there, core))
        data = read_exr(self.paths.exr_frame(loaded.frame), part="data", channels=("confidence.Y",))
        inside = matte > 0
        values["confidence"] = float(data.pixels[inside, 0].mean()) if data.data_window == window else None

    def _measure_delivery(self, loaded: Loaded, plate: Frame, result: Frame, matte: np.ndarray, window: Window) -> None:
        """DPX codes against a straight conversion: of the plate outside the matte, of the EXR inside."""
        spec = self.opened.settings.delivery
        bits = profile_named(spec.profile).bits
        if not bits:
            loaded.why["delivery"] = "no DPX is delivered"
            return
        pixels = plate.pixels.copy()
        rows, columns = window.slices(plate.data_window)
        pixels[rows, columns] = np.where(matte[..., None] > 0, result.pixels[rows, columns], pixels[rows, columns])
        expected, _ = delivery_codes(
            replace(plate, pixels=pixels), self.opened.color, self.opened.plate.colorspace, spec.colorspace, bits
        )
        delivered, found_bits = read_codes(self.paths.dpx_frame(loaded.frame))
        if found_bits != bits:
            expected = expected[:0]
        wrong = wrong_codes(delivered[..., :3], expected, plate.display_window)
        loaded.values["delivery"] = float(wrong.count)
        if wrong.count:
            loaded.notes["delivery"] = _place(wrong.window)


def _full_grain_of(opened: OpenShot) -> GrainField | None:
    """All of the plate's grain, made from its model; None for a clean plate. A seed of its own: no grain is held against itself."""
    model = load_grain(opened)
    return None if model.clean else GrainField(model, f"qc of {opened.name}")


def _layers(path: Path) -> Layers:
    """The element layers of a version's frame.

    Raises: PlateError where the file has none.
    """
    names = (*(f"{layer}.{channel}" for layer in ("face", "clean") for channel in "RGB"), APPLIED)
    found = read_exr(path, part="elements", channels=names)
    pixels = found.pixels
    return Layers(
        found.data_window, *(np.ascontiguousarray(each) for each in (pixels[..., :3], pixels[..., 3:6], pixels[..., 6]))
    )


def _box(window: Window, matte: np.ndarray) -> Window:
    """The box of what is replaced; empty for nothing."""
    rows, columns = np.flatnonzero((matte > 0).any(axis=1)), np.flatnonzero((matte > 0).any(axis=0))
    if not len(rows):
        return Window(window.x, window.y, 0, 0)
    left, top = int(columns[0]), int(rows[0])
    return Window(window.x + left, window.y + top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def _place(window: Window) -> str:
    return f"within {window.width} x {window.height} px at x {window.x}, y {window.y}"
