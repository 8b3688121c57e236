"""The level of grain against light from many small blocks, most of which may hold something else as well.

Grain of one light level is the same all over the picture; texture, render noise and motion that was not followed only
add to it. So the curve is the lower edge of what the blocks vary by, not their middle: a level is believed where its blocks agree
with each other as well as grain alone lets them, and elsewhere the curve runs smoothly between believed levels.
Source of the idea: Liu, Freeman, Szeliski & Kang 2006, noise level function as a lower envelope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEP = 0.05  # log code between knots, just under a stop
KNOTS = np.arange(-0.05, 1.25 + STEP / 2, STEP)
LOW_SHARE = 0.1  # of a level's blocks lie below the value that stands for its lower edge
LOW_TO_MEAN = 1.28  # deviations from there to the middle, for blocks that hold nothing but grain
LEAST_BLOCKS = 4  # at a level for it to say anything; assumed
MANY_BLOCKS = 50  # at a level for its spread to be believed; assumed
SPREADS = 0.08, 0.3  # smallest and largest scatter of log variance that chance alone gives blocks; assumed
DISAGREEMENT = 0.5  # a level whose blocks scatter this much more than chance is doubted; measured on the digital actor
TOO_HIGH = 3.0  # scatters above the curve from which a block holds more than grain
ABOVE = 0.05  # log variance above the curve from which a level's own value gives way to its neighbours'; measured
STIFFNESS = 1.0  # against bending of log variance over log light: a power law is straight; measured on 1 to 100
REACH = 4  # knots that the curve goes on straight past the last light seen; assumed
TOE_KNOT = 4  # 0.15, where the encoding turns linear: the curve is held below, because noise in the dark is even there
ROUNDS, INNER_ROUNDS = 3, 30


@dataclass(frozen=True)
class Curves:
    """log variance (3, K) at KNOTS, how far each is believed (3, K), and the blocks (N,) that hold nothing but grain."""

    log_variance: np.ndarray
    weight: np.ndarray
    clean_blocks: np.ndarray


def fit_curves(light: np.ndarray, variance: np.ndarray) -> Curves | None:
    """The lower edge of the blocks' variance over light, per channel.

    Shapes: light, variance (N, 3): each block's mean light and the variance of its grain, both log code. A block that
    holds too much in one channel is left out of all. Returns None where no level holds LEAST_BLOCKS blocks.
    """
    usable = (variance > 0).all(axis=1) & np.isfinite(variance).all(axis=1)
    log_variance = np.log(np.where(usable[:, None], variance, 1.0))
    level = np.clip(np.rint((light - KNOTS[0]) / STEP).astype(int), 0, len(KNOTS) - 1)
    before = [np.bincount(level[usable, c], minlength=len(KNOTS)) for c in range(3)]
    if min(count.max() for count in before) < LEAST_BLOCKS:
        return None
    kept = usable
    for _ in range(ROUNDS):
        found = [_one_curve(light[kept, c], log_variance[kept, c], level[kept, c], before[c]) for c in range(3)]
        above = [(log_variance[:, c] - np.interp(light[:, c], KNOTS, f[0])) / f[2] for c, f in enumerate(found)]
        kept = usable & (np.max(above, axis=0) < TOO_HIGH)
    return Curves(np.array([f[0] for f in found]), np.array([f[1] for f in found]), kept)


def _one_curve(
    light: np.ndarray, log_variance: np.ndarray, level: np.ndarray, before: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Curve and weight at KNOTS, and the scatter that chance gives a block. ``before``: blocks a level had at first."""
    count = np.bincount(level, minlength=len(KNOTS))
    seen = np.flatnonzero(count >= LEAST_BLOCKS)
    curve = np.full(len(KNOTS), np.median(log_variance) if len(log_variance) else 0.0)
    if not len(seen):
        return curve, np.zeros(len(KNOTS)), SPREADS[1]
    for _ in range(ROUNDS):
        rest = log_variance - np.interp(light, KNOTS, curve)
        low, middle = np.zeros(len(KNOTS)), np.zeros(len(KNOTS))
        for knot in seen:
            low[knot], middle[knot] = np.quantile(rest[level == knot], (LOW_SHARE, 0.5))
        scatter = (middle - low) / LOW_TO_MEAN
        sure = seen[count[seen] >= MANY_BLOCKS]
        chance = float(np.clip(scatter[sure].min() if len(sure) else SPREADS[1], *SPREADS))
        doubt = np.maximum(scatter[seen] - chance, 0) / (DISAGREEMENT * chance)
        weight = np.zeros(len(KNOTS))
        weight[seen] = np.sqrt(count[seen]) * (count[seen] / np.maximum(before[seen], 1)) ** 2 / (1 + doubt**4)
        chance = float(np.clip(np.average(scatter[seen], weights=weight[seen] + 1e-9), chance, SPREADS[1]))
        curve = _lower_smooth(curve + low + LOW_TO_MEAN * chance, weight)
    return _held(curve, seen), weight, chance


def _lower_smooth(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A smooth curve through the values, which follows those below it and gives way to none far above it."""
    bend = np.diff(np.eye(len(KNOTS)), 2, axis=0)
    stiff = STIFFNESS * bend.T @ bend + 1e-9 * np.eye(len(KNOTS))
    trust = np.ones(len(KNOTS))
    for _ in range(INNER_ROUNDS):
        curve = np.linalg.solve(np.diag(weight * trust) + stiff, weight * trust * value)
        trust = 1 / (1 + (np.maximum(value - curve, 0) / ABOVE) ** 2)
    return np.asarray(curve)


def _held(curve: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The curve with its ends held REACH knots past the lights that were seen, in the dark no farther than the toe."""
    first = min(seen[0], max(seen[0] - REACH, TOE_KNOT))
    index = np.clip(np.arange(len(KNOTS)), first, min(seen[-1] + REACH, len(KNOTS) - 1))
    return curve[index]
