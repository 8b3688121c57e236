"""How a generated face is made one with its plate: texture, colour, sharpness and seam. All off by default.

Measured on the digital actor (docs/experiments.md): the key-frame model's face has the plate's own pores, blur and colour
already, and every one of these can only cost it a little. They are for faces that come from somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import between, one_of


@dataclass(frozen=True, kw_only=True, slots=True)
class TextureSpec:
    """[texture]: the plate's own pores on the generated face as far as it lacks them, region by region."""

    strength: float = 0.0  # 0 the face's own texture, 1 made as rough as the plate, more rougher; times the region's
    skin: float = 1.0  # share for the skin
    nose: float = 1.0  # for the nose
    lips: float = 0.5  # for the lips
    brows: float = 1.0  # for the brows; it is that of the skin beside, since hair would come back too
    eyes: float = 0.0  # for the eyes
    wrinkles: float = 1.0  # 1: pores for lines and folds are those of the skin beside; 0 brings lines and hair back
    wrinkle_matte: str = ""  # roto of what gets no texture, e.g. mattes/{shot}.wrinkles.####.exr
    wrinkle_channel: str = ""  # channel of the roto; empty takes alpha, else red
    expression: float = 0.0  # stretched skin smoother, compressed skin rougher; 1 in proportion to the area

    def __post_init__(self) -> None:
        between("strength", self.strength, 0.0, 2.0)
        between("wrinkles", self.wrinkles, 0.0, 1.0)
        between("expression", self.expression, 0.0, 4.0)
        for name in TEXTURE_REGIONS:
            between(name, getattr(self, name), 0.0, 2.0)


TEXTURE_REGIONS = ("skin", "nose", "lips", "brows", "eyes")  # drawn in this order, later ones over earlier ones


@dataclass(frozen=True, kw_only=True, slots=True)
class ColorMatchSpec:
    """[colormatch]: the face's colour brought to the plate's, once for the shot or slowly over time."""

    method: str = "none"  # none, mean_deviation (each channel alone), linear_transport (colours turned too)
    against: str = "face"  # face: the plate's face; ring: the plate's skin beside the matte, such as the neck
    strength: float = 1.0  # share of the way
    window_frames: float = 0.0  # 0 one match for the shot; else how slowly it may change, a Gaussian's deviation
    frames: int = 8  # frames that one match is measured on, spread evenly

    def __post_init__(self) -> None:
        one_of("method", self.method, ("none", "mean_deviation", "linear_transport"))
        one_of("against", self.against, ("face", "ring"))
        between("strength", self.strength, 0.0, 1.0)
        between("frames", self.frames, 1, 64)
        if self.window_frames:
            between("window_frames", self.window_frames, 4.0, 1000.0)  # faster would follow the flicker it should hide


@dataclass(frozen=True, kw_only=True, slots=True)
class BlendSpec:
    """[blend]: sharpness and light of the face at home in the plate."""

    seam: float = 0.0  # 1 takes the smooth offset along the matte's edge off the whole face
    soften: float = 0.0  # 1 gives the face the plate's defocus and motion blur where the plate is softer
    restore: float = 0.0  # 1 takes blur off the face where the plate is sharper, within bounds
    shutter_degrees: float = 180.0  # how long the camera's shutter was open; bounds the motion blur

    def __post_init__(self) -> None:
        for name in ("seam", "soften", "restore"):
            between(name, getattr(self, name), 0.0, 1.0)
        between("shutter_degrees", self.shutter_degrees, 0.0, 360.0)
