"""What a forensic eye looks at in any sequence: does the face belong to the picture around it?

Everything compares the face with its surroundings in the same frames, because nothing else is known. Pictures are
(h, w, 3) log unless said; ``face`` and ``beside`` are (h, w) bool.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from vfx_deepfake.image.grain_measure import lag1_correlation, robust_deviation
from vfx_deepfake.image.matte import grow
from vfx_deepfake.image.seam import seam_energy
from vfx_deepfake.qc.places import LEAST_PIXELS, slope
from vfx_deepfake.qc.verdict import FAIL, LOOK, PASS, UNKNOWN, Measure, Wording

FINE_PX = 0.7  # blur that is taken off a picture to see its grain in one frame; measured: wider lets texture in
FLAT_SHARE = 0.3  # of the face, its flattest: there grain is stronger than texture; measured
OUTLIERS = 3.0  # deviations; stronger detail is texture
SOFT_PX = 3.0  # blur under which grain vanishes
RINGS = (
    -0.06,
    -0.04,
    -0.02,
    0.0,
    0.02,
    0.04,
    0.06,
)  # of the face's size: outlines that are searched for a seam; assumed
SLOWEST = 0.1  # cycles a pixel: slower periods are picture
LEAST_SIDE_PX = 32

# (notable, striking): above what untouched plates of the procedural performer reach; measured on nothing else
LIMITS: Mapping[str, tuple[float, float]] = {
    "face_noise": (0.5, 0.75),
    "face_spectrum": (6.5, 10.0),
    "face_frozen": (0.15, 0.3),
    "face_edge": (2.5, 4.0),
    "face_flicker": (0.015, 0.03),
    "face_tones": (2.0, 4.0),
    "face_resampled": (40.0, 80.0),
}
EVIDENCE: Mapping[str, Measure] = {
    "face_noise": Measure("Noise of the face", "share", "more or less of the face is new in every frame than of the skin around it",
        "make-up, depth of field, motion and denoising in the camera do this too", 3),
    "face_spectrum": Measure("Coarseness of the noise", "dB", "the face's noise is coarser or finer than that around it",
        "focus and texture differ between face and background in any picture", 2),
    "face_frozen": Measure("Standing noise", "corr.", "fine detail of the face stands still while that around it does not",
        "a still or held face, or one on a locked head before a moving background", 3),
    "face_edge": Measure("Outline", "x", "one outline round the face is much steeper than those inside and outside it",
        "a jaw before a dark background is such an outline; look whether it follows hair and ears", 2),
    "face_flicker": Measure("Flicker", "log", "the face changes along the motion more than its surroundings",
        "speech, blinking and moving light do this too", 4),
    "face_tones": Measure("Tones", "x", "between the face's tones are gaps that its surroundings fill: it went through fewer bits",
        "an evenly lit, smooth face before a background full of texture", 1),
    "face_resampled": Measure("Resampling", "x", "the face's fine detail repeats with a period that its surroundings lack: it was scaled",
        "lens correction, stabilising and any resize of the whole picture leave the same trace everywhere", 1),
}  # fmt: skip
WORDING = Wording(
    EVIDENCE, {PASS: "unremarkable", LOOK: "notable", FAIL: "striking", UNKNOWN: UNKNOWN}, "Innocent causes"
)
NOTES = (
    "This is evidence, not proof. Each figure says that the face differs from its surroundings in one way; each has innocent causes, named "
    "beside it. Several together mean more than one alone.",
    "Nothing found is no proof of an untouched picture: a careful compositor leaves none of these traces, and compression removes most.",
    "Limits were set on rendered pictures and have not been calibrated on a collection of real ones. Do not quote them as error rates.",
    "Pictures that were compressed for viewing (H.264, JPEG) have no grain to compare; use the camera's or the lab's files.",
)


def standing_detail(image_log: np.ndarray, still_log: np.ndarray, face: np.ndarray, beside: np.ndarray) -> float | None:
    """Correlation of fine detail with the frame before at the same pixels, the face's less its surroundings'.

    Only where both pictures are as smooth as the flattest part of the face, and with outliers held: elsewhere texture is so
    much stronger than grain that frozen grain does not show.
    """
    if not face.any():
        return None
    steep = np.maximum(slope(image_log), slope(still_log))
    smooth = steep <= np.quantile(steep[face], FLAT_SHARE)
    if min(np.count_nonzero(smooth & face), np.count_nonzero(smooth & beside)) < LEAST_PIXELS:
        return None
    details = [image - cv2.GaussianBlur(image, (0, 0), FINE_PX) for image in (image_log, still_log)]
    mine, theirs = (_standing(details, smooth & where) for where in (face, beside))
    return mine - theirs


def _standing(details: list[np.ndarray], where: np.ndarray) -> float:
    held = [np.clip(d, -(most := OUTLIERS * robust_deviation(d[where])), most) for d in details]
    return float(np.mean(lag1_correlation(held[0], held[1], where)))


def outline_peak(image_log: np.ndarray, matte: np.ndarray, plate_log: np.ndarray | None = None) -> float | None:
    """Slope across the steepest of several outlines of the face over the middle one's. Shapes: matte (h, w) 0..1.

    With the photographed picture ``plate_log`` only what is steeper than in it counts, so that a jaw is no seam: 1 for the plate itself.
    """
    side = float(np.sqrt(np.count_nonzero(matte > 0.5)))
    if side < LEAST_SIDE_PX:
        return None
    flat = np.zeros_like(image_log)
    rings = [grow(matte, round(share * side)) for share in RINGS]
    slopes = [seam_energy(image_log, ring, flat) for ring in rings]
    middle = float(np.median(slopes))
    if middle == 0:
        return None
    if plate_log is None:
        return max(slopes) / middle
    return 1 + max(seam_energy(image_log, ring, plate_log) for ring in rings) / middle


def extra_change(image_log: np.ndarray, before_log: np.ndarray, face: np.ndarray, beside: np.ndarray) -> float | None:
    """Change along the motion of the face beyond its surroundings', log code. ``before_log`` was laid on the frame."""
    if min(np.count_nonzero(face), np.count_nonzero(beside)) < LEAST_PIXELS:
        return None
    change = cv2.GaussianBlur(image_log - before_log, (0, 0), SOFT_PX)
    mine, theirs = (float(np.median((change[where] ** 2).sum(axis=-1))) for where in (face, beside))
    return float(np.sqrt(max(mine - theirs, 0.0)))


def tone_gap(pixels: np.ndarray, face: np.ndarray, beside: np.ndarray) -> float | None:
    """Mean gap between neighbouring tones of the face over its surroundings', the worst channel: a comb that only the face has.

    Both are looked at within the middle half of the face's values and in equally many pixels, so that neither a flat face
    nor the file's own steps count. Shapes: pixels (h, w, 3) as stored. None where the surroundings hold too few such values.
    """
    found = []
    for values, others in ((pixels[..., c][face], pixels[..., c][beside]) for c in range(3)):
        if not values.size:
            continue
        low, high = np.quantile(values, (0.25, 0.75))
        mine, theirs = (each[(each >= low) & (each <= high)] for each in (values, others))
        count = min(len(mine), len(theirs))
        if count >= LEAST_PIXELS:
            found.append(_different(theirs, count) / _different(mine, count))
    return max(found, default=None)


def _different(values: np.ndarray, count: int) -> int:
    """How many different values there are in ``count`` of them, taken evenly."""
    return len(np.unique(values[np.linspace(0, len(values) - 1, count).astype(int)]))


def period_peak(image_log: np.ndarray, face: np.ndarray) -> float | None:
    """Strongest period in the strength of second differences, over the typical one: interpolated pixels are smoother at a regular step.

    Rows and columns of the face's box are looked at. None for a small face.
    Source: Gallagher 2005, Detection of linear and cubic interpolation in JPEG compressed images.
    """
    rows, columns = np.flatnonzero(face.any(axis=1)), np.flatnonzero(face.any(axis=0))
    if min(len(rows), len(columns)) < LEAST_SIDE_PX:
        return None
    box = image_log[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean(axis=-1)
    return max(_period(box), _period(box.T))


def _period(grey: np.ndarray) -> float:
    second = np.abs(2 * grey[:, 1:-1] - grey[:, :-2] - grey[:, 2:]).mean(axis=0)
    smooth = cv2.blur(second[None].astype(np.float32), (9, 1))[0]
    power = np.abs(np.fft.rfft((second / np.maximum(smooth, 1e-9) - 1) * np.hanning(len(second)))) ** 2
    fast = power[np.fft.rfftfreq(len(second)) > SLOWEST]
    typical = float(np.median(fast)) if len(fast) else 0.0
    return float(fast.max() / typical) if typical > 0 else 0.0
