"""Which crops show the same person: tracks through the frames, then groups of tracks that look alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, pairwise

import numpy as np

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.align import inverted, moved, source_scale
from vfx_deepfake.faceset.data import CropRecord
from vfx_deepfake.faceset.likeness import Likeness, distances

# The distances that count as 1 between long tracks and between single crops, which say less. Of drawn people who were not learnt from 99 %
# of one person's pairs lie below: means of three crops, and single crops of worse pictures (docs/facesets.md)
PERSON_UNIT, CROP_UNIT = 0.9, 1.5
EMBEDDING_UNIT = 0.5  # cosine distance of an embedder that counts as 1; assumed
MOST_TRACKS = 500  # grouped against each other; further ones join the group they are nearest to
CANDIDATES = 5  # largest groups that may be the identity, by what joins them
# A face of the next frame: moved by less than this share of its crop, grown by less than this factor, and no cut between
MOST_MOVE, MOST_GROWTH, MOST_CHANGE_LOG = 0.25, 1.35, 0.10
MOST_GAP = 3  # steps of the source's ``every``

Embed = Callable[[np.ndarray], np.ndarray]
Means = tuple[np.ndarray, np.ndarray]  # features (N, D), each the mean of so many crops (N,)
Away = Callable[[Means, Means], np.ndarray]  # distances (N, M), 1 the usual limit of one person
Tracks = list[list[int]]


def tracks_of(crops: Sequence[CropRecord], likes: Sequence[Likeness], size: int) -> Tracks:
    """Crops of one face through the frames of one source, as indices; a cut, a gap or a jump begins a new track."""
    tracks: Tracks = []
    by_source: dict[str, list[int]] = {}
    for index, crop in enumerate(crops):
        by_source.setdefault(crop.source, []).append(index)
    for members in by_source.values():
        frames = sorted({crops[i].frame for i in members})
        step = min((b - a for a, b in pairwise(frames)), default=1)
        open_tracks: Tracks = []
        for index in sorted(members, key=lambda i: (crops[i].frame, crops[i].face)):
            near = [track for track in open_tracks if _follows(crops, likes, track[-1], index, size, step)]
            if near:
                near[-1].append(index)
            else:
                open_tracks.append([index])
        tracks += open_tracks
    return tracks


def _follows(
    crops: Sequence[CropRecord], likes: Sequence[Likeness], before: int, index: int, size: int, step: int
) -> bool:
    """True where crop ``index`` can be the face of crop ``before`` some frames later."""
    a, b = crops[before], crops[index]
    if not 0 < b.frame - a.frame <= MOST_GAP * step:
        return False
    matrices = [np.array(crop.matrix) for crop in (a, b)]
    middles = [moved(np.full(2, size / 2), inverted(matrix)) for matrix in matrices]
    scales = [source_scale(matrix) for matrix in matrices]
    growth = max(scales) / min(scales)
    change = float(np.sqrt(np.mean((likes[before].thumb - likes[index].thumb) ** 2)))
    jump = float(np.hypot(*(middles[1] - middles[0]))) / (size * min(scales))
    return jump < MOST_MOVE and growth < MOST_GROWTH and change < MOST_CHANGE_LOG


@dataclass(frozen=True, eq=False)
class Groups:
    """group (N,) of each crop, 0 the identity's; distance (N,) of the crop's track from the identity, 1 the limit."""

    group: np.ndarray
    distance: np.ndarray


def likeness_away(left: Means, right: Means) -> np.ndarray:
    """How far features of our own lie apart, beside what that many crops of one person may."""
    few = (1 / left[1][:, None] + 1 / right[1][None]) / 2
    unit = np.sqrt(PERSON_UNIT**2 + (CROP_UNIT**2 - PERSON_UNIT**2) * few)
    return np.asarray(distances(left[0], right[0]) / unit)


def embedding_away(left: Means, right: Means) -> np.ndarray:
    """How far those of an embedder do: cosines."""
    unit = [mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9) for mean, _ in (left, right)]
    return np.asarray((1 - unit[0] @ unit[1].T) / EMBEDDING_UNIT)


def group_persons(
    tracks: Tracks, features: np.ndarray, sure: Sequence[int] = (), limit: float = 1.0, away: Away = likeness_away
) -> Groups:  # fmt: skip
    """Sort tracks into persons by average linkage of their mean features (N, D), a row a crop.

    The identity is every group with a crop of ``sure`` (crops that somebody said are the right person), else the group that
    ends up largest when tracks near to it have joined.
    """
    ordered = sorted(tracks, key=lambda track: (-len(track), track[0]))
    first = ordered[:MOST_TRACKS]
    linked = _linked(_between(first, first, features, away), [len(track) for track in first], limit)
    groups = [[first[i] for i in members] for members in linked]
    groups.sort(key=lambda group: -len(_crops(group)))
    groups += [[track] for track in ordered[MOST_TRACKS:]]
    known = [group for group in groups if {*_crops(group)} & {*sure}]
    starts = [list(chain(*known))] if known else groups[:CANDIDATES]
    grown = [_joined(start, ordered, features, away, limit) for start in starts]
    identity, far = max(grown, key=lambda one: len(_crops(one[0])))
    strangers = [[track for track in group if track[0] in far] for group in groups]
    strangers.sort(key=lambda group: -len(_crops(group)))
    group, distance = np.zeros(len(features), np.int64), np.zeros(len(features))
    for number, members in enumerate([identity, *filter(None, strangers)]):
        for track in members:
            group[track], distance[track] = number, far.get(track[0], 0.0)
    return Groups(group, distance)


def _joined(
    start: Tracks, tracks: Tracks, features: np.ndarray, away: Away, limit: float
) -> tuple[Tracks, dict[int, float]]:
    """A group with every track that is near to it as a whole, again and again; and distances of the others by first crop."""
    group, firsts = list(start), {track[0] for track in start}
    others = [track for track in tracks if track[0] not in firsts]
    far: dict[int, float] = {}
    while others:
        values = _between(others, [_crops(group)], features, away)[:, 0]
        far = {track[0]: float(value) for track, value in zip(others, values, strict=True) if value >= limit}
        group += [track for track in others if track[0] not in far]
        if len(far) == len(others):
            break
        others = [track for track in others if track[0] in far]
    return group, far


def _crops(group: Tracks) -> list[int]:
    return [index for track in group for index in track]


def _between(rows: Tracks, columns: Tracks, features: np.ndarray, away: Away) -> np.ndarray:
    """(R, C) distances of tracks, 1 the usual limit of one person."""
    means = [np.stack([features[track].mean(axis=0) for track in side]) for side in (rows, columns)]
    counts = [np.array([len(track) for track in side]) for side in (rows, columns)]
    return away((means[0], counts[0]), (means[1], counts[1]))


def _linked(distances: np.ndarray, weights: Sequence[int], limit: float) -> list[list[int]]:
    """Average linkage: the two nearest groups become one until none are nearer than ``limit``.

    Source: Sokal and Michener 1958; distances of a joined group are means weighted by the groups' sizes.
    """
    away = distances.copy()
    np.fill_diagonal(away, np.inf)
    size = np.array(weights, float)
    members = [[i] for i in range(len(away))]
    while len(away) > 1:
        a, b = sorted(np.unravel_index(np.argmin(away), away.shape))
        if away[a, b] >= limit:
            break
        mean = (size[a] * away[a] + size[b] * away[b]) / (size[a] + size[b])
        away[a], away[:, a] = mean, mean
        away[a, a] = np.inf
        size[a] += size[b]
        members[a] += members.pop(b)
        away, size = np.delete(np.delete(away, b, 0), b, 1), np.delete(size, b)
    return members


def load_embedder(name: str) -> Embed:
    """The function ``module:function`` that turns crops (N, S, S, 3) float32 log into rows (N, D).

    Raises: FacesetError when it can't be had.
    """
    module, _, function = name.partition(":")
    try:
        made: Embed = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise FacesetError(
            f"[cull].embedder '{name}': can't be loaded ({error}); want module:function on the Python path"
        ) from error
    return made
