"""How the face goes into the plate."""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import between, one_of


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderSpec:
    """[render]: how the face goes into the plate."""

    strength: float = 1.0  # 0 the plate, 1 the painted change
    matte_erode_px: float = 0.0  # shrink (+) or grow (-) the face matte
    matte_feather_px: float = 0.0  # softer edge, inwards; the matte of change has a soft edge already
    grain: str = "plate"  # plate: its own grain at the new level; none
    compression: str = "zip"  # EXR: zip, zips, piz or none

    def __post_init__(self) -> None:
        between("strength", self.strength, 0.0, 2.0)
        one_of("grain", self.grain, ("plate", "none"))
        one_of("compression", self.compression, ("zip", "zips", "piz", "none"))
