"""When a version is called good, when a person should look, and when it fails."""

from __future__ import annotations

from dataclasses import dataclass, fields

Limits = tuple[float, ...]  # (look, fail); where fail is the smaller of the two, low values are the bad ones
_SWITCHES = ("enabled", "stop_on_fail", "worst_frames")


@dataclass(frozen=True, kw_only=True, slots=True)
class QcSpec:
    """[qc]: measures of a version, each with the value from which to look at it and the one from which it fails.

    "measured" limits lie above what untouched versions of the procedural performer and of the digital actor reach, some by
    little (registration, landmarks), and below what planted faults reach (docs/experiments.md); "assumed" ones are a convention.
    """

    enabled: bool = True  # measure before publishing
    stop_on_fail: bool = False  # true: a version with a failing measure is not published
    worst_frames: int = 6  # shown with pictures on the page
    outside: Limits = (1, 1)  # pixels changed where the matte is 0; exact, so one is a fail
    delivery: Limits = (1, 1)  # DPX codes that are not those of a straight conversion; exact
    order: Limits = (1.2, 2.0)  # how many times better another frame's plate fits outside the matte; measured
    registration: Limits = (0.4, 0.65)  # pixels by which the face sits beside the plate's; measured
    grain_level: Limits = (0.08, 0.2)  # share of the plate's level in the same place, a frame; measured
    grain_bands: Limits = (0.06, 0.15)  # share, per luminance band and channel over all frames; assumed
    grain_skin: Limits = (0.15, 0.3)  # share of the level of the skin beside it, same luminance band; measured
    grain_new: Limits = (0.35, 0.6)  # share by which what is new in every frame differs from the plate's; measured
    grain_spectrum: Limits = (1.0, 2.5)  # decibels, worst of the grain's frequencies, level taken off; measured
    grain_frozen: Limits = (0.06, 0.2)  # correlation with the frame before, beyond the plate's own; measured
    sharpness: Limits = (0.2, 0.4)  # share of fine against coarse detail that was lost or added; measured
    seam: Limits = (0.002, 0.005)  # log code per pixel across the matte's edge, beyond the plate's; measured
    flicker: Limits = (0.006, 0.015)  # log code along the motion, beyond the plate's own; measured
    colour_jump: Limits = (0.001, 0.003)  # log code; 0.001 is about a fiftieth of a stop; measured
    landmarks: Limits = (2.5, 5.0)  # per cent of the face's size, worst of lids, brows, lips, whole face; measured
    gaze: Limits = (6.0, 12.0)  # per cent of the eye's width; measured
    depth: Limits = (0.25, 0.5)  # share of the plate's tones that are missing: a trip through 8 bits; measured
    clipped: Limits = (1, 100)  # pixels held at the end of the range where the plate's are not; assumed
    confidence: Limits = (0.5, 0.2)  # the model's own, mean over the matte; assumed

    def __post_init__(self) -> None:
        if not 0 <= self.worst_frames <= 48:
            raise ValueError(f"worst_frames is {self.worst_frames}; it must lie between 0 and 48")
        for name in measure_names():
            limits = getattr(self, name)
            if len(limits) != 2:
                raise ValueError(f"{name} is {list(limits)}; want two numbers, look and fail, e.g. [0.05, 0.15]")

    def limits(self, measure: str) -> tuple[float, float]:
        """(look, fail) of a measure."""
        look, fail = getattr(self, measure)
        return look, fail


def measure_names() -> tuple[str, ...]:
    """The measures, in the order in which they are shown."""
    return tuple(each.name for each in fields(QcSpec) if each.name not in _SWITCHES)
