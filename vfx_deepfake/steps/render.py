"""Rendering a range of frames: plate in, face in its place, files out; each frame whole or not at all, and only once.

The loop knows nothing of shots: a :class:`RenderJob` holds the functions that read, make the face and write. Reading,
making and writing overlap (:mod:`vfx_deepfake.steps.streaming`), and memory does not grow with the number of frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import located
from vfx_deepfake.files import read_json
from vfx_deepfake.image.region_matte import DISJOINT
from vfx_deepfake.image.regrain import Regrainer
from vfx_deepfake.media.cryptomatte import header as id_header
from vfx_deepfake.media.delivery import delivery_codes
from vfx_deepfake.media.dpx import DpxHeader, write_dpx
from vfx_deepfake.media.exr import Frame, write_exr
from vfx_deepfake.steps.comp import PLATE_AS_IT_IS, SAME_SPACE, FaceLayers, Rendered, Spaces, compose
from vfx_deepfake.steps.elements import exr_parts, header_notes, id_part
from vfx_deepfake.steps.freshness import is_fresh, write_record
from vfx_deepfake.steps.streaming import overlapped

OnFrame = Callable[[int, int, int], None]  # frames done, frames in all, the frame just finished


@dataclass(frozen=True)
class Output:
    """One kind of file that a frame becomes.

    path: where a frame's file lies. write: puts a finished frame there, whole or not at all, and returns what it
    counted (values that had to be clipped).
    """

    path: Callable[[int], Path]
    write: Callable[[Path, int, Rendered], Mapping[str, int]]


@dataclass(frozen=True, kw_only=True)
class RenderJob:
    """What rendering one shot needs.

    read: the plate frame with its windows and metadata (called in another thread). face: the layers of a frame's
    face, or None without one. identity: plain data that decides a frame's pixels (hashes of plate, track,
    checkpoint; settings); a finished frame with the same identity is not made again. record: the file that says a
    frame is finished; it lies in the folder of all outputs or above.
    """

    read: Callable[[int], Frame]
    face: Callable[[int, Frame], FaceLayers | None]
    outputs: Sequence[Output]
    record: Callable[[int], Path]
    identity: Callable[[int], Mapping[str, Any]]
    spaces: Spaces = SAME_SPACE
    regrainer: Regrainer = PLATE_AS_IT_IS


def exr_output(
    path: Callable[[int], Path],
    compression: str = "zip",
    notes: Mapping[str, str] | None = None,
    with_ids: bool = False,
    with_second: bool = False,
) -> Output:
    """The EXR of a frame with all its layers; ``notes`` go into the header beside the plate's metadata.

    ``with_ids`` adds the ID matte; its header stands in every part, because some readers look at the first alone.
    ``with_second`` adds the second identity's face to every frame.
    """
    about_ids = id_header(DISJOINT) if with_ids else {}

    def write(file: Path, frame: int, rendered: Rendered) -> Mapping[str, int]:
        metadata = {**header_notes(rendered.frame.metadata, notes or {}), **about_ids}
        parts = [*exr_parts(rendered, with_second), *([id_part(rendered)] if with_ids else [])]
        write_exr(file, parts, rendered.frame.display_window, metadata, compression)
        return {}

    return Output(path, write)


def dpx_output(
    path: Callable[[int], Path], color: Color, source: str, target: str, bits: int, header: Callable[[int], DpxHeader]
) -> Output:
    """The DPX of a frame: what the EXR's ``rgba`` holds, converted once from ``source`` (plate space) to ``target``.

    Outside the matte its codes are those of a straight conversion of the plate.
    """

    def write(file: Path, frame: int, rendered: Rendered) -> Mapping[str, int]:
        codes, clipped = delivery_codes(rendered.frame, color, source, target, bits)
        write_dpx(file, codes, bits, header(frame), rendered.frame.metadata)
        return {"clipped_values": clipped}

    return Output(path, write)


def render_frames(
    job: RenderJob, frames: Iterable[int], on_frame: OnFrame = lambda done, total, frame: None
) -> dict[int, dict[str, Any]]:
    """Make every frame that is not finished, and return each frame's counts (changed pixels, held values) by number.

    Finished means: its record names the same identity and every file is still the recorded one; anything else is made
    again. Safe to interrupt or kill at any moment and to run in chunks on several hosts.
    Raises: PlateError, DeliveryError and what the model raises, each naming the frame or file; earlier frames stay.
    """
    wanted = list(dict.fromkeys(frames))
    counts: dict[int, dict[str, Any]] = {}
    missing: list[int] = []
    for frame in wanted:
        finished = finished_frame(job, frame)
        if finished is None:
            missing.append(frame)
            continue
        counts[frame] = finished
        on_frame(len(counts), len(wanted), frame)
    made = overlapped(
        missing,
        lambda frame: _read(job, frame),
        lambda frame, plate: _make(job, frame, plate),
        lambda f, r: _keep(job, f, r),
    )
    for frame, found in made:
        counts[frame] = found
        on_frame(len(counts), len(wanted), frame)
    return {frame: counts[frame] for frame in wanted}


def finished_frame(job: RenderJob, frame: int) -> dict[str, Any] | None:
    """The counts of a frame that needs no work, or None. Reads every byte of its files to be sure."""
    record = job.record(frame)
    if not record.is_file() or not is_fresh(record, job.identity(frame)):
        return None
    data = read_json(record)
    names = set(data["outputs"])
    if names != {str(output.path(frame).relative_to(record.parent)) for output in job.outputs}:
        return None
    return dict(data.get("counts", {}))


def _read(job: RenderJob, frame: int) -> Frame:
    with np.errstate(all="ignore"):  # as in _make
        return job.read(frame)


def _make(job: RenderJob, frame: int, plate: Frame) -> Rendered:
    # a plate may hold light beyond float32's reach once it is squared or decoded; the rule sorts such values out itself
    with located(f"frame {frame}"), np.errstate(all="ignore"):
        return compose(frame, plate, job.face(frame, plate), job.spaces, job.regrainer)


def _keep(job: RenderJob, frame: int, rendered: Rendered) -> dict[str, Any]:
    """Write a frame's files and, last, its record."""
    files = [output.path(frame) for output in job.outputs]
    counts = dict(rendered.counts)
    for file, output in zip(files, job.outputs, strict=True):
        counts.update(output.write(file, frame, rendered))
    write_record(job.record(frame), job.identity(frame), files, counts=counts)
    return counts
