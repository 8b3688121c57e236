"""What is put into a delivery, and under which names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vfx_deepfake.settings.checks import one_of

_FIELDS = {"show": "show", "shot": "shot", "version": 1}
_SAFE = re.compile(r"[A-Za-z0-9_.#/-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class PackSpec:
    """[pack]: what ``deliver`` packs. Patterns take ``{show}``, ``{shot}``, ``{version:03d}``; ``####`` is the frame."""

    folder: str = "{show}_{shot}_v{version:03d}"  # of the delivery
    exr: str = "exr/{shot}_v{version:03d}.####.exr"  # empty for none
    dpx: str = "dpx/{shot}_v{version:03d}.####.dpx"  # empty for none
    layers: bool = True  # EXR with all its layers; false for the finished picture alone
    profile: str = ""  # dpx10, dpx12, dpx16: other codes than the version's own DPX have
    colorspace: str = ""  # OCIO name, for other DPX than the version's own
    slate: bool = False  # a card one frame before the first, in every format
    slate_space: str = "color_picking"  # OCIO space or role whose values the card's greys are
    movie: bool = True  # the review movie and the contact sheet

    def __post_init__(self) -> None:
        one_of("profile", self.profile, ("", "dpx10", "dpx12", "dpx16"))
        for name in ("folder", "exr", "dpx"):
            _check_pattern(name, getattr(self, name), is_frames=name != "folder")
        if not (self.exr or self.dpx):
            raise ValueError("exr and dpx are both empty; name the frames to deliver")


def _check_pattern(name: str, pattern: str, *, is_frames: bool) -> None:
    if not pattern and is_frames:
        return
    try:
        filled = pattern.format(**_FIELDS)
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(f"{name} is '{pattern}'; known fields are {{show}}, {{shot}}, {{version:03d}}") from error
    if not _SAFE.fullmatch(filled) or filled.startswith("/") or ".." in filled.split("/"):
        raise ValueError(
            f"{name} is '{pattern}'; use letters, digits, dot, dash and underscore, inside the delivery's folder"
        )
    if is_frames and len(re.findall("#+", filled)) != 1:
        raise ValueError(f"{name} is '{pattern}'; put #### where the frame number belongs")
