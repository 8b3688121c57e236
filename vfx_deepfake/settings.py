"""Everything a shot file can say, as frozen typed tables; ``shot.py`` reads them from TOML.

Each class is one table of shot.toml and each field one key; the comment beside a field is its documentation. A check in
``__post_init__`` states what was found and what would be right; the reader turns its ValueError into a ShotError with the place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

SCHEMA = 1
DEFAULT_CONFIG = "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is '{value}'; choose one of {', '.join(allowed)}")


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; it must lie between {low} and {high}")


def _is_rate(text: str) -> bool:
    try:
        return 0 < Fraction(text) <= 1000
    except (ValueError, ZeroDivisionError):
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class NameSpec:
    """[shot]: what the shot is called."""

    name: str  # e.g. sh0010; letters, digits, dot, dash, underscore
    show: str = ""  # production, as releases name it
    note: str = ""  # what is asked for; goes on the slate
    vendor: str = ""  # goes on the slate

    def __post_init__(self) -> None:
        plain = self.name.replace("_", "").replace("-", "").replace(".", "")
        if not (plain.isascii() and plain.isalnum()) or self.name[0] in ".-":
            raise ValueError(f"name is '{self.name}'; use letters, digits, dash and underscore, e.g. sh0010")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateSpec:
    """[plate]: the photographed frames."""

    pattern: str  # e.g. plate/sh0010.####.exr, relative to the shot file
    colorspace: str  # OCIO name of the plate's encoding, e.g. ACEScg
    frames: str = ""  # range to deliver, e.g. 1001-1100; empty takes what is on disk
    part: str = ""  # EXR part by name; empty takes the one with the picture
    layer: str = ""  # EXR layer by name; empty takes R, G, B
    nan_policy: str = (
        "error"  # NaN or Inf pixels: error, zero or neighbours (for the work; the plate itself is not changed)
    )
    frame_rate: str = ""  # e.g. 24 or 24000/1001; empty takes the header's, else 24

    def __post_init__(self) -> None:
        _one_of("nan_policy", self.nan_policy, ("error", "zero", "neighbours"))
        if self.frame_rate and not _is_rate(self.frame_rate):
            raise ValueError(f"frame_rate is '{self.frame_rate}'; write 24, 25 or a fraction such as 24000/1001")


@dataclass(frozen=True, kw_only=True, slots=True)
class ColorSpec:
    """[color]: the OCIO config and the space the work is done in."""

    config: str = DEFAULT_CONFIG  # ocio:// name or a path relative to the shot file
    working: str = "ACEScg"  # scene-linear working space
    display: str = ""  # for review pictures; empty takes the config's default
    view: str = ""  # for review pictures; empty takes the display's default


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackSpec:
    """[track]: how the face is found and followed."""

    method: str = "mediapipe"  # mediapipe, or import for an artist's track
    file: str = ""  # the track to import (Nuke ASCII or JSON)
    box: tuple[float, ...] = ()  # x, y, width, height in plate pixels: the right face when there are several
    max_gap_frames: int = 8  # longer stretches without a detection count as "no face"
    min_confidence: float = 0.5  # detections below are not believed
    smoothing: float = 1.0  # 0 none, 1 as measured best, more for nervous tracks
    refine: bool = True  # sub-pixel refinement by optical flow

    def __post_init__(self) -> None:
        _one_of("method", self.method, ("mediapipe", "import"))
        _between("min_confidence", self.min_confidence, 0.0, 1.0)
        _between("smoothing", self.smoothing, 0.0, 10.0)
        _between("max_gap_frames", self.max_gap_frames, 0, 1000)
        if self.box and (len(self.box) != 4 or min(self.box[2:]) <= 0):
            raise ValueError(
                f"box is {list(self.box)}; give [x, y, width, height] in plate pixels with a positive size"
            )
        if (self.method == "import") != bool(self.file):
            raise ValueError("method 'import' and file go together: name the track to import, or leave both out")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyframeSpec:
    """[keyframes]: the painted frames."""

    pattern: str = "keyframes/{shot}.####.exr"  # any image format; full frame or a data window
    colorspace: str = ""  # OCIO name of the painted files; empty means the plate's


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """[model]: what makes the face."""

    method: str = "keyframe"  # keyframe (propagation and network), propagate (no training), passthrough (plate out)
    target: str = "face"  # face: painted pictures; matte: painted roto

    def __post_init__(self) -> None:
        _one_of("method", self.method, ("keyframe", "propagate", "passthrough"))
        _one_of("target", self.target, ("face", "matte"))


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSpec:
    """[train]: how the network on top of propagation learns."""

    steps: int = 400  # optimiser steps; longer was never judged better
    batch_size: int = 6  # crops a step
    crop_px: int = 128  # side of a training crop, plate pixels
    learning_rate: float = 1e-3  # peak, AdamW
    seed: int = 1  # same seed, same weights (on a CPU)
    save_every: int = 200  # steps between checkpoints
    device: str = "auto"  # auto, cpu, cuda or cuda:N

    def __post_init__(self) -> None:
        _between("steps", self.steps, 1, 1_000_000)
        _between("batch_size", self.batch_size, 1, 256)
        _between("save_every", self.save_every, 1, 1_000_000)
        _between("learning_rate", self.learning_rate, 1e-7, 1.0)
        if self.crop_px % 16 or self.crop_px < 32:
            raise ValueError(f"crop_px is {self.crop_px}; the network halves it, so use a multiple of 16, at least 32")
        if self.device not in ("auto", "cpu", "cuda") and not self.device.startswith("cuda:"):
            raise ValueError(f"device is '{self.device}'; choose auto, cpu, cuda or cuda:0, cuda:1, ...")


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderSpec:
    """[render]: how the face goes into the plate."""

    strength: float = 1.0  # 0 the plate, 1 the painted change
    matte_erode_px: float = 0.0  # shrink (+) or grow (-) the face matte
    matte_feather_px: float = 0.0  # softer edge, inwards; the matte of change has a soft edge already
    grain: str = "plate"  # plate: its own grain at the new level; none
    holdout: str = ""  # roto that stays in front, e.g. mattes/{shot}.holdout.####.exr
    holdout_channel: str = ""  # channel of the roto; empty takes alpha, else red
    compression: str = "zip"  # EXR: zip, zips, piz or none

    def __post_init__(self) -> None:
        _between("strength", self.strength, 0.0, 2.0)
        _one_of("grain", self.grain, ("plate", "none"))
        _one_of("compression", self.compression, ("zip", "zips", "piz", "none"))


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliverySpec:
    """[delivery]: what leaves the house besides the EXR with its layers."""

    profile: str = "dpx10"  # dpx10, dpx12, dpx16, or exr for none
    colorspace: str = "ARRI LogC3 (EI800)"  # OCIO name of the delivery's log space
    transfer: str = "Logarithmic"  # DPX header; a camera log has no code of its own
    colorimetric: str = "User defined"  # DPX header
    reel: str = ""  # empty carries the plate's

    def __post_init__(self) -> None:
        _one_of("profile", self.profile, ("dpx10", "dpx12", "dpx16", "exr"))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewSpec:
    """[review]: what people look at."""

    movie: bool = True  # H.264 with slate and burn-in
    sheet_frames: int = 5  # columns of the contact sheet

    def __post_init__(self) -> None:
        _between("sheet_frames", self.sheet_frames, 1, 24)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentSpec:
    """[consent]: whose face it is and where the releases lie."""

    identity: str = ""  # as the release names it; needed to train or render a face
    releases: str = "releases"  # folder, relative to the shot file


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One whole shot file."""

    schema: int = SCHEMA
    shot: NameSpec
    plate: PlateSpec
    color: ColorSpec = field(default_factory=ColorSpec)
    track: TrackSpec = field(default_factory=TrackSpec)
    keyframes: KeyframeSpec = field(default_factory=KeyframeSpec)
    model: ModelSpec = field(default_factory=ModelSpec)
    train: TrainSpec = field(default_factory=TrainSpec)
    render: RenderSpec = field(default_factory=RenderSpec)
    delivery: DeliverySpec = field(default_factory=DeliverySpec)
    review: ReviewSpec = field(default_factory=ReviewSpec)
    consent: ConsentSpec = field(default_factory=ConsentSpec)
