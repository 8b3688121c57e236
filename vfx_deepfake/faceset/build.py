"""From sources to a faceset: find every face, cut it aligned, measure it, and remember where it comes from."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import FacesetError, VfxError
from vfx_deepfake.face.landmarks import Detection, Detector, auto_display, default_detector
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.face.search import find_anywhere, measure
from vfx_deepfake.face.topology import MEDIAPIPE
from vfx_deepfake.faceset.align import align_matrix, aligned_pose, moved, source_scale, source_window, warp_to_crop
from vfx_deepfake.faceset.data import (
    CROPS_FOLDER,
    RECORD_FILE,
    SCHEMA,
    CropRecord,
    read_record,
    records_of,
    write_crop,
    write_points,
    write_record,
)
from vfx_deepfake.faceset.journal import Cut, Journal, Looked
from vfx_deepfake.faceset.measures import measure as measure_crop
from vfx_deepfake.faceset.read_sources import Picture, Source, find_sources, read_pictures
from vfx_deepfake.faceset.spec import FacesetSpec, SourceSpec
from vfx_deepfake.files import hash_data, hash_file, one_writer, sweep_parts
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.progress import SILENT, Progress

CUT_FORMAT = 1  # of how a crop is cut: another one cuts all again
MAX_SAID = 20  # problems told one by one


@dataclass(frozen=True)
class Built:
    """What a build did. ``problems``: what could not be read, one line each; ``sources``: frames and crops by source name."""

    folder: Path
    num_crops: int
    num_new: int
    sources: dict[str, tuple[int, int]]
    problems: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Bench:
    """What cutting needs besides a picture."""

    folder: Path
    spec: FacesetSpec
    color: Color
    detector: Detector


def build_faceset(
    folder: Path, spec: FacesetSpec, sources: Sequence[SourceSpec], progress: Progress = SILENT,
    detector: Callable[[], Detector] = default_detector,
) -> Built:  # fmt: skip
    """Make or bring up to date the faceset in ``folder``; what was cut before from the same frames is kept.

    A frame that can't be read is told and left out. Culling decisions of people are kept. Memory holds one frame and the
    records, however long the sources.
    Raises: FacesetError where no source or no face is left; ColorError for unknown colour spaces; TrackError without a
    landmarker; BusyError while another process builds it.
    """
    color = Color(_config(folder, spec.config))
    color.require(spec.working, f"{folder.name} working")
    for source in sources:
        color.require(source.colorspace, f"[[source]] {source.path}")
    found, problems = find_sources(folder, sources)
    if not found:
        raise FacesetError("\n".join([*problems, f"{folder}: no source can be read; correct faceset.toml"]))
    with one_writer(folder, "faceset build"):
        sweep_parts(folder)
        journal = Journal(folder)
        keys = [source_key(spec, source, color) for source in found]
        num_new = _look_at_all(Bench(folder, spec, color, _Late(detector)), found, keys, journal, progress)
        journal.keep_only((f"{key} {source.stamp(frame)}", frame) for key, source in zip(keys, found, strict=True)
                          for frame in source.frames)  # fmt: skip
        return _publish(folder, spec, sources, list(zip(keys, found, strict=True)), journal, num_new, problems)


class _Late:
    """The landmarker, loaded with the first picture: a build that has nothing to do does without."""

    topology = MEDIAPIPE
    name = "late"

    def __init__(self, make: Callable[[], Detector]) -> None:
        self._make = make
        self._made: Detector | None = None

    def detect(self, display_rgb: np.ndarray) -> list[Detection]:
        """As the landmarker does."""
        self._made = self._made or self._make()
        return self._made.detect(display_rgb)


def _config(folder: Path, config: str) -> str:
    return config if config.startswith("ocio://") else os.path.normpath(folder.absolute() / config)


def source_key(spec: FacesetSpec, source: Source, color: Color) -> str:
    """Stands for all that the crops of a source depend on, except its files."""
    cache_id = color.cache_id(source.spec.colorspace, spec.working)
    return hash_data([CUT_FORMAT, source.name, spec.size_px, spec.least_face_px, cache_id])


def _look_at_all(
    bench: Bench, found: Sequence[Source], keys: Sequence[str], journal: Journal, progress: Progress
) -> int:
    """Look at every frame that was not looked at yet; returns how many crops were cut."""
    total = sum(len(source.frames) for source in found)
    progress.start("faceset", total, "frames")
    done = num_new = 0
    next_number = 1 + max((cut.record.number for looked in journal.entries.values() for cut in looked.cuts), default=0)
    for key, source in zip(keys, found, strict=True):
        stamps = {frame: f"{key} {source.stamp(frame)}" for frame in source.frames}
        missing = [
            frame for frame in source.frames if not _is_done(bench.folder, journal.entries.get((stamps[frame], frame)))
        ]
        done += len(source.frames) - len(missing)
        progress.advance(done, source.name)
        for frame, picture in read_pictures(source, missing, bench.color, bench.spec.working):
            if isinstance(picture, VfxError):
                looked = Looked(stamps[frame], frame, (), str(picture))
            else:
                looked = Looked(stamps[frame], frame, _cut_all(bench, source, frame, picture, next_number))
            journal.add(looked)
            next_number += len(looked.cuts)
            num_new += len(looked.cuts)
            done += 1
            progress.advance(done, source.name)
    progress.finish()
    return num_new


def _is_done(folder: Path, looked: Looked | None) -> bool:
    return (
        looked is not None and not looked.problem and all((folder / one.record.file).is_file() for one in looked.cuts)
    )


def _cut_all(bench: Bench, source: Source, frame: int, picture: Picture, next_number: int) -> tuple[Cut, ...]:
    """Every face of a frame that is large enough, from the largest."""
    shown = auto_display(picture.pixels_lin), picture.window
    cuts: list[Cut] = []
    for candidate in find_anywhere(bench.detector, shown):
        face = measure(bench.detector, shown, candidate) if candidate.size >= bench.spec.least_face_px else None
        if face is not None:
            cuts.append(_cut(bench, source, frame, picture, face, len(cuts), next_number + len(cuts)))
    return tuple(cuts)


def _cut(bench: Bench, source: Source, frame: int, picture: Picture, face: Detection, index: int, number: int) -> Cut:
    size = bench.spec.size_px
    matrix = align_matrix(face.points, size)
    window = source_window(matrix, size).intersect(picture.window)
    image_log = np.asarray(encode_log(cut(picture.pixels_lin, picture.window, window)), np.float32)
    crop, valid = warp_to_crop(image_log, window, matrix, size)
    file = f"{CROPS_FOLDER}/{number:06d}.exr"
    write_crop(bench.folder / file, crop, valid)
    points = moved(face.points, matrix).astype(np.float32)
    pose = aligned_pose(points)
    measures = measure_crop(crop, points, pose, valid, source_scale(matrix))
    measures |= _reached(points, valid) | _clipped(picture, face.points)
    record = CropRecord(
        file=file, source=source.name, frame=frame, face=index, source_sha256=picture.sha256, sha256=hash_file(bench.folder / file),
        matrix=tuple(map(tuple, matrix.astype(float).tolist())), face_px=round(face.size, 2), score=round(face.score, 4),
        measures={name: round(float(value), 6) for name, value in measures.items()},
        age=source.spec.age or bench.spec.age or None, label=source.spec.label,
    )  # fmt: skip
    return Cut(record, points, pose)


def _reached(points: np.ndarray, valid: np.ndarray) -> dict[str, float]:
    """Share of the face's oval that the source picture reached."""
    oval = region_mask(points, Window.of_image(valid), "oval")
    return {"valid_share": float((oval * valid).sum() / max(float(oval.sum()), 1e-6))}


def _clipped(picture: Picture, points: np.ndarray) -> dict[str, float]:
    """Share of the skin that lies at the source's white."""
    window = Window.around(points).intersect(picture.window)
    if window.empty:
        return {}
    skin = region_mask(points, window, "skin")
    at_white = picture.clipped[window.slices(picture.window)]
    return {"clipped": float((skin * at_white).sum() / max(float(skin.sum()), 1e-6))}


def _publish(
    folder: Path, spec: FacesetSpec, specs: Sequence[SourceSpec], found: Sequence[tuple[str, Source]], journal: Journal,
    num_new: int, problems: Sequence[str],
) -> Built:  # fmt: skip
    """Write points and record; crops of sources that are no longer named go."""
    cuts: list[Cut] = []
    told: dict[str, tuple[int, int]] = {}
    said = list(problems)
    for key, source in found:
        looked = [journal.entries[place] for frame in source.frames
                  if (place := (f"{key} {source.stamp(frame)}", frame)) in journal.entries]  # fmt: skip
        own = [one for each in looked for one in each.cuts]
        told[source.name] = (len(looked), len(own))
        said += _summed([each.problem for each in looked if each.problem], source.name)
        cuts += own
    if not cuts:
        raise FacesetError("\n".join([*said, f"{folder}: no face of {spec.least_face_px:g} px or more was found"]))
    cuts.sort(key=lambda one: one.record.number)
    decided = _with_decisions(folder, cuts)
    write_points(folder, np.stack([one.points for one in cuts]), np.stack([one.pose for one in cuts]))
    write_record(folder, {
        **asdict(spec), "age": spec.age or None, "schema": SCHEMA, "sources": [asdict(one) for one in specs],
        "crops": [asdict(record) for record in decided],
    })  # fmt: skip
    _remove_orphans(folder, {one.record.file for one in cuts})
    return Built(folder, len(cuts), num_new, told, tuple(said))


def _summed(problems: Sequence[str], name: str) -> list[str]:
    if len(set(problems)) == 1 and len(problems) > 1:
        return [f"{problems[0]} ({len(problems)} frames)"]
    more = [f"{name}: {len(problems) - MAX_SAID} further frames can't be read"] if len(problems) > MAX_SAID else []
    return [*problems[:MAX_SAID], *more]


def _with_decisions(folder: Path, cuts: Sequence[Cut]) -> list[CropRecord]:
    """The records of the cuts with what was decided about the same crops before."""
    if not (folder / RECORD_FILE).is_file():
        return [one.record for one in cuts]
    before = {(crop.sha256, crop.file): crop for crop in records_of(read_record(folder), folder)}
    made = []
    for one in cuts:
        old = before.get((one.record.sha256, one.record.file))
        made.append(
            one.record if old is None else replace(one.record, culled=old.culled, by_hand=old.by_hand, group=old.group)
        )
    return made


def _remove_orphans(folder: Path, named: set[str]) -> None:
    for path in (folder / CROPS_FOLDER).glob("*.exr"):
        if f"{CROPS_FOLDER}/{path.name}" not in named:
            path.unlink(missing_ok=True)
