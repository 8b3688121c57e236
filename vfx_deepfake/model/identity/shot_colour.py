"""The identity's skin under the plate's light: level and tint, once for a shot.

A picture says light times skin and never which of the two; whoever takes the plate's skin as it is, gives the identity the
performer's complexion. Teeth are alike from one person to the next, and both faces show them under one light: what the made
teeth are off by against the plate's is what the performer's skin differs by. Where too little is seen of them the plate's skin
stays; what little there is counts accordingly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity.method import Made, View

MOST_VIEWS = 24  # looked at, evenly spread
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
TEETH_SHARE = 0.6  # teeth are lighter than this quantile of an open mouth; assumed
LEAST_SHARE = 2e-4  # of a view's pixels: fewer show no teeth
SURE_VIEWS = 6.0  # so many views with teeth count half against leaving the skin as it is; assumed
MOST_LOG = 0.06  # one stop: people differ by more, but a wrong answer must not show


def solve_offset(views: Sequence[View], make: Callable[[View], Made]) -> np.ndarray:
    """(3,) float32 log: what to add to the made face. 0 where no teeth are seen."""
    picked = np.linspace(0, len(views) - 1, min(len(views), MOST_VIEWS)).round().astype(int)
    found = [one for index in picked if (one := _teeth_apart(views[index], make(views[index]))) is not None]
    if not found:
        return np.zeros(3, np.float32)
    trust = len(found) / (len(found) + SURE_VIEWS)
    return np.clip(trust * np.median(found, axis=0), -MOST_LOG, MOST_LOG).astype(np.float32)


def _teeth_apart(view: View, made: Made) -> np.ndarray | None:
    """(3,): the plate's teeth less the made ones, log; None where none are seen."""
    size = len(view.image_log)
    mouth = region_mask(view.points, Window(0, 0, size, size), "mouth")
    mouth = cv2.erode(mouth, np.ones((3, 3), np.uint8)) * view.valid > 0.9
    if mouth.sum() < LEAST_SHARE * size * size:
        return None
    bright = [_brightest(picture[mouth]) for picture in (view.image_log, made.picture_log)]
    return np.asarray(bright[0] - bright[1])


def _brightest(colours: np.ndarray) -> np.ndarray:
    """(3,) median of the lighter ones of colours (N, 3)."""
    luma = colours @ LUMA
    return np.asarray(np.median(colours[luma >= np.quantile(luma, TEETH_SHARE)], axis=0))
