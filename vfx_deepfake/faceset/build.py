"""From sources to a faceset: look at every frame once, and keep a record that can be trusted after a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import FacesetError, VfxError
from vfx_deepfake.face.landmarks import Detection, Detector, default_detector
from vfx_deepfake.face.topology import MEDIAPIPE
from vfx_deepfake.faceset.cut_faces import Bench, cut_all
from vfx_deepfake.faceset.data import (
    CROPS_FOLDER,
    RECORD_FILE,
    SCHEMA,
    CropRecord,
    read_record,
    records_of,
    write_points,
    write_record,
)
from vfx_deepfake.faceset.journal import Journal, Looked, Place
from vfx_deepfake.faceset.read_sources import Picture, Source, find_sources, read_pictures
from vfx_deepfake.faceset.spec import FacesetSpec, SourceSpec
from vfx_deepfake.files import hash_data, one_writer, sweep_parts
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


def build_faceset(
    folder: Path, spec: FacesetSpec, sources: Sequence[SourceSpec], progress: Progress = SILENT,
    detector: Callable[[], Detector] = default_detector,
) -> Built:  # fmt: skip
    """Make or bring up to date the faceset in ``folder``; what was cut before from the same frames is kept.

    A frame that can't be read is told and left out; of a source that is not there at present the earlier crops stay.
    Culling decisions stay. Memory holds one frame and the records, however long the sources.
    Raises: FacesetError where no source or no face is left; ColorError for unknown colour spaces; TrackError without a
    landmarker; BusyError while another process builds it.
    """
    color = _color(folder, spec, sources)
    found, absent = find_sources(folder, sources)
    with one_writer(folder, "faceset build"):
        sweep_parts(folder)
        journal = Journal(folder)
        settings = _settings(spec, sources, color)
        if not found and not journal.entries:
            raise FacesetError("\n".join([*absent.values(), f"{folder}: no source can be read; correct faceset.toml"]))
        num_new = _look_at_all(Bench(folder, spec, color, _Late(detector)), found, settings, journal, progress)
        wanted = _places(found, settings, absent, journal)
        journal.keep_only(wanted)
        return _publish(folder, spec, sources, journal, num_new, _told(absent, journal))


def is_up_to_date(folder: Path, spec: FacesetSpec, sources: Sequence[SourceSpec]) -> bool:
    """True where a build would do nothing: every frame that is there was looked at, and the record is of these settings.

    Raises: ColorError for unknown colour spaces.
    """
    if not (folder / RECORD_FILE).is_file():
        return False
    record = read_record(folder)
    if any(record.get(name) != value for name, value in _resolved(spec, sources).items() if name != "cull"):
        return False
    settings = _settings(spec, sources, _color(folder, spec, sources))
    entries = Journal(folder).entries
    found, _ = find_sources(folder, sources)
    return all(_is_done(folder, entries.get(_place(settings, source, frame)), source)
               for source in found for frame in source.frames)  # fmt: skip


def _color(folder: Path, spec: FacesetSpec, sources: Sequence[SourceSpec]) -> Color:
    uri = spec.config if spec.config.startswith("ocio://") else os.path.normpath(folder.absolute() / spec.config)
    color = Color(uri)
    color.require(spec.working, "faceset.toml working")
    for source in sources:
        color.require(source.colorspace, f"faceset.toml [[source]] {source.path} colorspace")
    return color


def _resolved(spec: FacesetSpec, sources: Sequence[SourceSpec]) -> dict[str, Any]:
    """faceset.toml with every default, as the record has it."""
    return {**asdict(spec), "age": spec.age or None, "schema": SCHEMA, "sources": [asdict(one) for one in sources]}


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


def _settings(spec: FacesetSpec, sources: Sequence[SourceSpec], color: Color) -> dict[SourceSpec, str]:
    """What the crops of each source depend on besides its files."""
    common = [CUT_FORMAT, spec.size_px, spec.least_face_px]
    return {each: hash_data([*common, each.path, color.cache_id(each.colorspace, spec.working)]) for each in sources}


def _place(settings: Mapping[SourceSpec, str], source: Source, frame: int) -> Place:
    return settings[source.spec], source.name, frame


def _places(
    found: Sequence[Source], settings: Mapping[SourceSpec, str], absent: Iterable[str], journal: Journal
) -> list[Place]:
    """The frames that make the faceset; those of absent sources as they were."""
    kept = {value for spec, value in settings.items() if spec.path in set(absent)}
    there = [_place(settings, source, frame) for source in found for frame in source.frames]
    return list(dict.fromkeys([*there, *(place for place in journal.entries if place[0] in kept)]))


def _look_at_all(
    bench: Bench, found: Sequence[Source], settings: Mapping[SourceSpec, str], journal: Journal, progress: Progress
) -> int:
    """Look at every frame that was not looked at yet; returns how many crops were cut."""
    progress.start("faceset", sum(len(source.frames) for source in found), "frames")
    done = num_new = 0
    next_number = 1 + max((cut.record.number for looked in journal.entries.values() for cut in looked.cuts), default=0)
    for source in found:
        entries = {frame: journal.entries.get(_place(settings, source, frame)) for frame in source.frames}
        missing = [frame for frame, entry in entries.items() if not _is_done(bench.folder, entry, source)]
        done += len(source.frames) - len(missing)
        progress.advance(done, source.name)
        for frame, picture in read_pictures(source, missing, bench.color, bench.spec.working):
            cuts = cut_all(bench, source, frame, picture, next_number) if isinstance(picture, Picture) else ()
            problem = str(picture) if isinstance(picture, VfxError) else ""
            place = settings[source.spec], source.spec.path, source.name
            journal.add(Looked(*place, frame, source.stamp(frame), cuts, problem))
            next_number += len(cuts)
            num_new += len(cuts)
            done += 1
            progress.advance(done, source.name)
    progress.finish()
    return num_new


def _is_done(folder: Path, looked: Looked | None, source: Source) -> bool:
    """True where a frame was looked at and neither its file nor its crops have changed; a damaged file stays damaged."""
    if looked is None or looked.stamp != source.stamp(looked.frame):
        return False
    return all((folder / one.record.file).is_file() for one in looked.cuts)


def _told(absent: Mapping[str, str], journal: Journal) -> list[str]:
    """One line for each thing that could not be read."""
    said = []
    for path, why in absent.items():
        kept = sum(len(looked.cuts) for looked in journal.entries.values() if looked.origin == path)
        said.append(f"{why}; the {kept} crops cut from it earlier stay" if kept else why)
    by_source: dict[str, list[str]] = {}
    for looked in journal.entries.values():
        if looked.problem:
            by_source.setdefault(looked.source, []).append(looked.problem)
    for name, problems in by_source.items():
        if len(set(problems)) == 1 and len(problems) > 1:
            said.append(f"{problems[0]} ({len(problems)} frames)")
        else:
            said += problems[:MAX_SAID]
            said += [f"{name}: {len(problems) - MAX_SAID} further frames can't be read"] * (len(problems) > MAX_SAID)
    return said


def _publish(
    folder: Path, spec: FacesetSpec, sources: Sequence[SourceSpec], journal: Journal, num_new: int, problems: Sequence[str]
) -> Built:  # fmt: skip
    """Write points and record, in the order of the crops' numbers; crops that they do not name go."""
    cuts = sorted(
        (one for looked in journal.entries.values() for one in looked.cuts), key=lambda one: one.record.number
    )
    if not cuts:
        raise FacesetError("\n".join([*problems, f"{folder}: no face of {spec.least_face_px:g} px or more was found"]))
    told: dict[str, tuple[int, int]] = {}
    for looked in journal.entries.values():
        frames, crops = told.get(looked.source, (0, 0))
        told[looked.source] = frames + 1, crops + len(looked.cuts)
    labels = {looked.source: _label(spec, sources, looked.origin) for looked in journal.entries.values()}
    records = [replace(one.record, **labels[one.record.source]) for one in cuts]
    write_points(folder, np.stack([one.points for one in cuts]), np.stack([one.pose for one in cuts]))
    crops_data = [asdict(record) for record in _with_decisions(folder, records)]
    write_record(
        folder, {**_resolved(spec, sources), "cull": {}, "crops": crops_data}
    )  # not judged by these settings yet
    _remove_orphans(folder, {record.file for record in records})
    return Built(folder, len(cuts), num_new, told, tuple(problems))


def _label(spec: FacesetSpec, sources: Sequence[SourceSpec], origin: str) -> dict[str, Any]:
    """Label and age as faceset.toml says them now."""
    source = next(each for each in sources if each.path == origin)
    return {"label": source.label, "age": source.age or spec.age or None}


def _with_decisions(folder: Path, records: Sequence[CropRecord]) -> list[CropRecord]:
    """The records with what was decided about the same crops before."""
    if not (folder / RECORD_FILE).is_file():
        return list(records)
    before = {(crop.sha256, crop.file): crop for crop in records_of(read_record(folder), folder)}
    made = []
    for one in records:
        old = before.get((one.sha256, one.file), one)
        made.append(replace(one, culled=old.culled, by_hand=old.by_hand, group=old.group))
    return made


def _remove_orphans(folder: Path, named: set[str]) -> None:
    for path in (folder / CROPS_FOLDER).glob("*.exr"):
        if f"{CROPS_FOLDER}/{path.name}" not in named:
            path.unlink(missing_ok=True)
