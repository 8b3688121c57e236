"""Drawn people in each other's takes: a performer, and exactly the same moment with another one's face and head.

The points are those that the landmarker finds in the performer, as on a plate. Measured: 0.3 CPU s a frame of 192 px.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.demo.facesets import SIDE_SHARE, shown
from vfx_deepfake.demo.performer.identities import Rehearsal, lights_of, looks_of
from vfx_deepfake.demo.performer.performer import Performer
from vfx_deepfake.face.landmarks import Detector, auto_display, default_detector
from vfx_deepfake.faceset.align import align_matrix, aligned_pose, moved, warp_to_crop
from vfx_deepfake.files import written_aside
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.renderer_takes import ForeignTake

FRAMES = 8
LEAST_FRAMES = 4  # with a face; fewer say nothing of a shape
YAW = 30.0  # farthest turn, degrees
LAMPS_FROM = 20_000  # no faceset is lit by lamps beyond
STRANGERS = 400  # whose takes they are


def draw_take(path: Path, identity: int, number: int, size: int, age: float, detector: Detector | None = None) -> None:
    """Write take ``number`` of performer ``identity`` in a stranger's place; one that is there already is left alone.

    The same arguments write the same take; one that shows the landmarker too few faces is written empty. Raises: DeliveryError.
    """
    if path.exists():
        return
    rng = np.random.default_rng((identity, number))
    stranger = int(rng.integers(1, STRANGERS))
    stranger += stranger == identity
    lamps, seed, finder = (
        int(rng.integers(LAMPS_FROM, 90_000)),
        1000 * identity + number,
        detector or default_detector(),
    )
    theirs, own = (
        _before_camera(who, years, lamps, seed, size) for who, years in ((stranger, rng.random()), (identity, age))
    )
    rows = [row for frame in theirs.frames if (row := _frame(theirs, own, frame, size, finder)) is not None]
    rows = rows if len(rows) >= LEAST_FRAMES else []
    with written_aside(path) as part, part.open("wb") as file:
        np.savez(file, **({name: np.stack([row[name] for row in rows]) for name in rows[0]} if rows else {}))  # type: ignore[arg-type]


def load_take(path: Path, entry: int) -> ForeignTake | None:
    """A take that was drawn; None for an empty one."""
    with np.load(path) as saved:
        if "points" not in saved:
            return None
        planes = {name: saved[name].astype(np.float32) for name in saved.files}
    parts = zip(planes["plate"], planes["points"], planes["pose"], planes["valid"], strict=True)
    return ForeignTake(entry, [View(*part) for part in parts], list(planes["truth"]))


def _before_camera(who: int, age: float, lamps: int, seed: int, size: int) -> Performer:
    side = round(size * SIDE_SHARE)
    return Performer(
        width=side, height=side, count=FRAMES, seed=who, age=age, lights=lights_of(lamps), looks=looks_of(who),
        performance=Rehearsal(seed=seed, microphone=False, yaw=YAW),
    )  # fmt: skip


def _frame(theirs: Performer, own: Performer, frame: int, size: int, finder: Detector) -> dict[str, np.ndarray] | None:
    """Both in one crop, half; None where the landmarker sees no face."""
    plate = shown(theirs, frame)
    found = finder.detect(auto_display(plate))
    if len(found) != 1:
        return None
    matrix, window = align_matrix(found[0].points, size), Window.of_image(plate)
    crop, valid = warp_to_crop(np.asarray(encode_log(plate)), window, matrix, size)
    truth, _ = warp_to_crop(np.asarray(encode_log(shown(own, frame))), window, matrix, size)
    points = moved(found[0].points, matrix).astype(np.float32)
    return {
        "plate": crop.astype(np.float16), "truth": truth.astype(np.float16), "valid": valid.astype(np.float16),
        "points": points, "pose": np.asarray(aligned_pose(points), np.float32),
    }  # fmt: skip
