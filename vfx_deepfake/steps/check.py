"""``check``: every problem of a shot at once, before anything costs time, and what the shot will cost."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import ArtistError, ShotError
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.delivery import depth_warning
from vfx_deepfake.media.header import Header, read_header
from vfx_deepfake.media.movie import movie_problem
from vfx_deepfake.media.sequence import scan
from vfx_deepfake.model.identity.tiles import lesson_side
from vfx_deepfake.steps.check_identity import check_identity
from vfx_deepfake.steps.consent import needs_release, require_release
from vfx_deepfake.steps.estimate import Estimate, estimate
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.train import model_shot

MIN_KEYS_TO_TRAIN = 2  # the network learns from key frames predicted by the others


@dataclass
class CheckReport:
    """What was found: problems stop the shot, warnings do not."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Turn an artist's error into problems and go on with the next check."""
        try:
            yield
        except ArtistError as error:
            said = "\n".join(self.problems)
            self.problems += [line for line in str(error).splitlines() if line not in said]

    def raise_problems(self) -> None:
        """Raises: ShotError with one line a problem, where there is one."""
        if self.problems:
            raise ShotError("\n".join(self.problems))

    def as_result(self) -> dict[str, Any]:
        """For the command line: the facts and warnings; problems are raised."""
        self.raise_problems()
        return {**self.facts, "lines": [f"warning: {text}" for text in self.warnings] + ["ready"]}


def check_shot(file: str | Path, overrides: Iterable[str] = ()) -> CheckReport:
    """Look at everything that can be known without working: names, headers of first and last frame, gaps, key frames, releases, disk."""
    report = CheckReport()
    opened: OpenShot | None = None
    with report.gathering():
        opened = open_shot(file, overrides)
    if opened is None:
        return report
    with report.gathering():
        _check_colors(opened, report)
    header: Header | None = None
    with report.gathering():
        header = _check_plate(opened, report)
    checks: tuple[Callable[[OpenShot, CheckReport], None], ...] = (
        _check_track,
        _check_sliders,
        _check_identity,
        _check_consent,
        _check_review,
    )
    for check in checks:
        with report.gathering():
            check(opened, report)
    if header is not None:
        with report.gathering():
            _check_keyframes(opened, header, report)
        with report.gathering():
            _check_roto(opened, header, report)
        with report.gathering():
            _check_cost(opened, header, report)
    return report


def _check_colors(opened: OpenShot, report: CheckReport) -> None:
    settings, file = opened.settings, opened.shot.file.name
    color: Color = opened.color
    color.check()
    names = {
        "[plate].colorspace": settings.plate.colorspace,
        "[color].working": settings.color.working,
        "[delivery].colorspace": settings.delivery.colorspace if settings.delivery.profile != "exr" else "",
        "[keyframes].colorspace": settings.keyframes.colorspace if settings.model.paints else "",
    }
    for where, name in names.items():
        if name or where in ("[plate].colorspace", "[color].working"):
            with report.gathering():
                color.require(name, f"{file} {where}")
    with report.gathering():
        color.require_view(settings.color.display, settings.color.view, f"{file} [color]")
    report.facts["color"] = f"{settings.plate.colorspace}, worked on in {settings.color.working}"


def _check_plate(opened: OpenShot, report: CheckReport) -> Header:
    spec, file = opened.settings.plate, opened.shot.file.name
    found = scan(opened.source_text(spec.pattern))
    missing = sorted(set(opened.frames) - set(found.frames))
    if missing:
        raise ShotError(f"{file} [plate]: {format_frames(missing)} of {format_frames(opened.frames)} are missing in "
                        f"{Path(spec.pattern).parent}; bring them, or change [plate].frames")  # fmt: skip
    files = opened.plate_files()
    first, last = (read_header(path, spec.part, spec.layer) for path in (files[0], files[-1]))
    if (first.display_window, first.channels) != (last.display_window, last.channels):
        raise ShotError(f"{file} [plate]: {files[0].name} is {_shape(first)} and {files[-1].name} is {_shape(last)}; "
                        "one shot has one size and one set of channels")  # fmt: skip
    count = f"{format_frames(opened.frames)}, {len(opened.frames)} frames"
    report.facts["plate"] = f"{count}, {_shape(first)}, {first.formats[0]}"
    warning = depth_warning(first.formats[0], first.bits, opened.settings.delivery.profile)
    if warning:
        report.warnings.append(warning)
    return first


def _shape(header: Header) -> str:
    return f"{header.display_window.width} x {header.display_window.height} ({', '.join(header.channels)})"


def _check_track(opened: OpenShot, report: CheckReport) -> None:
    spec, file = opened.settings.track, opened.shot.file.name
    if opened.settings.model.method == "passthrough":
        return
    if spec.method == "import" and not opened.source(spec.file).is_file():
        raise ShotError(
            f"{file} [track].file: {opened.source(spec.file)} is not there; export the track again or correct the name"
        )
    if spec.method == "mediapipe" and importlib.util.find_spec("mediapipe") is None:
        raise ShotError(
            f"{file} [track].method: mediapipe is not installed; see README 'Installing', or import a track"
        )


def _check_consent(opened: OpenShot, report: CheckReport) -> None:
    if not needs_release(opened.shot):
        return
    model = opened.settings.model
    operations = ("train", "render") if model.trains and not model.shared else ("render",)
    for operation in operations:
        with report.gathering():
            report.facts["release"] = require_release(opened.shot, operation).id


def _check_review(opened: OpenShot, report: CheckReport) -> None:
    if opened.settings.review.movie and movie_problem(opened.settings.review.codecs):
        report.warnings.append(movie_problem())


def _check_sliders(opened: OpenShot, report: CheckReport) -> None:
    settings = opened.settings
    if settings.model.method != "sliders":
        if not settings.beauty.at_rest:
            report.warnings.append(f"[beauty] has sliders and model.method is '{settings.model.method}': they do nothing; "
                                   "set model.method = 'sliders'")  # fmt: skip
        return
    if settings.beauty.at_rest:
        report.warnings.append("every slider of [beauty] is 0: the plate goes out as it is")
    if settings.render.strength != 1:
        report.warnings.append(f"[render].strength {settings.render.strength} mixes plate and bent face, which doubles what "
                               "moved; leave it at 1 and turn the sliders down")  # fmt: skip


def _check_identity(opened: OpenShot, report: CheckReport) -> None:
    found = check_identity(opened)
    report.problems += found.problems
    report.warnings += found.warnings
    report.facts.update(found.facts)


def _check_keyframes(opened: OpenShot, plate: Header, report: CheckReport) -> None:
    if not opened.settings.model.paints:
        return
    file, pattern = opened.shot.file.name, opened.settings.keyframes.pattern
    lender = model_shot(opened)
    if lender:
        report.facts["model"] = f"the network of {lender.name}"
    keys = opened.keyframe_files()
    if not keys:
        raise ShotError(f"{file} [keyframes].pattern: no painted frame at {opened.source_text(pattern)}; paint some "
                        "('vfx-deepfake suggest-keyframes' proposes which) and save them there")  # fmt: skip
    strange = sorted(set(keys) - set(opened.frames))
    if strange:
        report.problems.append(f"{file} [keyframes]: {format_frames(strange)} have no plate frame in {format_frames(opened.frames)}; "
                               "remove them or extend [plate].frames")  # fmt: skip
    if opened.settings.model.method == "keyframe" and len(keys) < MIN_KEYS_TO_TRAIN:
        report.problems.append(f"{file} [keyframes]: {len(keys)} painted frame; training needs at least {MIN_KEYS_TO_TRAIN}, "
                               "or set model.method = 'propagate'")  # fmt: skip
    for frame, path in keys.items():
        with report.gathering():
            _check_key_size(read_header(path), plate, frame, path)
    report.facts["keyframes"] = format_frames(keys)


def _check_roto(opened: OpenShot, plate: Header, report: CheckReport) -> None:
    spec, texture, file = opened.settings.mattes, opened.settings.texture, opened.shot.file.name
    for name, pattern, channel in (
        ("[mattes].holdout", spec.holdout, spec.holdout_channel),
        ("[mattes].garbage", spec.garbage, spec.garbage_channel),
        ("[mattes].roto", spec.roto, spec.roto_channel),
        ("[texture].wrinkle_matte", texture.wrinkle_matte, texture.wrinkle_channel),
    ):
        files = opened.roto_files(pattern)
        if pattern and not files:
            report.problems.append(f"{file} {name}: no roto at {opened.source_text(pattern)} for any frame of the plate; "
                                   "save it there, or leave the key out")  # fmt: skip
        for frame, path in files.items():
            with report.gathering():
                _check_key_size(
                    read_header(path, channels=(channel,) if channel else ()), plate, frame, path, "roto of frame"
                )


def _check_key_size(key: Header, plate: Header, frame: int, path: Path, what: str = "key frame") -> None:
    """A painted frame is a full frame of the plate's size, or an EXR whose data window lies in a display window of that size."""
    if (key.display_window.width, key.display_window.height) != (
        plate.display_window.width,
        plate.display_window.height,
    ):
        mine, theirs = (f"{h.display_window.width} x {h.display_window.height}" for h in (key, plate))
        raise ShotError(f"{what} {frame} ({path.name}): is {mine}; the plate is {theirs}; "
                        "export it at full size, or as EXR with a data window")  # fmt: skip


def _check_cost(opened: OpenShot, plate: Header, report: CheckReport) -> None:
    settings, window = opened.settings, plate.display_window
    train_px = settings.train.crop_px**2
    if settings.model.swaps:
        side = settings.identity.crop_px
        train_px = (lesson_side(side) if settings.model.method == "renderer" else side) ** 2
    cost: Estimate = estimate(
        width=window.width, height=window.height, num_frames=len(opened.frames), method=settings.model.method,
        train_steps=0 if settings.model.shared else settings.train.steps,
        train_px=settings.train.batch_size * train_px, profile=settings.delivery.profile,
    )  # fmt: skip
    report.facts["estimate"] = str(cost)
    folder = opened.shot.paths.folder
    if not os.access(folder, os.W_OK):
        raise ShotError(
            f"{folder}: can't be written to; ask for permission, or copy the shot file to a folder of your own"
        )
    free = shutil.disk_usage(folder).free
    if free < cost.disk:
        raise ShotError(
            f"{folder}: {free / 2**30:.2f} GiB are free and about {cost.disk / 2**30:.2f} GiB are needed; free some space"
        )
