"""Sliders of the face that need neither painting nor training; each is 0 for "leave it", and may change over time.

A value is a number, ``[[frame, value], ...]``, or for what has two sides ``{ left = ..., right = ... }`` of either.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vfx_deepfake.settings.keyed import Curve, Slider, all_between, curves


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionSpec:
    """One strength a region of the skin; ``face`` is added to every region and to the skin between them."""

    face: Slider = Slider()  # the whole face's skin
    forehead: Slider = Slider()
    frown: Slider = Slider()  # between the brows
    crows_feet: Slider = Slider()  # outer eye corners
    under_eye: Slider = Slider()
    nose: Slider = Slider()
    cheeks: Slider = Slider()
    nasolabial: Slider = Slider()  # nose wing to mouth corner
    lips: Slider = Slider()  # the skin round the lips
    chin: Slider = Slider()

    def __post_init__(self) -> None:
        all_between(self, -1.0, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldSpec:
    """[beauty.folds]: the soft shadow of a bag or fold; 1 lifts it to the skin around, -1 doubles it."""

    eye_bags: Slider = Slider()
    nasolabial: Slider = Slider()

    def __post_init__(self) -> None:
        all_between(self, -1.0, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class LiftSpec:
    """[beauty.lift]: the plate itself is bent; 1 lifts, -1 lets sag."""

    jaw: Slider = Slider()  # jowls up and in
    cheeks: Slider = Slider()  # cheeks up
    lids: Slider = Slider()  # the hood over the eye up, the eye itself stays

    def __post_init__(self) -> None:
        all_between(self, -1.0, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpressionSpec:
    """[beauty.expression]: offsets on the performance. What is shut stays shut: openings are scaled, never invented."""

    smile: Slider = Slider()  # mouth corners out and up; -1 down
    brows: Slider = Slider()  # 1 raised, -1 lowered
    eyes: Slider = Slider()  # 1 opens the lids by a quarter of their opening, -1 closes them by as much
    lips: Curve = Curve()  # 1 opens the lips by a third of their opening, -1 closes them by as much

    def __post_init__(self) -> None:
        all_between(self, -1.0, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class LightSpec:
    """[beauty.light]: one soft light more, or less, seen from the camera."""

    key: Curve = Curve()  # stops added where the skin faces the light; negative takes them away
    fill: Curve = Curve()  # stops on the whole face
    azimuth: Curve = Curve()  # degrees: 0 from the camera, 90 from image right, -90 from image left
    elevation: Curve = Curve()  # degrees: 90 from above, -90 from below

    def __post_init__(self) -> None:
        all_between(self, -1.0, 1.0, ("key", "fill"))
        all_between(self, -180.0, 180.0, ("azimuth",))
        all_between(self, -90.0, 90.0, ("elevation",))


@dataclass(frozen=True, kw_only=True, slots=True)
class BeautySpec:
    """[beauty]: what method "sliders" does; 0 everywhere gives the plate, bit for bit."""

    wrinkles: RegionSpec = field(default_factory=RegionSpec)  # 1 takes creases away, -1 doubles them; pores stay
    spots: RegionSpec = field(default_factory=RegionSpec)  # small dark or red spots
    blotches: RegionSpec = field(default_factory=RegionSpec)  # uneven colour; the mean tone stays
    folds: FoldSpec = field(default_factory=FoldSpec)
    lift: LiftSpec = field(default_factory=LiftSpec)
    expression: ExpressionSpec = field(default_factory=ExpressionSpec)
    light: LightSpec = field(default_factory=LightSpec)

    @property
    def at_rest(self) -> bool:
        """True where nothing is dialled in on any frame; a light's direction alone does nothing."""
        tables = (self.wrinkles, self.spots, self.blotches, self.folds, self.lift, self.expression)
        set_values = [value for table in tables for _, curve in curves(table) for value in curve.values]
        return not any((*set_values, *self.light.key.values, *self.light.fill.values))
