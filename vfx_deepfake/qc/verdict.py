"""From figures to pass, look or fail, with words for what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PASS, LOOK, FAIL, UNKNOWN = "pass", "look", "fail", "not measured"
_RANK = {UNKNOWN: 0, PASS: 1, LOOK: 2, FAIL: 3}


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure as people read it. ``wrong``: what a bad value means; ``advice``: what to do about it."""

    title: str
    unit: str
    wrong: str
    advice: str
    digits: int = 3


MEASURES: Mapping[str, Measure] = {
    "outside": Measure("Changed outside the matte", "px", "pixels differ from the plate where the matte is 0",
        "use the version's own matte when comping, and no resize, colour conversion or denoise on the whole frame", 0),
    "delivery": Measure("Wrong delivery codes", "px", "DPX codes are not those of a straight conversion of the EXR",
        "deliver the DPX that was rendered; look for a second conversion or a viewer's look in the path", 0),
    "order": Measure("Frame order", "x", "another frame's plate fits better: the frame is in the wrong place",
        "check frame numbers and offsets of whatever copied or renumbered the files", 2),
    "registration": Measure("Beside its place", "px", "the face sits beside its place in the plate by this much",
        "look for a half-pixel or whole-pixel shift, a reformat or another data window in the comp", 2),
    "grain_level": Measure("Grain level, frame", "share", "the face has more or less grain than the plate in the same place",
        "check render.grain and render.grain_gain, and whether something after the render filtered the face", 3),
    "grain_bands": Measure("Grain level, bands", "share", "over the shot, one luminance band has more or less grain than the plate",
        "see the level plot; adjust render.grain_gain, or track again if the plate's grain was read wrong", 3),
    "grain_skin": Measure("Grain against skin beside", "share", "its grain differs from the skin beside it more than the plate's does",
        "compare the face with neck and forehead gained up; adjust render.grain_gain", 3),
    "grain_new": Measure("New in every frame", "share", "more or less is new than in the plate: missing or doubled grain, or boiling",
        "step through at full size; see whether grain was baked into the face, or whether it boils", 3),
    "grain_spectrum": Measure("Grain coarseness", "dB", "the grain is coarser or finer than the plate's",
        "look for a filter, a resize or a warp after the grain went on; try render.grain = \"plate\"", 2),
    "grain_frozen": Measure("Frozen grain", "corr.", "grain comes back from the frame before",
        "look for a held frame or a still that was tracked in; grain must be put on after that", 3),
    "sharpness": Measure("Sharpness", "share", "fine detail is lost or added against the plate's",
        "look at lashes and brows at full size; match the focus, or paint sharper key frames", 3),
    "seam": Measure("Seam", "log/px", "an edge shows along the matte",
        "feather or grow the matte ([mattes], render.matte_feather_px), or match the colour at the edge", 4),
    "flicker": Measure("Flicker", "log", "the face changes along the motion more than the plate does",
        "step through at full size; paint a key frame near the worst frame", 4),
    "colour_jump": Measure("Colour jump", "log", "the face's colour jumps against both neighbours",
        "grade with one match for the shot, or smoothed in time; look for a key frame of another colour", 4),
    "landmarks": Measure("Drift of the features", "% face", "features are not where the performance has them",
        "compare expression side by side; paint a key frame with that expression", 2),
    "gaze": Measure("Drift of the gaze", "% eye", "the eyes look elsewhere than the performance",
        "leave the irises to the plate (holdout), or paint a key frame that looks that way", 2),
    "depth": Measure("Lost tones", "share", "the face has too few tones: it went through 8 bits",
        "pass the face on as EXR, half or float; no PNG, JPEG or 8-bit viewer grab in between", 3),
    "clipped": Measure("Clipped pixels", "px", "highlights or shadows are cut off that the plate has",
        "look for a display transform or a clamp in the path", 0),
    "confidence": Measure("Confidence", "0..1", "the model is unsure here",
        "paint this frame, or one like it", 2),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wording:
    """How a report speaks: its measures, what a verdict is called, and what stands before a measure's advice."""

    measures: Mapping[str, Measure]
    verdicts: Mapping[str, str]
    advice: str


QC_WORDING = Wording(MEASURES, {PASS: PASS, LOOK: LOOK, FAIL: FAIL, UNKNOWN: UNKNOWN}, "What to do")


def verdict(value: float | None, limits: tuple[float, float]) -> str:
    """Pass, look or fail for a value; where the second limit is the smaller one, low values are bad."""
    if value is None:
        return UNKNOWN
    look, fail = limits
    if fail < look:
        value, look, fail = -value, -look, -fail
    return FAIL if value >= fail else LOOK if value >= look else PASS


def worst_of(verdicts: list[str]) -> str:
    """The worst of several; "not measured" where nothing was."""
    return max(verdicts, key=_RANK.__getitem__, default=UNKNOWN)


def worse(value: float, than: float, limits: tuple[float, float]) -> bool:
    """Whether a value is worse than another."""
    return value < than if limits[1] < limits[0] else value > than
