"""Which crops are not used, and why. Nothing is deleted: a reason is written beside the crop, and a person may overrule it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.data import CropRecord, Faceset, load_faceset, write_record
from vfx_deepfake.faceset.likeness import Likeness, likeness, matrix
from vfx_deepfake.faceset.persons import (
    Groups,
    embedding_away,
    group_persons,
    likeness_away,
    load_embedder,
    tracks_of,
)
from vfx_deepfake.faceset.spec import CullSpec
from vfx_deepfake.files import one_writer, written_aside
from vfx_deepfake.progress import SILENT, Progress

LIKENESS_FILE = "likeness.npz"
LIKENESS_FORMAT = 2
BEST_PERCENTILE = 90  # of sharpness: what the faceset's own sharp crops have
# Two crops are one where pose, points and picture all differ by less than this; measured, docs/facesets.md
SAME_POSE_DEGREES, SAME_POINTS_SHARE, SAME_PICTURE_LOG = 2.0, 0.006, 0.015
EMBED_AT_ONCE = 64
OWN = "dropped by hand"


@dataclass(frozen=True)
class Culled:
    """What culling decided: crops in all, in use, and how many each reason took; how many groups of persons there are."""

    num_crops: int
    num_used: int
    reasons: dict[str, int]
    num_persons: int


def cull_faceset(folder: Path, spec: CullSpec, progress: Progress = SILENT) -> Culled:
    """Judge every crop anew, except those that a person kept or dropped, and write the reasons into the record.

    Raises: FacesetError for a faceset or embedder that can't be used; BusyError.
    """
    with one_writer(folder, "faceset cull"):
        faceset = load_faceset(folder, culled=True)
        likes = read_likenesses(faceset, progress)
        reasons, groups = judge(faceset, likes, spec)
        crops = []
        for index, crop in enumerate(faceset.crops):
            why = crop.culled if crop.by_hand else reasons[index]
            crops.append(replace(crop, culled=why, group=int(groups.group[index]) if groups else -1))
        write_record(folder, {**faceset.record, "cull": asdict(spec), "crops": [asdict(crop) for crop in crops]})
    counted = Counter(kind_of(crop.culled) for crop in crops if crop.culled)
    used = sum(not crop.culled for crop in crops)
    return Culled(len(crops), used, dict(counted.most_common()), int(groups.group.max()) + 1 if groups else 0)


def kind_of(reason: str) -> str:
    """A reason without its figures, for counting: ``soft``, ``too dark``, ``double``."""
    return reason.split(" (", 1)[0]


def judge(faceset: Faceset, likes: Sequence[Likeness], spec: CullSpec) -> tuple[list[str], Groups | None]:
    """A reason for each crop, empty where it is fit; and the groups of persons, None where they were not asked for.

    In this order: what is unfit by itself, another person, doubles of a sharper crop.
    """
    best = float(np.percentile([_sharpness(crop) for crop in faceset.crops], BEST_PERCENTILE))
    firm = float(np.percentile([crop.measures.get("weakest", 0.0) for crop in faceset.crops], BEST_PERCENTILE))
    reasons = [_unfit(crop, spec, best, firm) for crop in faceset.crops]
    groups = None
    if spec.wrong_person:
        reliable = [i for i, crop in enumerate(faceset.crops) if crop.score >= spec.score]
        groups = _persons(faceset, likes, spec, reliable)
        for i in reliable:
            if groups.group[i] and not reasons[i]:
                reasons[i] = f"another person (group {groups.group[i]}, {groups.distance[i]:.2f})"
    if spec.duplicates > 0:
        for i, other in _doubles(faceset, likes, spec, reasons).items():
            reasons[i] = f"double (of crop {faceset.crops[other].number})"
    return reasons, groups


def _sharpness(crop: CropRecord) -> float:
    return crop.measures.get("sharpness", 0.0)


def _unfit(crop: CropRecord, spec: CullSpec, best_px: float, firm: float) -> str:
    """Why a crop is unfit by itself, beside the faceset's best sharpness and least smeared detail."""
    measures = crop.measures
    reached = measures.get("valid_share", 1.0)
    weakest = measures["weakest"] / max(firm, 1e-6) if "weakest" in measures else 1.0
    least_px = spec.sharpness_px or spec.sharpness_share * best_px
    stops, clipped = measures.get("exposure", 0.0), measures.get("clipped", 0.0)
    tests: list[tuple[bool, str]] = [
        (crop.score < spec.score, f"landmarks unsure ({crop.score:.2f})"),
        (reached < spec.valid_share, f"cut off (only {reached:.0%} of the face is in the picture)"),
        (measures.get("face_px", spec.face_px) < spec.face_px, f"small (head {measures.get('face_px', 0.0):.0f} px wide)"),
        (_sharpness(crop) < least_px, f"soft ({_sharpness(crop):.0f} px; {least_px:.0f} are wanted)"),
        (weakest < spec.smeared, f"smeared ({weakest:.0%} of the usual detail in one direction)"),
        (stops < spec.darkest_stops, f"too dark ({stops:+.1f} stops)"),
        (stops > spec.brightest_stops, f"too bright ({stops:+.1f} stops)"),
        (0 < spec.clipped < clipped, f"clipped ({clipped:.0%} of the skin at white)"),
        (0 < spec.yaw_degrees < abs(measures.get("yaw", 0.0)), f"turned (yaw {measures.get('yaw', 0.0):.0f})"),
        (0 < spec.pitch_degrees < abs(measures.get("pitch", 0.0)), f"turned (pitch {measures.get('pitch', 0.0):.0f})"),
    ]  # fmt: skip
    return next((words for wrong, words in tests if wrong), "")


def _persons(faceset: Faceset, likes: Sequence[Likeness], spec: CullSpec, reliable: Sequence[int]) -> Groups:
    """Groups of all crops; those whose landmarks are unsure are in none (-1)."""
    if not reliable:
        raise FacesetError(f"{faceset.folder}: no crop has landmarks to be relied on; lower [cull].score")
    crops, chosen = [faceset.crops[i] for i in reliable], [likes[i] for i in reliable]
    sure = [k for k, crop in enumerate(crops) if crop.by_hand and not crop.culled]
    if spec.embedder:
        features, away = _embedded(faceset, reliable, spec.embedder), embedding_away
    else:
        features, away = np.stack([like.features for like in chosen]), likeness_away
    found = group_persons(tracks_of(crops, chosen, faceset.size), features, sure, spec.person_distance, away)
    group, distance = np.full(len(likes), -1, np.int64), np.zeros(len(likes))
    group[list(reliable)], distance[list(reliable)] = found.group, found.distance
    return Groups(group, distance)


def _embedded(faceset: Faceset, indices: Sequence[int], name: str) -> np.ndarray:
    embed = load_embedder(name)
    rows = []
    for first in range(0, len(indices), EMBED_AT_ONCE):
        batch = np.stack([faceset.image_log(i) for i in indices[first : first + EMBED_AT_ONCE]])
        try:
            row = np.asarray(embed(batch), np.float64)
        except Exception as error:  # the studio's own code: whatever it raises is its own fault
            raise FacesetError(f"[cull].embedder '{name}': failed on {len(batch)} crops ({error}); mend it") from error
        if row.ndim != 2 or len(row) != len(batch) or not np.isfinite(row).all():
            raise FacesetError(
                f"[cull].embedder '{name}': gave {row.shape} for {len(batch)} crops; want finite rows (N, D)"
            )
        rows.append(row)
    return np.concatenate(rows)


def _doubles(faceset: Faceset, likes: Sequence[Likeness], spec: CullSpec, reasons: Sequence[str]) -> dict[int, int]:
    """Crops that show what a sharper one shows already, and which that is; those kept by hand come first."""
    crops = faceset.crops
    alive = [i for i in range(len(crops)) if (not crops[i].culled if crops[i].by_hand else not reasons[i])]
    ordered = sorted(alive, key=lambda i: (not crops[i].by_hand, -_sharpness(crops[i]), crops[i].number))
    thumbs = np.stack([like.thumb.ravel() for like in likes])
    kept: list[int] = []
    doubles: dict[int, int] = {}
    for i in ordered:
        if kept and not crops[i].by_hand:
            turned = np.abs(faceset.pose[kept] - faceset.pose[i]).max(axis=1) / SAME_POSE_DEGREES
            near = np.array(kept)[turned < spec.duplicates]
            points = np.sqrt(((faceset.points[near] - faceset.points[i]) ** 2).sum(axis=-1).mean(axis=-1))
            picture = np.sqrt(((thumbs[near] - thumbs[i]) ** 2).mean(axis=-1))
            apart = np.maximum(points / (SAME_POINTS_SHARE * faceset.size), picture / SAME_PICTURE_LOG)
            if len(near) and apart.min() < spec.duplicates:
                doubles[i] = int(near[np.argmin(apart)])
                continue
        kept.append(i)
    return doubles


def read_likenesses(faceset: Faceset, progress: Progress = SILENT) -> list[Likeness]:
    """Of every crop; what was worked out before is kept beside the faceset."""
    path = faceset.folder / LIKENESS_FILE
    known = _stored_likenesses(path)
    progress.start("likeness", len(faceset), "crops")
    likes = []
    for index, crop in enumerate(faceset.crops):
        like = known.get(crop.sha256)
        likes.append(like or likeness(faceset.image_log(index), faceset.points[index], faceset.valid(index)))
        progress.advance(index + 1)
    progress.finish()
    if any(crop.sha256 not in known for crop in faceset.crops):
        with written_aside(path) as part, part.open("wb") as handle:
            np.savez(
                handle, format=np.array(_format()), sha256=np.array([crop.sha256 for crop in faceset.crops]),
                features=np.stack([like.features for like in likes]), thumb=np.stack([like.thumb for like in likes]),
            )  # fmt: skip
    return likes


def _format() -> str:
    """Which features a file holds: those of another version are worked out again."""
    return f"{LIKENESS_FORMAT} {matrix().stamp}"


def _stored_likenesses(path: Path) -> Mapping[str, Likeness]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if str(arrays["format"]) != _format():
                return {}
            columns = [arrays[name] for name in ("features", "thumb")]
            return {str(name): Likeness(*row) for name, *row in zip(arrays["sha256"], *columns, strict=True)}
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
        return {}  # only a cache: made again


def decide(folder: Path, numbers: Iterable[int], *, keep: bool | None, note: str = "") -> int:
    """Keep or drop crops by hand; ``keep`` None leaves them to culling again. Returns how many were changed.

    Raises: FacesetError for numbers that the faceset does not have; BusyError.
    """
    wanted = set(numbers)
    with one_writer(folder, "faceset keep/drop"):
        faceset = load_faceset(folder, culled=True)
        unknown = sorted(wanted - {crop.number for crop in faceset.crops})
        if unknown:
            shown = ", ".join(map(str, unknown[:10]))
            raise FacesetError(f"{folder}: has no crop {shown}; the numbers are those on its sheets")
        why = "" if keep else f"{OWN} ({note})" if note else OWN
        crops = []
        for crop in faceset.crops:
            if crop.number in wanted:
                crop = replace(crop, culled=crop.culled if keep is None else why, by_hand=keep is not None)
            crops.append(crop)
        write_record(folder, {**faceset.record, "crops": [asdict(crop) for crop in crops]})
    return len(wanted)
