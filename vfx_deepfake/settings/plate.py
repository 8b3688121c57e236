"""The shot and its photographed frames: name, plate, colour, track."""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import between, is_rate, one_of

DEFAULT_CONFIG = "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"


@dataclass(frozen=True, kw_only=True, slots=True)
class NameSpec:
    """[shot]: what the shot is called."""

    name: str  # e.g. sh0010; letters, digits, dot, dash, underscore
    show: str = ""  # production, as releases name it
    sequence: str = ""  # as releases name it
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
        one_of("nan_policy", self.nan_policy, ("error", "zero", "neighbours"))
        if self.frame_rate and not is_rate(self.frame_rate):
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
        one_of("method", self.method, ("mediapipe", "import"))
        between("min_confidence", self.min_confidence, 0.0, 1.0)
        between("smoothing", self.smoothing, 0.0, 10.0)
        between("max_gap_frames", self.max_gap_frames, 0, 1000)
        if self.box and (len(self.box) != 4 or min(self.box[2:]) <= 0):
            raise ValueError(
                f"box is {list(self.box)}; give [x, y, width, height] in plate pixels with a positive size"
            )
        if (self.method == "import") != bool(self.file):
            raise ValueError("method 'import' and file go together: name the track to import, or leave both out")
