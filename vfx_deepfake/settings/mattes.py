"""What stands in front of the face, and where nothing may be changed."""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import one_of


@dataclass(frozen=True, kw_only=True, slots=True)
class MattesSpec:
    """[mattes]: artist's roto, and the mattes that are made."""

    holdout: str = ""  # roto of what stays in front of the face, e.g. mattes/{shot}.holdout.####.exr
    holdout_channel: str = ""  # channel of the roto, e.g. A or roto.R; empty takes alpha, else red
    roto: str = ""  # a few painted frames of what stands in front, from which every frame's matte is learnt
    roto_channel: str = ""  # as above
    occlusion: str = "auto"  # where there is no roto: auto finds what stands in front of the face; none
    garbage: str = ""  # roto of where the plate must stay whatever is in it, e.g. mattes/{shot}.garbage.####.exr
    garbage_channel: str = ""  # as above
    cryptomatte: bool = False  # also write the parts of the face as an ID matte that standard tools pick from

    def __post_init__(self) -> None:
        one_of("occlusion", self.occlusion, ("auto", "none"))
