"""``reproduce``: a version's frames made again from its record, and compared with those that were published.

Settings come from the record and not from the shot file. The plate, the track and the trained network are taken as they lie there, once
their hashes are found to be the recorded ones; ``from_plate`` makes track and network again as well.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import ArtistError, DeliveryError, located
from vfx_deepfake.files import hash_file, one_writer
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.content import content_digest, native_pixels, specs_of
from vfx_deepfake.media.header import opened as opened_picture
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.lineage import read_record
from vfx_deepfake.settings import Settings
from vfx_deepfake.shot import Shot, load_shot
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.pipeline import stages
from vfx_deepfake.steps.render_stage import (
    RenderPlan,
    chosen_frames,
    render_inputs,
    render_planned,
    require_render_release,
)
from vfx_deepfake.tables import build

SAME_BITS, SAME_PICTURE, OTHER = "same bits", "same picture", "differs"
_UPSTREAM = ("track", "faceset", "mattes", "train")  # stages before render


@dataclass(frozen=True, slots=True)
class Compared:
    """One file of a frame: how it compares, and by how much its values differ at most (scene-linear or codes)."""

    frame: int
    name: str
    verdict: str
    largest: float


def reproduce(
    file: str, version: str, progress: Progress, *, frames: str = "", from_plate: bool = False, keep: bool = False
) -> dict[str, Any]:
    """Make a version's frames again and compare each with the published one.

    ``frames``: a part of them. ``keep`` leaves the new frames in the work folder. Bit-identical on the same machine with the same
    installation; elsewhere the largest difference is told, and what is not the same as then (code, libraries, inputs).
    Raises: ArtistError when the version or its record is missing or damaged; what rendering raises.
    """
    shot = load_shot(file)
    paths = _paths_of(shot, version)
    record = read_record(paths.record)
    with located(f"{shot.name} {version}"):
        settings = build(Settings, record["settings"], "version.json [settings]")
    work = shot.paths.work / "reproduce" / version
    with (
        one_writer(shot.paths.work, f"vfx-deepfake reproduce of {shot.name}"),
        located(f"{shot.name} {version}"),
        _scratch(work, keep=keep),
    ):
        opened = OpenShot(_elsewhere(shot, settings, work) if from_plate else replace(shot, settings=settings))
        if from_plate:
            _make_upstream(opened, progress)
        require_render_release(opened)
        changed = differences(record["inputs"], json.loads(json.dumps(render_inputs(opened))))  # as the record has them
        plan = RenderPlan(
            record["inputs"], record["inputs_hash"], opened.shot.paths.version(paths.number, work / "version")
        )
        wanted = chosen_frames(opened, frames)
        render_planned(opened, plan, wanted, progress)
        compared = list(_compare(record, paths, plan.paths, wanted, progress))
    return _result(compared, changed, wanted, work if keep else None)


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What went into a version that is not the same any more, by name, areas with their entries."""
    found = []
    for name in sorted({*then, *now}):
        before, after = then.get(name), now.get(name)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += [f"{name}.{key}" for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
        else:
            found.append(name)
    return found


def _paths_of(shot: Shot, version: str) -> VersionPaths:
    digits = version.removeprefix("v")
    known = shot.paths.version_numbers()
    if not (digits.isascii() and digits.isdigit()) or int(digits) not in known:
        on_disk = ", ".join(f"v{number:03d}" for number in known) or "none"
        raise ArtistError(f"{shot.name}: no version '{version}'; published: {on_disk}")
    return shot.paths.version(int(digits))


def _elsewhere(shot: Shot, settings: Settings, work: Path) -> Shot:
    """The shot with everything that can be made again in a folder of its own."""
    naming = replace(
        shot.paths.naming, track=str(work / "track"), track_raw=str(work / "track/detections"), runs=str(work / "runs/run_{run:04d}"),
        versions=str(work / "versions/v{version:03d}"), work=str(work / "work"),
    )  # fmt: skip
    return Shot(shot.file, settings, replace(shot.paths, naming=naming))


def _make_upstream(opened: OpenShot, progress: Progress) -> None:
    for stage in stages(opened):
        if stage.name in _UPSTREAM and not stage.is_fresh(opened):
            stage.work(opened, progress)
            opened.hashes.save()


@contextmanager
def _scratch(folder: Path, *, keep: bool) -> Iterator[None]:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _compare(record: Mapping[str, Any], published: VersionPaths, made: VersionPaths, frames: Sequence[int],
             progress: Progress) -> Iterator[Compared]:  # fmt: skip
    progress.start("compare", len(frames), "frames")
    for done, frame in enumerate(frames, 1):
        for name, digest in record["frames"][str(frame)].items():
            yield _compared(frame, name, digest, published.folder / name, made.folder / name)
        progress.advance(done)
    progress.finish()


def _compared(frame: int, name: str, digest: str, published: Path, made: Path) -> Compared:
    if not made.is_file():
        raise DeliveryError(
            f"frame {frame}: {name} is not made by this release; reproduce it with the one that the record names"
        )
    if hash_file(made) == digest:
        return Compared(frame, name, SAME_BITS, 0.0)
    if not published.is_file() or hash_file(published) != digest:
        raise DeliveryError(f"{published}: is not the frame that was published, and the one made again is another too; "
                            "restore it from a backup to compare")  # fmt: skip
    if content_digest(published) == content_digest(made):
        return Compared(frame, name, SAME_PICTURE, 0.0)
    return Compared(frame, name, OTHER, largest_difference(published, made))


def largest_difference(one: Path, other: Path) -> float:
    """The largest difference of any value of any part; infinity where sizes differ or a value is NaN in one alone."""
    with opened_picture(one) as first, opened_picture(other) as second:
        specs = list(specs_of(first)), list(specs_of(second))
        if len(specs[0]) != len(specs[1]):
            return float("inf")
        largest = 0.0
        for (index, spec), (_, other_spec) in zip(*specs, strict=True):
            a = native_pixels(first, index, spec, one).astype(np.float64)
            b = native_pixels(second, index, other_spec, other).astype(np.float64)
            if a.shape != b.shape or (np.isnan(a) != np.isnan(b)).any():
                return float("inf")
            same = (a == b) | np.isnan(a)
            largest = max(largest, float(np.abs(a - b, where=~same, out=np.zeros_like(a)).max(initial=0.0)))
    return largest


def _result(
    compared: Sequence[Compared], changed: Sequence[str], frames: Sequence[int], kept: Path | None
) -> dict[str, Any]:
    verdicts = [each.verdict for each in compared]
    same = all(verdict == SAME_BITS for verdict in verdicts)
    lines = [f"not the same as then: {name}" for name in changed]
    for verdict in (SAME_PICTURE, OTHER):
        of = [each for each in compared if each.verdict == verdict]
        if of:
            worst = max(of, key=lambda each: each.largest)
            more = f", by {worst.largest:.3g} at most (frame {worst.frame}, {worst.name})" if verdict == OTHER else ""
            lines.append(
                f"{verdict}: {len(of)} files of frames {format_frames(sorted({each.frame for each in of}))}{more}"
            )
    found: dict[str, Any] = {"reproduced": format_frames(frames), "files": len(compared), "bit_identical": same,
                             "largest_difference": max((each.largest for each in compared), default=0.0), "lines": lines}  # fmt: skip
    if kept:
        found["kept"] = str(kept)
    return found
