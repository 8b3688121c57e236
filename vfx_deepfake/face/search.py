"""Finding the one right face in a frame: near where it was, else in the whole frame from large to small.

A landmarker looks at a small picture of what it is shown, so a face of a tenth of a 4K plate's height is invisible to
it. Here it is shown squares: around the last place of the face, or tiles that get smaller until a face is found. The
face is then measured in several slightly moved and turned views; their mean is steadier than one view, their agreement
is its confidence.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vfx_deepfake.face.landmarks import Detection, Detector, levelled
from vfx_deepfake.face.views import Patch, cut_patch, square_around, tiles, turned_view
from vfx_deepfake.image.crop import Window

NEAR_FACTOR = 2.4  # side of the search square over the face's; room for the motion of one frame and a short gap
FACE_PX = 240  # size of the face in a near view; measured: larger gains nothing, the landmarker looks at 192 px
TILE_PX = 384  # what a tile is shrunk to
TILE_LEVELS = (1.0, 0.5, 0.25)  # tile side over the frame's shorter side; a face of a tenth fills 0.4 of the last
PART_OF = 0.5  # a face with this share of its box inside a larger one is the same face; assumed
SAME_FACE = 0.35  # overlap (intersection over union) from which two detections are one face; assumed
# Views for measuring: shift over the face's size, scale, turn in radians. Fixed, so that results repeat.
VIEWS = ((0.0, 0.0, 2.0, 0.0), (0.06, -0.04, 1.8, 0.12), (-0.06, 0.04, 2.2, -0.12), (0.03, 0.06, 2.1, 0.06),
         (-0.03, -0.06, 1.9, -0.06))  # fmt: skip
SPREAD_SCALE = 0.03  # views that differ by this share of the face's size halve the confidence; assumed
MAX_STEP = 0.6  # a face moves by at most this share of its size between frames, and ...
MAX_GROWTH = 1.5  # ... changes its size by at most this factor; both widen with frames in which it was not seen

Picture = tuple[np.ndarray, Window]


def find_near(detector: Detector, picture: Picture, box: np.ndarray) -> list[Detection]:
    """Faces in the square around ``box`` (left, top, right, bottom), tried as it is and then levelled; plate pixels."""
    patch = _near_patch(picture, box)
    for tone in (_as_is, levelled):
        found = [Detection(patch.to_plate(face.points), face.score) for face in detector.detect(tone(patch.pixels))]
        if found:
            return found
    return []


def find_anywhere(detector: Detector, picture: Picture) -> list[Detection]:
    """Faces in the whole frame: the frame itself, then tiles of falling size, each level as it is and levelled."""
    image, window = picture
    for squares in _levels(window):
        for tone in (_as_is, levelled):
            found: list[Detection] = []
            for square in squares:
                patch = cut_patch(image, window, square, TILE_PX / max(square.width, square.height))
                seen = detector.detect(tone(patch.pixels))
                found += [Detection(patch.to_plate(face.points), face.score) for face in seen]
            if found:
                return distinct(found)
    return []


def measure(detector: Detector, picture: Picture, face: Detection) -> Detection | None:
    """The face's points averaged over VIEWS, in plate pixels; the score says how well the views agree.

    Returns None where fewer than two views show the face.
    """
    patch = _near_patch(picture, face.box)
    centre = patch.from_plate((face.box[:2] + face.box[2:])[None] / 2)[0]
    size = face.size * patch.scale
    for tone in (_as_is, levelled):
        pixels = tone(patch.pixels)
        seen = []
        for dx, dy, factor, angle in VIEWS:
            view = turned_view(pixels, centre + size * np.array([dx, dy]), size * factor, angle, FACE_PX * 2)
            candidates = [Detection(patch.to_plate(view.back(f.points))) for f in detector.detect(view.pixels)]
            match = best_match(candidates, face.box)
            if match is not None:
                seen.append(match.points)
        if len(seen) >= 2:
            return _agreed(np.array(seen), len(VIEWS))
    return None


def distinct(faces: list[Detection]) -> list[Detection]:
    """Each face once, largest first: what mostly lies inside a larger one is that face again, seen in part by a tile."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda face: -face.size):
        area = float(np.prod(face.box[2:] - face.box[:2]))
        if not any(_shared(face.box, other.box) > PART_OF * area for other in kept):
            kept.append(face)
    return kept


def best_match(faces: list[Detection], box: np.ndarray) -> Detection | None:
    """The face that overlaps ``box`` most, if any does by SAME_FACE."""
    scored = [(overlap(face.box, box), -index) for index, face in enumerate(faces)]
    if not scored or max(scored)[0] < SAME_FACE:
        return None
    return faces[-max(scored)[1]]


def follows(face: Detection, box: np.ndarray, frames_ago: int) -> bool:
    """True where ``face`` can be the face that was at ``box`` some frames ago."""
    size = float(max(box[2:] - box[:2]))
    moved = float(np.linalg.norm((face.box[:2] + face.box[2:] - box[:2] - box[2:]) / 2))
    grown = max(face.size / size, size / face.size)
    wide = np.sqrt(max(frames_ago, 1))
    return moved <= MAX_STEP * size * wide and grown <= MAX_GROWTH * wide


def nearest(faces: list[Detection], box: np.ndarray, frames_ago: int) -> Detection | None:
    """The face nearest to ``box`` among those that can follow it."""
    able = [face for face in faces if follows(face, box, frames_ago)]
    centre = (box[:2] + box[2:]) / 2
    return min(able, key=lambda face: float(np.linalg.norm((face.box[:2] + face.box[2:]) / 2 - centre)), default=None)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two (left, top, right, bottom) boxes."""
    shared = _shared(a, b)
    union = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - shared
    return shared / union if union > 0 else 0.0


def _shared(a: np.ndarray, b: np.ndarray) -> float:
    """Area that two boxes share."""
    return float(np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)))


def _as_is(pixels: np.ndarray) -> np.ndarray:
    return pixels


def _near_patch(picture: Picture, box: np.ndarray) -> Patch:
    size = float(max(box[2:] - box[:2]))
    return cut_patch(picture[0], picture[1], square_around(box, NEAR_FACTOR), FACE_PX / max(size, 1.0))


def _levels(window: Window) -> Iterator[list[Window]]:
    yield [window]
    for share in TILE_LEVELS:
        yield tiles(window, max(int(min(window.width, window.height) * share), 32))


def _agreed(points: np.ndarray, num_views: int) -> Detection:
    """Mean of (V, P, 2) views with a score from how many saw the face and how far they differ."""
    mean = points.mean(axis=0)
    size = Detection(mean).size
    spread = float(np.sqrt(((points - mean) ** 2).sum(axis=-1).mean())) / max(size, 1e-6)
    return Detection(mean, len(points) / num_views / (1 + (spread / SPREAD_SCALE) ** 2))
