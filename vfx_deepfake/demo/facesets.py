"""Facesets of people who do not exist, drawn straight into aligned crops: the real thing for tests and pretraining, in seconds.

The points are those that the landmarker finds in the drawing, as they would be for a photograph. Measured: 0.3 CPU s a crop of
256 px, a second for each set of lamps and each age on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.demo.performer.identities import identity_performer
from vfx_deepfake.demo.performer.looks import Looks
from vfx_deepfake.demo.performer.performer import Performer
from vfx_deepfake.errors import FacesetError
from vfx_deepfake.face.landmarks import Detector, auto_display, default_detector
from vfx_deepfake.faceset.align import align_matrix, aligned_pose, moved, warp_to_crop
from vfx_deepfake.faceset.data import CROPS_FOLDER, POINTS_FILE, RECORD_FILE, SCHEMA, CropRecord, write_crop
from vfx_deepfake.faceset.measures import measure
from vfx_deepfake.files import hash_file, sweep_parts, write_json, written_aside
from vfx_deepfake.image.crop import Window

WORKING = "ACEScg"
SIDE_SHARE = 1.65  # of the drawing over the crop, measured: neither shrinks nor enlarges
SOURCE = "performer {identity}, light {light}, age {age:g}"


def render_faceset(
    identity: int,
    folder: Path,
    *,
    count: int = 24,
    lights: Sequence[int] = (0, 1, 2),
    size: int = 256,
    age: float = 0.0,
    name: str = "",
    looks: Looks | None = None,
    detector: Detector | None = None,
) -> Path:
    """Write a faceset of performer ``identity`` into ``folder``: ``count`` crops, taking turns among ``lights``.

    age: 0 young .. 1 old, on record as 30 to 70 years. name: of the identity, as a release names it ("performer NUMBER" if empty).
    looks: others than the performer's own.
    The same arguments write the same crops; one that is complete already is left alone.
    Raises: FacesetError when no drawing shows the landmarker a face; ImportError without a landmarker; DeliveryError.
    """
    if (folder / RECORD_FILE).exists():
        return folder
    sweep_parts(folder)
    finder = detector or default_detector()
    crops: list[CropRecord] = []
    points, poses = [], []
    for number, (performer, light, frame) in enumerate(_frames(identity, count, lights, size, age, looks), 1):
        shown_lin = shown(performer, frame)
        found = finder.detect(auto_display(shown_lin))
        if len(found) != 1:  # a head turned as far as the landmarker goes
            continue
        matrix = align_matrix(found[0].points, size)
        crop, valid = warp_to_crop(np.asarray(encode_log(shown_lin)), Window.of_image(shown_lin), matrix, size)
        crop_points = moved(found[0].points, matrix).astype(np.float32)
        pose = aligned_pose(crop_points)
        path = folder / CROPS_FOLDER / f"{number:06d}.exr"
        write_crop(path, crop, valid)
        points.append(crop_points)
        poses.append(pose)
        digest = hash_file(path)
        crops.append(
            CropRecord(
                file=f"{CROPS_FOLDER}/{path.name}", source=SOURCE.format(identity=identity, light=light, age=age), frame=frame,
                source_sha256=digest, sha256=digest, matrix=tuple(map(tuple, matrix.tolist())), face_px=float(found[0].size),
                measures=measure(crop, crop_points, pose, valid), group=0, age=_years(age),
            )
        )  # fmt: skip
    if not crops:
        raise FacesetError(
            f"{folder}: the landmarker found performer {identity} in none of {count} drawings of {size} px"
        )
    _publish(folder, crops, np.stack(points), np.stack(poses), size, name or f"performer {identity}")
    return folder


def _years(age: float) -> float:
    return 30.0 + 40.0 * age


def _frames(
    identity: int, count: int, lights: Sequence[int], size: int, age: float, looks: Looks | None
) -> Iterator[tuple[Performer, int, int]]:
    """Who is drawn how for each crop; every pose of the rehearsal comes once."""
    side = round(size * SIDE_SHARE)
    people = [identity_performer(identity, age=age, light=light, size=side, count=count) for light in lights]
    if looks is not None:
        people = [replace(person, looks=looks) for person in people]
    for index in range(count):
        chosen = index % len(people)
        yield people[chosen], lights[chosen], people[chosen].first + index


def shown(performer: Performer, frame: int) -> np.ndarray:
    """The performer before the room, scene-linear, without grain."""
    picture = performer.picture(frame, performer.age)
    return np.asarray(picture.colour + performer.background * (1.0 - picture.cover[..., None]), np.float32)


def _publish(
    folder: Path, crops: Sequence[CropRecord], points: np.ndarray, poses: np.ndarray, size: int, name: str
) -> None:
    with written_aside(folder / POINTS_FILE) as part, part.open("wb") as file:
        np.savez(file, points=points, pose=poses, confidence=np.ones(len(points), np.float32))
    record: dict[str, Any] = {
        "schema": SCHEMA, "identity": name, "release": "", "age": crops[0].age, "size_px": size, "working": WORKING,
        "sources": sorted({crop.source for crop in crops}), "crops": [asdict(crop) for crop in crops],
    }  # fmt: skip
    write_json(folder / RECORD_FILE, record)
