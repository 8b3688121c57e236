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
STIFFNESS = 2.0  # against bending of log variance over log light: a power law is straight; measured on 0.3 to 3
KINSHIP = 5.0  # against slopes that differ between channels; measured on 0 to 10, where 0 doubles the error
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
    kept, curves = usable, np.tile(np.median(log_variance[usable], axis=0)[:, None], len(KNOTS))
    for _ in range(ROUNDS):
        for _ in range(ROUNDS):
            edges = [
                _lower_edge(light[kept, c], log_variance[kept, c], level[kept, c], before[c], curves[c])
                for c in range(3)
            ]
            value, weight = (np.array([edge[part] for edge in edges]) for part in (0, 1))
            curves = _smooth_below(value, weight)
        above = [(log_variance[:, c] - np.interp(light[:, c], KNOTS, curves[c])) / edges[c][2] for c in range(3)]
        kept = usable & (np.max(above, axis=0) < TOO_HIGH)
    return Curves(np.array([_held(*pair) for pair in zip(curves, weight, strict=True)]), weight, kept)


def _lower_edge(
    light: np.ndarray, log_variance: np.ndarray, level: np.ndarray, before: np.ndarray, curve: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Value and weight at KNOTS of one channel, and the scatter that chance gives a block.

    ``before``: blocks that a level had at first; ``curve``: the last guess, which takes the slope within a level off.
    """
    count = np.bincount(level, minlength=len(KNOTS))
    seen = np.flatnonzero(count >= LEAST_BLOCKS)
    value, weight = curve.copy(), np.zeros(len(KNOTS))
    if not len(seen):
        return value, weight, SPREADS[1]
    rest = log_variance - np.interp(light, KNOTS, curve)
    low, middle = np.array([np.quantile(rest[level == knot], (LOW_SHARE, 0.5)) for knot in seen]).T
    scatter = (middle - low) / LOW_TO_MEAN
    sure = count[seen] >= MANY_BLOCKS
    chance = float(np.clip(scatter[sure].min() if sure.any() else SPREADS[1], *SPREADS))
    doubt = np.maximum(scatter - chance, 0) / (DISAGREEMENT * chance)
    weight[seen] = np.sqrt(count[seen]) * (count[seen] / np.maximum(before[seen], 1)) ** 2 / (1 + doubt**4)
    chance = float(np.clip(np.average(scatter, weights=weight[seen] + 1e-9), chance, SPREADS[1]))
    value[seen] = curve[seen] + low + LOW_TO_MEAN * chance
    return value, weight, chance


def _smooth_below(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Smooth curves (3, K) through the values, which follow those below and give way to none far above.

    Channels of one film or sensor follow much the same law: where one was not seen the others lend it their shape.
    """
    knots = len(KNOTS)
    bend, slope = (np.diff(np.eye(knots), order, axis=0) for order in (2, 1))
    apart = np.eye(3) - 1 / 3
    stiff = np.kron(np.eye(3), STIFFNESS * bend.T @ bend) + np.kron(apart, KINSHIP * slope.T @ slope)
    stiff += 1e-9 * np.eye(3 * knots)
    trust = np.ones_like(value)
    for _ in range(INNER_ROUNDS):
        pull = (weight * trust).ravel()
        curves = np.linalg.solve(np.diag(pull) + stiff, pull * value.ravel()).reshape(3, knots)
        trust = 1 / (1 + (np.maximum(value - curves, 0) / ABOVE) ** 2)
    return np.asarray(curves)


def _held(curve: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The curve with its ends held REACH knots past the lights that were seen, in the dark no farther than the toe."""
    seen = np.flatnonzero(weight > 0)
    if not len(seen):
        return curve
    first = min(seen[0], max(seen[0] - REACH, TOE_KNOT))
    index = np.clip(np.arange(len(KNOTS)), first, min(seen[-1] + REACH, len(KNOTS) - 1))
    return curve[index]
