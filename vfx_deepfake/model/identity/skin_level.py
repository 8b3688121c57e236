"""How much darker or lighter the identity's skin is than the performer's: the likeliest value of what a picture can't tell.

A picture says light times skin. Two people's pictures under lights that nobody measured still say something: light differs
by exposure and from warm to cold, little from green to magenta; skin differs along one line, from pale to dark, which is
also one from less to more red. How far lights differ is taken from the faceset's own takes, held to what is assumed where
takes are few. The most likely difference of skin follows (normal distributions, closed form). With one light and an exposure that
may be off by a stop it is a small part of the difference that is seen; the artist's dial comes on top.

All of it in log code, where a stop is STOP_LOG.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vfx_deepfake.image.relight import STOP_LOG
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.tiles import smaller

# Assumed, standard deviations: of skin between two people, and of the light between two takes along LIGHT_AXES
SKIN_STOPS = 0.7
LIGHT_STOPS = (1.0, 0.2, 0.07)
HELD = 2.0  # takes that the assumption counts as
LIGHT_AXES = np.array(
    ((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (-0.5, 1.0, -0.5))
).T  # exposure, warm to cold, green to magenta
# Albedo of pale and of dark skin in ACEScg, R, G, B, as the performers' (demo.performer.identities); other spaces: nearly
PALE, DARK = (0.56, 0.42, 0.33), (0.125, 0.070, 0.046)
MOST_LOG = 0.5 * STOP_LOG
LEAST_PIXELS = 16
MOST_VIEWS = 12  # of a take, evenly spread


def level_of(views: Sequence[View]) -> np.ndarray:
    """(3,) log: the median over views of the mean of bare skin. NaN where no skin is seen."""
    levels = []
    for index in np.linspace(0, len(views) - 1, min(len(views), MOST_VIEWS)).round().astype(int):
        view = smaller(views[index])
        skin = canonical.skin(view.points, len(view.image_log)) * view.valid > 0.5
        if skin.sum() >= LEAST_PIXELS:
            levels.append(view.image_log[skin].mean(axis=0))
    return np.median(levels, axis=0) if levels else np.full(3, np.nan)


def of_takes(takes: Sequence[Sequence[View]]) -> tuple[np.ndarray, np.ndarray]:
    """The level (3,) of somebody's skin over takes, log, and how far (3,), along LIGHT_AXES, another take may be off it:
    standard deviations. All 0 where no skin is seen: not known."""
    levels = np.stack([level_of(views) for views in takes])
    levels = levels[np.isfinite(levels).all(axis=1)]
    if not len(levels):
        return np.zeros(3), np.zeros(3)
    along = levels @ np.linalg.inv(LIGHT_AXES).T
    assumed = np.square(np.multiply(LIGHT_STOPS, STOP_LOG))
    spread = (HELD * assumed + np.square(along - along.mean(axis=0)).sum(axis=0)) / (HELD + len(levels) - 1)
    return levels.mean(axis=0), np.sqrt(spread * (1 + 1 / len(levels)))


def likely_difference(performer: np.ndarray, identity: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """(3,) log to add to the identity's skin at the performer's level: what makes it as dark as it likely is.

    performer, identity (3,) levels; apart (3,) as :func:`of_takes` gives it. At most half a stop; 0 where it is not known.
    """
    if not ((apart > 0).all() and np.isfinite(performer).all()):
        return np.zeros(3)
    line = np.log(np.divide(DARK, PALE))
    line = line / line.mean()  # of a skin darker by one
    unlike = np.linalg.inv((LIGHT_AXES * np.square(apart)) @ LIGHT_AXES.T)
    seen = line @ unlike @ (performer - identity)
    darker = seen / (line @ unlike @ line + (SKIN_STOPS * STOP_LOG) ** -2)
    return np.asarray(-np.clip(darker, -MOST_LOG, MOST_LOG) * line)
