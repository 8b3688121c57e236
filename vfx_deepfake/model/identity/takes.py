"""Which crops of a faceset were shot together: takes, one light each as far as can be told, and the one to judge by.

A movie or a sequence is a take. Stills say nothing of the kind; those of one folder count as one, however they were
named in ``faceset.toml``: taken as a light each they would make a look at ten pictures of one sitting pass for ten lights.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from vfx_deepfake.faceset.data import CropRecord, Faceset

JUDGED_SHARE = 5  # one crop in this many is kept out where all are of one take
FEWEST_STILLS = (
    5  # crops of a folder that are a take of its own; fewer say too little, and go with other few ones. Assumed
)
FEW_STILLS = "*"  # no folder's name


class Take(NamedTuple):
    """What crops have in common that were shot together."""

    faceset: int  # its place among the entry's
    name: str  # the source's, or the folder's of stills
    stills: bool = False


def takes_of(facesets: Sequence[Faceset]) -> list[Take]:
    """The take of each crop of an entry, in their order."""
    return [take for number, one in enumerate(facesets) for take in _takes(number, one.crops)]


def _takes(number: int, crops: Sequence[CropRecord]) -> list[Take]:
    moving = {crop.source for crop in crops if crop.frame}  # a still's frame is 0
    folders = [os.path.normpath(os.path.dirname(crop.source)) for crop in crops]
    count = Counter(folder for crop, folder in zip(crops, folders, strict=True) if crop.source not in moving)
    return [
        Take(number, crop.source)
        if crop.source in moving
        else Take(number, folder if count[folder] >= FEWEST_STILLS else FEW_STILLS, stills=True)
        for crop, folder in zip(crops, folders, strict=True)
    ]


def unseen(takes: Sequence[Take]) -> list[int]:
    """The crops to judge by, which are not learnt from; none of one crop.

    Those of the smallest take, few stills aside, where there are several. Else a share of the one: a moving take's last
    crops, as neighbours are alike, and stills from all over it, as their order means nothing.
    """
    many = Counter(takes)
    fair = [take for take in many if not take.stills or many[take] >= FEWEST_STILLS]
    if len(fair) > 1:
        smallest = min(fair, key=many.__getitem__)
        return [index for index, take in enumerate(takes) if take == smallest]
    if len(takes) < 2:
        return []
    inside = [index for index, take in enumerate(takes) if take in fair] or list(range(len(takes)))
    if takes[inside[0]].stills:
        return inside[JUDGED_SHARE // 2 :: JUDGED_SHARE] or inside[-1:]
    return inside[-max(len(inside) // JUDGED_SHARE, 1) :]
