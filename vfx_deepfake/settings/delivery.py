"""What leaves the house, what people look at, and whose face it is."""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import between, one_of


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliverySpec:
    """[delivery]: what leaves the house besides the EXR with its layers."""

    profile: str = "dpx10"  # dpx10, dpx12, dpx16, or exr for none
    colorspace: str = "ARRI LogC3 (EI800)"  # OCIO name of the delivery's log space
    transfer: str = "Logarithmic"  # DPX header; a camera log has no code of its own
    colorimetric: str = "User defined"  # DPX header
    reel: str = ""  # empty carries the plate's

    def __post_init__(self) -> None:
        one_of("profile", self.profile, ("dpx10", "dpx12", "dpx16", "exr"))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewSpec:
    """[review]: what people look at."""

    movie: bool = True  # H.264 with slate and burn-in
    sheet_frames: int = 5  # columns of the contact sheet
    mark: bool = False  # an invisible mark of the version in the movie, never in frames; needs a key

    def __post_init__(self) -> None:
        between("sheet_frames", self.sheet_frames, 1, 24)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentSpec:
    """[consent]: whose face it is and where the releases lie."""

    identity: str = ""  # as the release names it; needed to train or render a face
    releases: str = "releases"  # folder, relative to the shot file
    apparent_age: float = 0.0  # years that the finished face shows; 0 where its age is not changed
    territory: str = ""  # where it will be shown, as releases name it; asked for when it is delivered
