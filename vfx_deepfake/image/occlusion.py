"""What stands in front of a face, from the plate alone: pixels that look like nothing this face has looked like.

A frame's face is compared with the same places of the face on a few *references*, frames spread over the shot. Light
that changes slowly over the face is fitted away, with a fit that large outliers can't bend. A pixel that none but a few
references explain is foreign; a patch of foreign pixels is an occluder, and its soft edge follows from how far each
pixel has gone from the face's expected colour to the occluder's.
"""

from __future__ import annotations

import cv2
import numpy as np

LIGHT_DEGREE = 2  # of the polynomial over the face that light may differ by between two frames; assumed
FIT_STEPS = 8
FIT_EVERY = 3  # of the pixels enter the fit; light is smooth
FIT_SCALE_LOG = 0.03  # a difference that is still thought to be light, about half a stop; assumed
AGREEING = 3  # this many references must look like a pixel for it to be face: occluders stay in few of them
LEAST_REFERENCES = 5  # with fewer, three agreeing ones are most of them

# Pixels of the small picture, where a face is WORK_FACE_PX wide. All measured on the performer: with the microphone the
# middle of its score is 2, without the 99th percentile is 0.3.
WORK_FACE_PX = 160.0
USUAL_TIMES, FOREIGN_LOG = 4.0, 0.03  # score 1: this many usual differences and this much log on top
USUAL_MOST = 0.1  # a place that differs by more is not thereby free to be anything
SCORE_PX, OPENING_PX = 2.5, 7.5  # the score is averaged over; where lids and lips move it is taken from further round
LOW, HIGH = 0.6, 1.2  # an occluder is where the score exceeds HIGH, and LOW within
REACH_PX = 5  # of it, so that doubtful skin is not strung together
LEAST_CORE_PX = 160  # pixels above HIGH: 6 thousandths of the square of the face's width
CLOSE_PX, SURE_PX, EDGE_PX = 4, 2, 6  # holes closed; certainly occluder inside; edge looked for outside
OUTSIDE_PX, ALIKE_LOG = (
    12,
    0.05,
)  # how far it is followed beside the face, and within what difference of its colour; assumed
COLOUR_PX = 6.0  # the occluder's own colour is averaged over
SAME_LOG = 0.02  # colours this close can't tell an occluder from the face


def light_basis(uv: np.ndarray) -> np.ndarray:
    """(N, b) polynomials over the face for canonical coordinates uv (N, 2)."""
    u, v = 2 * uv[:, 0] - 1, 2 * uv[:, 1] - 1
    powers = [(i, j) for i in range(LIGHT_DEGREE + 1) for j in range(LIGHT_DEGREE + 1 - i)]
    return np.stack([u**i * v**j for i, j in powers], axis=-1).astype(np.float32)


def relit(pixels: np.ndarray, reference: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The reference under the light of the pixels.

    Shapes: pixels, reference (N, 3) log, NaN where one shows nothing; basis (N, b). Returns (N, 3), NaN where the
    reference is. Light is fitted where both show something.
    The fit is by reweighting with weights that fall with the fourth power, so that an occluder does not bend it.
    """
    known = np.nonzero(np.isfinite(reference + pixels).all(axis=1))[0][::FIT_EVERY]
    if len(known) < 4 * basis.shape[1]:
        return np.full_like(reference, np.nan)
    difference, place = (pixels - reference)[known], basis[known]
    light = np.zeros((basis.shape[1], 3), np.float32)
    light[0] = np.median(difference, axis=0)
    for step in range(FIT_STEPS):
        scale = FIT_SCALE_LOG * (4 if step < FIT_STEPS // 2 else 1)
        weight = 1 / (1 + _distance(difference, place @ light) ** 2 / scale**2) ** 2
        heavy = place * weight[:, None]
        ridge = 1e-6 * len(known) * np.eye(basis.shape[1], dtype=np.float32)
        light = np.linalg.solve(heavy.T @ place + ridge, heavy.T @ difference).astype(np.float32)
    return np.asarray(reference + basis @ light)


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N,) root mean square over the channels."""
    return np.asarray(np.sqrt(((a - b) ** 2).mean(axis=-1)))


def explained(pixels: np.ndarray, references: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the references say of a face's pixels.

    Shapes: pixels (N, 3) log, references (K, N, 3) with NaN where one shows nothing, basis (N, b). Returns the expected
    pixels (N, 3), the median over the references, and the difference (N,) to the AGREEING-th most alike; NaN where
    fewer show the place.
    """
    seen = np.stack([relit(pixels, reference, basis) for reference in references])
    differences = np.sort(np.stack([_distance(pixels, one) for one in seen]), axis=0)  # NaN last
    return _median(seen), differences[min(AGREEING, len(differences)) - 1]


def usual_difference(textures: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """(N,) median difference of two references at a place, light taken off: large where the face moves by itself.

    Shapes: textures (K, N, 3) log with NaN, basis (N, b). NaN where fewer than two show it.
    """
    pairs = [(i, j) for i in range(len(textures)) for j in range(i)]
    return _median(np.stack([_distance(textures[i], relit(textures[i], textures[j], basis)) for i, j in pairs]))


def _median(stack: np.ndarray) -> np.ndarray:
    """Median over the first axis of what is finite; NaN where nothing is, without a warning."""
    ordered = np.sort(stack, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low, high = (np.maximum(count - 1, 0) // 2)[None], (count // 2).clip(max=np.maximum(count - 1, 0))[None]
    return np.asarray((np.take_along_axis(ordered, low, 0) + np.take_along_axis(ordered, high, 0))[0] / 2)


def foreign_score(difference: np.ndarray, usual: np.ndarray, steady: np.ndarray) -> np.ndarray:
    """How foreign each pixel's neighbourhood is: about 1 is doubtful.

    Shapes: all (h, w); difference and usual in log, NaN where the face is not known; steady 0..1, 0 where lids and lips
    come and go, so that nothing follows from a difference there. Returns (h, w); 0 far from anything known.
    """
    known = np.isfinite(difference) & np.isfinite(usual)
    score = np.divide(
        difference,
        USUAL_TIMES * np.minimum(usual, USUAL_MOST) + FOREIGN_LOG,
        where=known,
        out=np.zeros_like(difference),
    )
    weight = np.where(known, steady + 1e-3, 0).astype(np.float32)
    value = np.minimum(score, 3).astype(np.float32) * weight
    near, wide = ((_blur(value, px), _blur(weight, px)) for px in (SCORE_PX, OPENING_PX))
    trust = np.clip(near[1] / 0.3, 0, 1)
    return np.asarray(sum(share * v / np.maximum(w, 1e-6) for share, (v, w) in ((trust, near), (1 - trust, wide))))


def _blur(image: np.ndarray, sigma_px: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT), np.float32)


def occluder_matte(
    image_log: np.ndarray, expected_log: np.ndarray, score: np.ndarray, on_face: np.ndarray
) -> np.ndarray:
    """The soft matte of what is foreign; 0 everywhere where there is no patch of it.

    Beside the face, where nothing is expected, an occluder goes on for OUTSIDE_PX as far as its colour does.

    Shapes: image_log, expected_log (h, w, 3), score (h, w) of :func:`foreign_score`, on_face (h, w) bool. Returns (h, w)
    float32 0..1.
    """
    patch = _patches(score)
    if not patch.any():
        return patch
    patch = cv2.morphologyEx(patch, cv2.MORPH_CLOSE, _disc(CLOSE_PX))
    sure, wide = cv2.erode(patch, _disc(SURE_PX)), cv2.dilate(patch, _disc(EDGE_PX))
    share = _blur(sure, COLOUR_PX)[..., None] + 1e-4
    colour = _blur(image_log * sure[..., None], COLOUR_PX) / share
    way = colour - expected_log
    length = (way * way).sum(axis=-1)
    gone = np.clip(((image_log - expected_log) * way).sum(axis=-1) / (length + 1e-6), 0, 1)
    told = length / (length + SAME_LOG**2)
    inside = np.maximum((told * gone + (1 - told) * patch) * wide, sure)
    far = _blur(sure, OUTSIDE_PX)[..., None]
    farther = _blur(image_log * sure[..., None], OUTSIDE_PX) / np.maximum(far, 1e-6)
    alike = np.exp(-(((image_log - farther) ** 2).mean(axis=-1)) / ALIKE_LOG**2)
    return np.where(on_face, inside, alike * cv2.dilate(patch, _disc(OUTSIDE_PX))).astype(np.float32)


def _patches(score: np.ndarray) -> np.ndarray:
    """(h, w) float32, 1 on patches above LOW round connected pixels above HIGH, where these are enough."""
    foreign = cv2.morphologyEx((score > HIGH).astype(np.uint8), cv2.MORPH_OPEN, _disc(1))
    count, labels = cv2.connectedComponents(foreign)
    large = (np.bincount(labels.ravel(), minlength=count) >= LEAST_CORE_PX) & (np.arange(count) > 0)
    return (cv2.dilate(large[labels].astype(np.float32), _disc(REACH_PX)) * (score > LOW)).astype(np.float32)


def _disc(radius_px: int) -> np.ndarray:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1)))
