"""A face as sharp as its plate: blurs that vary over the picture, their bounded inverse, and the match of one to the other.

Pictures are log encoded, (H, W, 3) float32; maps are (H, W) float32. Where a map is 0 every function returns the
picture's own bits.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.image.sharpness import BlurField, extra_blur

LEAST_VARIANCE, STEP = 0.25, 2.0  # square pixels of the first prepared blur, and the factor to the next; assumed
MOST_VARIANCE = 64.0  # a deviation of 8 px; assumed
MOST_TAPS = 17  # of a motion blur; longer ones space them further apart
CORRECTIONS = 3  # of the inverse: three restore 1 / g up to a gain of 4; measured on 2 to 6
UNSURE, SURE = 0.3, 0.6  # square pixels: differences below are the measure's own error, above they count; measured
MOST_RESTORED = 2.25  # square pixels that are ever taken back, a deviation of 1.5 px; assumed
OVERSHOOT = 0.5  # by how much of its neighbours' range a restored value may leave it; measured on 0.25 to 1


def defocus(image_log: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Blur by a Gaussian whose variance changes from place to place.

    Shapes: image_log (H, W, C) log, variance (H, W) square pixels, at least 0, held at MOST_VARIANCE. Between prepared
    blurs the two nearest are mixed, which gives exactly the wanted variance where it changes slowly.
    """
    wanted = np.minimum(variance, MOST_VARIANCE)
    result, low, high = image_log, 0.0, LEAST_VARIANCE
    prepared = {0.0: image_log}
    while (wanted > low).any():
        here = (wanted > low) & (wanted <= high)
        if here.any():
            for level in {low, high} - prepared.keys():
                prepared[level] = cv2.GaussianBlur(image_log, (0, 0), level**0.5, borderType=cv2.BORDER_REPLICATE)
            share = ((wanted - low) / (high - low)).astype(np.float32)[..., None]
            mixed = prepared[low] + share * (prepared[high] - prepared[low])
            result = np.where(here[..., None], mixed, result)
        prepared.pop(low, None)
        low, high = high, high * STEP
    return result


def smear(image_log: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Blur along a motion, as an open shutter does.

    Shapes: image_log (H, W, 3) log, motion (H, W, 2) px travelled while the shutter is open, x and y; its length may
    change slowly over the picture. A picture that does not move keeps its bits.
    """
    length = np.hypot(motion[..., 0], motion[..., 1])
    if not length.any():
        return image_log
    count = min(2 * int(np.ceil(length.max() / 2)) + 1, MOST_TAPS)
    rows, columns = (np.arange(side, dtype=np.float32) for side in length.shape)
    total = np.zeros_like(image_log)
    for place in (np.arange(count, dtype=np.float32) + 0.5) / count - 0.5:
        x = columns[None] + motion[..., 0] * place
        y = rows[:, None] + motion[..., 1] * place
        total += cv2.remap(image_log, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where((length > 0)[..., None], total / np.float32(count), image_log)


def restore(image_log: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Take a Gaussian blur back, as far as CORRECTIONS steps of its series go and without new extremes.

    Shapes: image_log (H, W, 3) log, variance (H, W) square pixels of the blur that is there too much. A value leaves
    the range of its 3 x 3 neighbours by at most OVERSHOOT of it, so that edges get no halo.
    Source: van Cittert's iteration, Zeitschrift für Physik 69, 1931.
    """
    if not (variance > 0).any():
        return image_log
    result, missing = image_log, image_log
    for _ in range(CORRECTIONS):
        missing = missing - defocus(missing, variance)
        result = result + missing
    box = np.ones((3, 3), np.uint8)
    high, low = cv2.dilate(image_log, box), cv2.erode(image_log, box)
    room = np.float32(OVERSHOOT) * (high - low)
    return np.where((variance > 0)[..., None], np.clip(result, low - room, high + room), image_log)


def match_sharpness(
    face_log: np.ndarray, clean_log: np.ndarray, matte: np.ndarray, travel: np.ndarray, soften: float, restored: float
) -> np.ndarray:
    """The face with the plate's defocus and motion blur.

    Shapes: face_log, clean_log (H, W, 3) log; matte (H, W) 0..1. travel (2, 3): how far the face moves while the
    shutter is open, in pixels at a position (x, y, 1) of the window. ``soften`` and ``restored`` 0..1 are shares of the
    blur added where the plate is softer and taken away where it is sharper. What the plate is softer by along its
    motion counts as motion blur up to the length that the motion can make, the rest as defocus. Where the two are as
    sharp within UNSURE the face's own bits come back.
    """
    field = extra_blur(clean_log, face_log, matte)
    motion, focus = split_blur(field, travel)
    shape = matte.shape
    length = field.over(np.sqrt(12 * soften * motion), shape)
    result = smear(face_log, length[..., None] * _directions(field, travel, shape)) if length.any() else face_log
    result = defocus(result, field.over(soften * np.maximum(focus, 0), shape))
    return restore(result, field.over(np.minimum(restored * np.maximum(-focus, 0), MOST_RESTORED), shape))


def split_blur(field: BlurField, travel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Motion blur (at least 0) and defocus (negative: to be taken back) of a field, (rows, columns) square pixels each.

    Differences below UNSURE are 0 exactly.
    """
    way = _travelled(field, travel)
    length = np.hypot(way[..., 0], way[..., 1])
    along, across = field.along(way / np.maximum(length, 1e-6)[..., None] + (length < 1e-6)[..., None] * (1, 0))
    motion = np.clip(along - across, 0, length * length / 12)  # a box of that length has a twelfth of its square
    motion = _beyond_doubt(motion)
    return motion, _beyond_doubt((along + across - motion) / 2)


def _beyond_doubt(variance: np.ndarray) -> np.ndarray:
    return variance * np.clip((np.abs(variance) - UNSURE) / (SURE - UNSURE), 0, 1)


def _travelled(field: BlurField, travel: np.ndarray) -> np.ndarray:
    return field.centres @ travel[:, :2].T + travel[:, 2]


def _directions(field: BlurField, travel: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(h, w, 2) unit vectors of the motion."""
    way = _travelled(field, travel)
    unit = way / np.maximum(np.hypot(way[..., 0], way[..., 1]), 1e-6)[..., None]
    return np.stack([field.over(unit[..., axis], shape) for axis in (0, 1)], axis=-1)
