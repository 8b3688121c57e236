"""Another identity's face from facesets, and what drives it; values marked "keyed" may change over time.

A keyed value is a number or ``[[frame, value], ...]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vfx_deepfake.settings.beauty import ExpressionSpec
from vfx_deepfake.settings.checks import between, one_of
from vfx_deepfake.settings.keyed import Curve, all_between

AS_MIX = Curve(((0, -1.0),))  # a region that follows ``mix``
REGIONS_MIXED = ("skin", "eyes", "brows", "nose", "mouth")
OLDEST = 120.0
MOST_STOPS = 4.0
MOST_PX = 2048  # side of the aligned crop; the renderer learns and paints close-ups in tiles
MOST_PX_WHOLE = 1024  # the autoencoder's, whose code is of the whole face: four times as much takes 2 to 7 GiB an image


def whole_face_only() -> str:
    """Why the autoencoder takes no larger crops, and what does."""
    return (
        f"the autoencoder makes faces whole, of at most {MOST_PX_WHOLE} px; set model.method = 'renderer', which makes close-ups in tiles, "
        f"or identity.crop_px = {MOST_PX_WHOLE}"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentitySpec:
    """[identity]: whose face the methods "renderer" and "autoencoder" make, out of which facesets."""

    faceset: tuple[str, ...] = ()  # folder(s) of one identity; several with ages make an age slider
    mix_with: tuple[str, ...] = ()  # folder(s) of a second identity, for in-betweens
    mix: Curve = Curve()  # keyed; 0 the first identity, 1 the second
    mix_skin: Curve = AS_MIX  # keyed; -1 as mix, else 0..1 for this region alone
    mix_eyes: Curve = AS_MIX
    mix_brows: Curve = AS_MIX
    mix_nose: Curve = AS_MIX
    mix_mouth: Curve = AS_MIX
    write_partner: bool = False  # the second identity's face goes into the version too, to be mixed in the comp
    level: Curve = (
        Curve()
    )  # keyed; stops by which the face is made lighter: how dark somebody is under this light is a guess
    age: Curve = Curve()  # keyed; years, 0 the faceset's own age
    region: str = "face"  # face; mouth: the lower face alone; upper: eyes, brows and forehead alone
    forehead_cm: float = 0.0  # over which the plate's own forehead comes back below the hairline; 0 keeps none of it
    drive: str = ""  # shot (file or folder) of another take, whose mouth and jaw drive the face
    drive_offset: int = 0  # the take's frame less the plate's
    expression: ExpressionSpec = field(default_factory=ExpressionSpec)  # offsets on the performance that is shown
    correct: bool = True  # bring lids, gaze and lips of the result back to the performance where they drift
    warm_start: str = "auto"  # auto: the library's best start; none; or a checkpoint's path
    library: str = ""  # folder of trained models; empty for none
    crop_px: int = 256  # side of the aligned crop that the face is made in
    real_crops: bool = True  # the faceset's nearest crops help the network
    capacity: str = "medium"  # small, medium or large: how many weights
    adversary: float = 0.0  # share of a patch adversary in the loss, 0 for none
    likeness: float = 0.0  # share of a term in the loss that asks for the identity's features, 0 for none
    checkpointing: bool = False  # less memory while training, for more time
    compiled: bool = False  # build kernels for the network first: pays off in long trainings on a GPU

    def __post_init__(self) -> None:
        one_of("region", self.region, ("face", "mouth", "upper"))
        one_of("capacity", self.capacity, ("small", "medium", "large"))
        between("adversary", self.adversary, 0.0, 10.0)
        between("likeness", self.likeness, 0.0, 10.0)
        all_between(self, 0.0, 1.0, ("mix",))
        all_between(self, 0.0, OLDEST, ("age",))
        all_between(self, -MOST_STOPS, MOST_STOPS, ("level",))
        if any(self.age.values) and not all(self.age.values):
            raise ValueError(f"age is {list(self.age.values)}; give 0 alone (the faceset's own), or years at every key")
        for name in REGIONS_MIXED:
            self._check_region(f"mix_{name}")
        between("forehead_cm", self.forehead_cm, 0.0, 5.0)
        between("crop_px", self.crop_px, 64, MOST_PX)
        if self.crop_px % 16:
            raise ValueError(f"crop_px is {self.crop_px}; the networks halve it four times, so use a multiple of 16")
        if self.mixes and not self.mix_with:
            raise ValueError("mix is above 0 and mix_with names no faceset; name the second identity's, or set mix = 0")

    def _check_region(self, name: str) -> None:
        curve: Curve = getattr(self, name)
        if curve.values != AS_MIX.values and any(not 0 <= value <= 1 for value in curve.values):
            raise ValueError(f"{name} is {list(curve.values)}; give -1 alone (as mix), or values between 0 and 1")

    @property
    def mixes(self) -> bool:
        """True where the second identity is dialled in on any frame."""
        return any(
            value > 0
            for name in ("mix", *(f"mix_{each}" for each in REGIONS_MIXED))
            for value in getattr(self, name).values
        )

    @property
    def has_second_face(self) -> bool:
        """True where a version carries the second identity's face beside the one that is shown."""
        return self.write_partner and bool(self.mix_with)

    def second(self) -> IdentitySpec:
        """The same with every share of the second identity at 1."""
        return replace(
            self,
            mix=Curve(((0, 1.0),)),
            mix_skin=AS_MIX,
            mix_eyes=AS_MIX,
            mix_brows=AS_MIX,
            mix_nose=AS_MIX,
            mix_mouth=AS_MIX,
        )

    def mix_at(self, frame: int) -> dict[str, float]:
        """Share of the second identity at a frame: under "all", and under each region that has its own."""
        own = {name: getattr(self, f"mix_{name}") for name in REGIONS_MIXED}
        return {
            "all": self.mix.at(frame),
            **{name: curve.at(frame) for name, curve in own.items() if curve.values != AS_MIX.values},
        }

    def age_at(self, frame: int) -> float | None:
        """Wanted age at a frame, years; None for the faceset's own."""
        return self.age.at(frame) or None
