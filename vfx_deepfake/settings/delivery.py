"""What leaves the house, what people look at, and whose face it is."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from vfx_deepfake.settings.checks import between, one_of

MOVIE_CODECS = ("h264", "prores4444", "prores422hq", "dnxhr_hqx", "dnxhr_hq")  # media/codecs.py says what each is
BURN_INS = ("show", "shot", "version", "date", "status", "frame", "timecode", "color", "vendor", "likeness")


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
class BurnInSpec:
    """[review.burn_in]: texts over the movie's pictures, by place; empty for none. ``{frame}`` and the like are filled in (BURN_INS)."""

    top_left: str = "{version}"
    top: str = "{show}"
    top_right: str = "{date}"
    bottom_left: str = "{status}  {color}"
    bottom: str = "{frame}"
    bottom_right: str = "{timecode}"

    def __post_init__(self) -> None:
        for place in fields(self):
            text = getattr(self, place.name)
            try:
                text.format(**dict.fromkeys(BURN_INS, ""))
            except (KeyError, ValueError, IndexError, AttributeError) as error:
                known = ", ".join(f"{{{name}}}" for name in BURN_INS)
                raise ValueError(f"{place.name} is '{text}'; known fields are {known}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewSpec:
    """[review]: what people look at."""

    movie: bool = True  # movies with slate and burn-in
    codecs: tuple[str, ...] = ("h264",)  # one movie each: h264, prores4444, prores422hq, dnxhr_hqx, dnxhr_hq
    slate: bool = True  # a card ahead of the first frame
    submitting_for: str = "WIP"  # WIP or FINAL; on slate and burn-in
    shot_types: str = ""  # shot or asset types, on the slate, e.g. 2D face work
    note: str = ""  # submission note, on the slate
    letterbox: float = 0.0  # aspect ratio that black bars leave in the movie, e.g. 2.39; 0 for no bars
    burn_in: BurnInSpec = field(default_factory=BurnInSpec)
    sheet_frames: int = 5  # columns of the contact sheet
    mark: bool = False  # an invisible mark of the version in the movies, never in frames; needs a key

    def __post_init__(self) -> None:
        between("sheet_frames", self.sheet_frames, 1, 24)
        one_of("submitting_for", self.submitting_for, ("WIP", "FINAL"))
        for codec in self.codecs:
            one_of("codecs", codec, MOVIE_CODECS)
        if self.movie and not self.codecs:
            raise ValueError("codecs is empty; name one, or set movie = false")
        if self.letterbox:
            between("letterbox", self.letterbox, 0.5, 4.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentSpec:
    """[consent]: whose face it is and where the releases lie."""

    identity: str = ""  # as the release names it; needed to train or render a face
    releases: str = "releases"  # folder, relative to the shot file
    apparent_age: float = 0.0  # years that the finished face shows; 0 where its age is not changed
    territory: str = ""  # where it will be shown, as releases name it; asked for when it is delivered
