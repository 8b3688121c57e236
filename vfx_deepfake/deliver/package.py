"""The files of a delivery: approved frames under the client's names, stamped with the version and the manifest they belong to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vfx_deepfake.files import written_aside
from vfx_deepfake.media.content import content_digest
from vfx_deepfake.media.delivery import delivery_codes, profile_named
from vfx_deepfake.media.dpx import write_dpx
from vfx_deepfake.media.exr import Frame, Part, read_exr, write_exr
from vfx_deepfake.media.slate import slate
from vfx_deepfake.media.stamp import read_stamp, stamp
from vfx_deepfake.naming import VersionPaths, frame_path
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.manifest import chained, root_of
from vfx_deepfake.settings import Settings
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.render_stage import dpx_header
from vfx_deepfake.steps.review_mark import is_marked
from vfx_deepfake.steps.review_pictures import slate_info

VERSION_NOTE, MANIFEST_NOTE = "version_id", "manifest"


@dataclass(frozen=True, slots=True)
class Item:
    """One frame file to deliver: its name in the delivery, and the file whose picture it shows."""

    name: str
    frame: int
    source: Path


def folder_name(settings: Settings, version: int) -> str:
    """The delivery's folder."""
    return settings.pack.folder.format(show=settings.shot.show or "show", shot=settings.shot.name, version=version)


def frame_items(opened: OpenShot, paths: VersionPaths, release: str, scratch: Path, progress: Progress) -> list[Item]:
    """Every frame to deliver, in order of format and frame; what the version does not hold is made in ``scratch``.

    Raises: PlateError, ColorError, DeliveryError for frames that can't be read, converted or written.
    """
    pack, items = opened.settings.pack, []
    for pattern, source in (
        (pack.exr, _exr_source(opened, paths, scratch)),
        (pack.dpx, _dpx_source(opened, paths, scratch)),
    ):
        if not pattern or source is None:
            continue
        if pack.slate:
            before = opened.frames[0] - 1
            items.append(
                Item(
                    _name(opened, pattern, paths, before), before, _slate(opened, paths, release, scratch, pattern[-3:])
                )
            )
        progress.start(f"{pattern[-3:]} frames", len(opened.frames), "frames")
        for done, frame in enumerate(opened.frames, 1):
            items.append(Item(_name(opened, pattern, paths, frame), frame, source(frame)))
            progress.advance(done)
        progress.finish()
    return items


def put_frames(items: list[Item], folder: Path, version: str, progress: Progress) -> str:
    """Put stamped copies into the delivery's folder and return the root that their headers name.

    A copy that is there already is kept: it is whole, and the folder is this delivery's own.
    """
    root = root_of(chained((item.frame, content_digest(item.source)) for item in items))
    notes = {VERSION_NOTE: version, MANIFEST_NOTE: root}
    progress.start("pack", len(items), "frames")
    for done, item in enumerate(items, 1):
        target = folder / item.name
        if not target.is_file() or read_stamp(target).get(MANIFEST_NOTE) != root:
            stamp(item.source, target, notes)
        progress.advance(done)
    progress.finish()
    return root


def put_file(source: Path, target: Path) -> None:
    """Copy a file that is no frame; it appears whole or not at all."""
    with written_aside(target) as aside:
        shutil.copyfile(source, aside)


def _name(opened: OpenShot, pattern: str, paths: VersionPaths, frame: int) -> str:
    filled = pattern.format(show=opened.settings.shot.show or "show", shot=opened.name, version=paths.number)
    return frame_path(filled, frame).as_posix()


def _exr_source(opened: OpenShot, paths: VersionPaths, scratch: Path) -> Callable[[int], Path]:
    if opened.settings.pack.layers:
        return paths.exr_frame

    def finished_picture(frame: int) -> Path:
        target = scratch / paths.exr_frame(frame).name
        if not target.is_file():
            picture = read_exr(paths.exr_frame(frame), part="rgba")
            _write_picture(opened, target, picture)
        return target

    return finished_picture


def _dpx_source(opened: OpenShot, paths: VersionPaths, scratch: Path) -> Callable[[int], Path] | None:
    pack, delivery = opened.settings.pack, opened.settings.delivery
    wanted = pack.profile or delivery.profile, pack.colorspace or delivery.colorspace
    if wanted == (delivery.profile, delivery.colorspace):
        return paths.dpx_frame if profile_named(delivery.profile).bits else None

    def other_codes(frame: int) -> Path:
        target = scratch / paths.dpx_frame(frame).name
        if not target.is_file():
            _write_codes(opened, target, frame, read_exr(paths.exr_frame(frame), part="rgba"), *wanted)
        return target

    return other_codes


def _slate(opened: OpenShot, paths: VersionPaths, release: str, scratch: Path, kind: str) -> Path:
    """The card as a frame of the sequence, in the plate's space and size."""
    target = scratch / f"slate.{kind}"
    if target.is_file():
        return target
    first = read_exr(paths.exr_frame(opened.frames[0]), part="rgba")
    window = first.display_window
    info = replace(slate_info(opened, paths.number, release), status="FINAL")
    card = slate(info, window.width, window.height)
    space = opened.color.require(opened.settings.pack.slate_space, "[pack].slate_space")
    pixels = np.asarray(opened.color.convert(card, space, opened.settings.plate.colorspace), np.float32)
    picture = Frame(pixels, window, window, ("R", "G", "B"), first.metadata, first.half)
    if kind == "exr":
        _write_picture(opened, target, picture)
    else:
        pack, delivery = opened.settings.pack, opened.settings.delivery
        _write_codes(
            opened,
            target,
            opened.frames[0],
            picture,
            pack.profile or delivery.profile,
            pack.colorspace or delivery.colorspace,
        )
    return target


def _write_picture(opened: OpenShot, target: Path, picture: Frame) -> None:
    part = Part("rgba", picture.pixels, picture.channels, picture.data_window, picture.half)
    write_exr(target, [part], picture.display_window, picture.metadata, opened.settings.render.compression)


def _write_codes(opened: OpenShot, target: Path, frame: int, picture: Frame, profile: str, space: str) -> None:
    bits = profile_named(profile).bits
    codes, _ = delivery_codes(picture, opened.color, opened.settings.plate.colorspace, space, bits)
    write_dpx(target, codes, bits, dpx_header(opened, frame), picture.metadata)


def other_files(paths: VersionPaths, *, movie: bool) -> Mapping[str, Path]:
    """What goes along beside the frames: name in the delivery to file. A marked movie is work in progress and never among them."""
    wanted = {"version.json": paths.record}
    if movie:
        pictures = (paths.sheet,) if is_marked(paths) else (*paths.movies(), paths.sheet)
        wanted |= {f"review/{path.name}": path for path in pictures if path.is_file()}
    return wanted
