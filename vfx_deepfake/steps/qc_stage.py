"""``qc``: a version measured frame by frame, with a summary, plots and a page; before it is published, or after."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vfx_deepfake.errors import DeliveryError, ShotError, located
from vfx_deepfake.files import (
    hash_data,
    hash_file,
    one_writer,
    read_json,
    sweep_parts,
    write_json,
    write_text,
    written_aside,
)
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.delivery import profile_named
from vfx_deepfake.media.sheet import CELL_LABELS
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.record import code_identity
from vfx_deepfake.qc.page import WorstFrame, qc_page
from vfx_deepfake.qc.plots import grain_plot, measure_plot
from vfx_deepfake.qc.summary import lines, summarise, worst_frames
from vfx_deepfake.qc.verdict import FAIL, LOOK, MEASURES, verdict
from vfx_deepfake.settings import QcSpec
from vfx_deepfake.steps.consent import require_on_a_farm
from vfx_deepfake.steps.opened import OpenShot, unlocked
from vfx_deepfake.steps.qc_frame import landmarker, measure_frame
from vfx_deepfake.steps.qc_read import QcReader
from vfx_deepfake.steps.render_stage import chosen_frames, plan_render, published_version
from vfx_deepfake.steps.review_pictures import face_column

SUMMARY, PAGE, FRAMES, PLOTS = "qc.json", "index.html", "frames", "plots"
NOTES = (
    "Every figure compares the delivered frame with its own plate, so that what the plate has by itself counts for nothing.",
    "Grain level, coarseness and freezing are measured on the delivered frame less the version's own clean layers; 'New in every frame' "
    "needs no layers, but takes texture that could not be followed for grain, and is judged more loosely.",
    "A painted change is meant to change the face: sharpness, features and gaze can be right and still be off the plate. Look, then raise "
    "the limit in [qc] of the shot file if the change is wanted.",
    "Limits stand in the shot file under [qc] as [look, fail]. A pass means that nothing measured here is wrong; it does not mean that "
    "the shot is good.",
)


@dataclass(frozen=True)
class Subject:
    """What is measured: a version's files, where the figures go, and the frames."""

    paths: VersionPaths
    out: Path
    frames: tuple[int, ...]

    def record(self, frame: int) -> Path:
        """The figures of one frame."""
        return self.out / FRAMES / f"{frame}.json"


def qc_stage(
    opened: OpenShot, progress: Progress, *, frames: str = "", version: str = "", locked: bool = False
) -> dict[str, Any]:
    """Measure a version: the one under way, or a published one (``version`` such as v003), whose figures go into the work folder
    because a published version never changes.

    ``frames`` (empty: all) are measured, unless they were measured already on the same files; when every frame of the shot is, summary,
    plots and page are made. Hosts may measure different frames of one version at the same time.
    Raises: DeliveryError for frames that are not rendered; PlateError for files that can't be read.
    """
    shared = one_writer(opened.shot.paths.work, f"vfx-deepfake qc of {opened.name}", shared=True)
    lock: AbstractContextManager[None] = unlocked() if locked else shared
    with lock, located(opened.name):
        require_on_a_farm(opened.shot, "render")
        subject = _subject(opened, version)
        wanted = chosen_frames(opened, frames)
        _require_files(subject, wanted)
        _measure(opened, subject, wanted, progress)
        opened.hashes.save()
        missing = [frame for frame in subject.frames if not subject.record(frame).is_file()]
        if missing:
            return {"measured": format_frames(wanted), "qc": f"{format_frames(missing)} are not measured yet"}
        summary = finish(opened, subject)
    return {
        "qc": summary["verdict"],
        "qc_page": str(subject.out / PAGE),
        "lines": lines(summary),
    }


def _subject(opened: OpenShot, version: str) -> Subject:
    """The version that is meant.

    Raises: ShotError for one that does not exist.
    """
    paths = opened.shot.paths
    if version:
        number = int(version.removeprefix("v")) if version.removeprefix("v").isdigit() else -1
        if number not in paths.version_numbers():
            there = ", ".join(f"v{each:03d}" for each in paths.version_numbers()) or "none"
            raise ShotError(f"--version {version}: no such version; there are: {there}")
        published: VersionPaths | None = paths.version(number)
    else:
        published = published_version(opened)
    if published is None:
        plan = plan_render(opened)
        return Subject(plan.paths, plan.paths.qc, opened.frames)
    record = read_json(published.record)
    return Subject(
        published, paths.published_qc(published.number), tuple(sorted(int(frame) for frame in record["frames"]))
    )


def _require_files(subject: Subject, wanted: Sequence[int]) -> None:
    missing = [frame for frame in wanted if not subject.paths.exr_frame(frame).is_file()]
    if missing:
        raise DeliveryError(f"{format_frames(missing)} are not rendered; run 'vfx-deepfake render' for them first")


def _measure(opened: OpenShot, subject: Subject, wanted: Sequence[int], progress: Progress) -> None:
    """The records of the wanted frames; those that are up to date are kept."""
    hashes = cache(hash_file)
    todo = {}
    progress.start("qc", len(wanted), "frames")
    for frame in wanted:
        identity = hash_data(_inputs(opened, subject, frame, hashes))
        if _recorded(subject.record(frame)) != identity:
            todo[frame] = identity
    reader, detector = QcReader(opened, subject.paths), landmarker() if todo else None
    sweep_parts(subject.out) if subject.out.is_dir() else None
    for done, (frame, identity) in enumerate(todo.items(), len(wanted) - len(todo) + 1):
        near = [other for other in _near(subject, frame) if subject.paths.exr_frame(other).is_file()]
        before = [reader.load(other, measured=False) for other in near if other < frame]
        own = reader.load(frame, measured=True)
        after = [reader.load(other, measured=False) for other in near if other > frame]
        record = measure_frame(own, [*before, *after], detector)
        write_json(subject.record(frame), {**asdict(record), "made_from": identity})
        progress.advance(done, f"frame {frame}")
    progress.finish()


def _near(subject: Subject, frame: int) -> list[int]:
    return [other for other in (frame - 1, frame + 1) if other in subject.frames]


def _inputs(opened: OpenShot, subject: Subject, frame: int, hashes: Any) -> dict[str, Any]:
    """Everything that decides a frame's figures."""
    spec = opened.settings.delivery
    files = [subject.paths.exr_frame(each) for each in (frame, *_near(subject, frame))]
    if profile_named(spec.profile).bits:
        files.append(subject.paths.dpx_frame(frame))
    return {
        "code": code_identity(),
        "reading": opened.plate_reading(),
        "delivery": [
            spec.profile,
            opened.color.cache_id(opened.plate.colorspace, spec.colorspace) if spec.profile != "exr" else "",
        ],
        "plate": [opened.hashes.of(opened.plate.path(each)) for each in (frame, *_near(subject, frame))],
        "version": [hashes(path) if path.is_file() else "" for path in files],
    }


def _recorded(path: Path) -> str:
    return str(read_json(path).get("made_from", "")) if path.is_file() else ""


def finish(opened: OpenShot, subject: Subject) -> dict[str, Any]:
    """Summary, plots and page from the records of all frames; returns the summary."""
    spec = opened.settings.qc
    records = [read_json(subject.record(frame)) for frame in subject.frames]
    summary = {"version": f"v{subject.paths.number:03d}", "settings": asdict(spec), **summarise(records, spec.limits)}
    plots = _plots(records, summary, spec)
    for name, data in plots.items():
        with written_aside(subject.out / PLOTS / f"{name}.png") as part:
            part.write_bytes(data)
    worst = [
        _worst_frame(opened, subject, record, spec) for record in worst_frames(records, spec.limits, spec.worst_frames)
    ]
    titles = {
        name: f"{MEASURES[name].title} over the frames" if name in MEASURES else "grain level against light"
        for name in plots
    }
    title = f"QC of {opened.name} v{subject.paths.number:03d}"
    page = qc_page(title, summary, worst, [(titles[name], data) for name, data in plots.items()], NOTES)
    write_text(subject.out / PAGE, page)
    write_json(subject.out / SUMMARY, summary)
    return summary


def _plots(records: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], spec: QcSpec) -> dict[str, bytes]:
    """PNG of every measure that has a value somewhere, by name, and of the grain."""
    frames = [record["frame"] for record in records]
    plots = {}
    for name in MEASURES:
        values = [record["values"].get(name) for record in records]
        if any(value is not None for value in values):
            plots[name] = measure_plot(MEASURES[name], frames, values, spec.limits(name))
    if summary["grain"]:
        plots["grain"] = grain_plot(summary["grain"])
    return plots


def _worst_frame(opened: OpenShot, subject: Subject, record: Mapping[str, Any], spec: QcSpec) -> WorstFrame:
    """A frame to look at: what is wrong with it, in words, and its face as the contact sheet shows it."""
    words = []
    for name, value in record["values"].items():
        found = verdict(value, spec.limits(name))
        if found in (FAIL, LOOK):
            measure, note = MEASURES[name], record["notes"].get(name, "")
            text = f"{measure.title}: {value:.{measure.digits}f} {measure.unit}{f' ({note})' if note else ''}; {measure.wrong}"
            words.append((found, f"{text}. What to do: {measure.advice}."))
    words.sort(key=lambda each: each[0] != FAIL)
    column = face_column(opened, subject.paths, record["frame"])
    pictures = tuple((label, _png(cell)) for label, cell in zip(CELL_LABELS, column.cells, strict=True))
    return WorstFrame(record["frame"], tuple(words) or (("pass", "nothing stands out in this frame"),), pictures)


def _png(picture: np.ndarray) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(sink, "PNG")
    return sink.getvalue()
