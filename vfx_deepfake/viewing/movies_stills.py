"""Stills: chosen frames of a version as single files, each with a record of what it is beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import sweep_parts_of, write_json
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.media.slate import burn_in
from vfx_deepfake.media.still import write_still
from vfx_deepfake.naming import frame_path
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.credentials import carries
from vfx_deepfake.steps.credentials import credit
from vfx_deepfake.steps.review_mark import marked
from vfx_deepfake.steps.review_pictures import look_of
from vfx_deepfake.viewing.movies_source import (
    SHOWS_OWN,
    Cut,
    card_of,
    credential_of,
    pictures_of,
    require_outside,
    require_shown,
    timecode_at,
    view_of,
)

FORMATS = ("png", "tif", "exr")


def make_stills(
    cut: Cut, folder: Path, kind: str, progress: Progress, *, view: tuple[str, str] = SHOWS_OWN, labelled: bool = False
) -> dict[str, Any]:
    """Write a cut's frames into a folder, and beside each a JSON file that says what it is.

    kind: png or tif, 16-bit display pictures, marked where ``[review].mark`` asks for it; exr, the stored picture in plate space without
    any view. labelled: with the burn-ins of the shot's ``[review]``.
    Raises: DeliveryError for what does not go together or can't be written; ConsentError; what :func:`pictures_of` raises.
    """
    if kind not in FORMATS:
        raise DeliveryError(f"format is '{kind}'; choose one of {', '.join(FORMATS)}")
    if kind == "exr" and (view[0] or labelled):
        raise DeliveryError(
            "an EXR still is the stored picture, without a view and without labels; choose png or tif for those"
        )
    require_outside(folder, [cut.version])
    releases = require_shown([cut.version])
    pattern = str(folder / f"{str(cut).replace(' ', '_')}.####.{kind}")
    files = {frame: frame_path(pattern, frame) for frame in cut.frames}
    progress.start("stills", len(files), "frames")
    writing = (
        _write_exrs(cut, files) if kind == "exr" else _write_displayed(cut, files, view, releases, labelled=labelled)
    )
    for done, _ in enumerate(writing, 1):
        progress.advance(done)
    progress.finish()
    said = "none: EXR has no place for them"
    if carries(f"x.{kind}"):
        said = credit(files.values(), lambda: credential_of(str(cut), [cut], releases), progress)
    record = {
        "show": cut.version.settings.shot.show, "shot": cut.version.opened.name, "version": cut.version.paths.folder.name, "of": cut.of,
        "record_hash": cut.version.record_hash, "releases": list(releases),
        "colour": cut.version.plate_space if kind == "exr" else ", ".join(view_of(cut, view)),
    }  # fmt: skip
    for frame, path in files.items():
        write_json(path.with_name(path.name + ".json"), {**record, "frame": frame, "timecode": timecode_at(cut, frame)})
    return {"stills": [str(path) for path in files.values()], "colour": record["colour"], "credentials": said}


def _write_exrs(cut: Cut, files: Mapping[int, Path]) -> Iterator[Path]:
    for frame, path in files.items():
        sweep_parts_of(path)
        picture = cut.version.picture(frame, cut.of)
        part = Part("rgba", picture.pixels, picture.channels, picture.data_window, picture.half)
        write_exr(path, [part], picture.display_window, picture.metadata)
        yield path


def _write_displayed(
    cut: Cut, files: Mapping[int, Path], view: tuple[str, str], releases: Sequence[str], *, labelled: bool
) -> Iterator[Path]:
    info = card_of(cut, releases, view)
    look = look_of(cut.version.settings.review)
    version = cut.version

    def pictures() -> Iterator[np.ndarray]:
        for frame, picture in pictures_of(cut, view):
            yield burn_in(picture, info, frame, timecode_at(cut, frame), look) if labelled else picture

    for (frame, path), picture in zip(
        files.items(), marked(version.opened, version.paths.number, pictures()), strict=True
    ):
        sweep_parts_of(path)
        write_still(path, picture, f"{cut} frame {frame}, {info.media_color}")
        yield path
