"""Degraining: the mean of a frame and its neighbours along the motion, then a local Wiener filter for what is left.

Works on a window of the plate in the model encoding (log). One frame needs only itself and RADIUS frames each side,
so that a farm host that makes a single frame gets the pixels that a whole run gets. A clean plate comes back
untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.flow import dense_flow, identity_map, matching_grey, sample
from vfx_deepfake.image.grain import NUM_BANDS, GrainModel, split_bands
from vfx_deepfake.image.grain_fit import fit_grain, measure_blocks

ReadLog = Callable[[int, Window], np.ndarray]  # frame, window -> (h, w, 3) log, edges repeated

RADIUS = 2  # neighbours each side; measured: 2 gains 0.4 dB over 1, 3 gains 0.1 more and needs seven frames
TRUST = 0.5  # how fast a neighbour that does not match loses weight; measured on 0.25 to 2
MATCH_PX = 7  # side of the patch a neighbour is compared on
MARGIN_PX = 16  # read round the window, for the flow and the filters' reach
SPATIAL = 1.0  # share of the remaining grain that the Wiener filter takes; measured on 0.4 to 1.5
MEASURED_PX = 12_000_000  # of picture in which a shot's grain is measured,
MEASURED_FRAMES = 4, 12  # in at least and at most so many frames; 6 of 0.5 Mpx have half again the error of 12
FULL_SEARCH_PX = 640  # half resolution costs 0.3 dB on a 400 px face and saves half the time; measured


def degrain(read: ReadLog, frames: Sequence[int], frame: int, window: Window, grain: GrainModel) -> np.ndarray:
    """One window of one frame without its grain.

    ``frames`` are those that may be read; neighbours that are not among them are done without.
    Returns (h, w, 3) float32 log; the plate's own values, bit for bit, where ``grain`` is clean.
    """
    if grain.clean:
        return read(frame, window)
    wide = window.expand(MARGIN_PX)
    centre = read(frame, wide)
    others = [read(other, wide) for other in _near(frames, frame, RADIUS)]
    sigma = np.maximum(grain.sigma_log(cv2.GaussianBlur(centre, (0, 0), 2.0)), 1e-6)
    averaged, variance = _average(centre, others, wide, sigma)
    result = wiener(averaged, sigma * np.sqrt(variance), grain.bands)
    return cut(result, wide, window)


def degrained_lin(plate_lin: np.ndarray, plate_log: np.ndarray, degrained_log: np.ndarray) -> np.ndarray:
    """D in scene-linear: decoded, except that a value which degraining left alone keeps the plate's bits.

    Shapes: all (H, W, 3); plate_log is the encoding of plate_lin.
    """
    return np.where(degrained_log == plate_log, plate_lin, decode_log(degrained_log))


def measure_shot(read: ReadLog, frames: Sequence[int], with_face: Iterable[int], full: Window) -> GrainModel:
    """The grain model of a shot, measured in some of the frames ``with_face``, spread evenly, and their neighbours.

    ``full`` is the window of a whole frame: grain covers all of it, and the rest of the picture tells it from skin, which has
    texture everywhere. NO_GRAIN for a clean plate.
    """
    wanted = round(MEASURED_PX / max(full.width * full.height, 1))
    picks = spread(sorted(with_face), int(np.clip(wanted, *MEASURED_FRAMES)))
    return fit_grain(
        measure_blocks(read(frame, full), [read(other, full) for other in _near(frames, frame, 1)]) for frame in picks
    )


def spread(frames: Sequence[int], count: int) -> list[int]:
    """At most ``count`` of the frames, evenly spread, the ends left out where there are enough."""
    if len(frames) <= count:
        return list(frames)
    return [frames[int((index + 0.5) * len(frames) / count)] for index in range(count)]


def wiener(image: np.ndarray, sigma: np.ndarray, bands: np.ndarray) -> np.ndarray:
    """Take grain of deviation ``sigma`` out of every a trous band where the band holds little else.

    Shapes: image, sigma (H, W, 3) log; bands (NUM_BANDS, 3), the grain's share in each band. Where the local energy
    of a band is well above the grain's (edges, pores, highlights) it stays.
    """
    details, rest = split_bands(image)
    for index in range(NUM_BANDS):
        noise = (sigma * bands[index]) ** 2 * SPATIAL
        energy = cv2.boxFilter(details[index] ** 2, -1, (5, 5), borderType=cv2.BORDER_REFLECT_101)
        rest = rest + details[index] * np.maximum(1 - noise / np.maximum(energy, 1e-12), 0)
    return rest


def _average(
    centre: np.ndarray, others: Iterable[np.ndarray], window: Window, sigma: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weighted mean along the motion (h, w, 3) and the share (h, w, 1) of the grain's variance that it keeps.

    A neighbour weighs 1 where it differs from the centre by no more than grain does, and fades where it shows
    something else.
    """
    total = centre.copy()
    weights, squares = (np.ones((*centre.shape[:2], 1), np.float32) for _ in range(2))
    for other in others:
        carried = sample(other, window, motion(centre, other, window))
        mismatch = (((carried - centre) / sigma) ** 2).mean(axis=-1) / 2  # 1 where only grain differs
        mismatch = cv2.boxFilter(mismatch, -1, (MATCH_PX, MATCH_PX), borderType=cv2.BORDER_REFLECT_101)
        weight = np.exp(-np.maximum(mismatch - 1, 0) * TRUST)[..., None]
        total += weight * carried
        weights += weight
        squares += weight * weight
    return total / weights, squares / weights**2


def motion(centre: np.ndarray, other: np.ndarray, window: Window) -> np.ndarray:
    """For each pixel of ``centre`` the plate position where ``other`` shows the same; (h, w, 2), for image/flow.sample.

    Shapes: both (h, w, 3) log over ``window``. Large windows are matched at half resolution.
    """
    finest = int(max(window.shape) > FULL_SEARCH_PX)
    return identity_map(window) + dense_flow(matching_grey(centre), matching_grey(other), finest_scale=finest)


def _near(frames: Sequence[int], frame: int, radius: int) -> list[int]:
    """The frames within ``radius`` of ``frame``, without itself, in order."""
    return [other for other in range(frame - radius, frame + radius + 1) if other != frame and other in frames]
