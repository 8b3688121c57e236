"""How the face goes into the plate."""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import between, one_of

MOST_GAIN = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderSpec:
    """[render]: how the face goes into the plate."""

    strength: float = 1.0  # 0 the plate, 1 the painted change
    matte_erode_px: float = 0.0  # shrink (+) or grow (-) the face matte
    matte_feather_px: float = 0.0  # softer edge, inwards; the matte of change has a soft edge already
    grain: str = "auto"  # plate: its own grain at the new level; synth: made from its model; auto: of both; none
    grain_gain: tuple[float, ...] = (1.0, 1.0, 1.0)  # red, green, blue: the grain on what changed; 1 is the plate's own
    compression: str = "zip"  # EXR: zip, zips, piz or none

    def __post_init__(self) -> None:
        between("strength", self.strength, 0.0, 2.0)
        one_of("grain", self.grain, ("auto", "plate", "synth", "none"))
        if len(self.grain_gain) != 3 or not all(0 <= gain <= MOST_GAIN for gain in self.grain_gain):
            found = list(self.grain_gain)
            raise ValueError(
                f"grain_gain is {found}; give three numbers for red, green, blue between 0 and {MOST_GAIN}"
            )
        one_of("compression", self.compression, ("zip", "zips", "piz", "none"))
