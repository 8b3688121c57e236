"""A tiny faceset written by hand: drawn crops, canonical points."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tests.face.posed_heads import posed
from vfx_deepfake.faceset.align import align_matrix, aligned_pose, moved
from vfx_deepfake.faceset.data import POINTS_FILE, RECORD_FILE, SCHEMA, CropRecord, write_crop
from vfx_deepfake.files import hash_file, write_json

SIZE = 32


def picture(number: int) -> np.ndarray:
    """(SIZE, SIZE, 3) log, another one for each number."""
    return np.random.default_rng(number).uniform(-0.1, 1.1, (SIZE, SIZE, 3)).astype(np.float32)


def small_faceset(folder: Path, count: int = 4, **changes: Any) -> Path:
    """Write a faceset of ``count`` crops, heads that turn from -20 to 20 degrees; ``changes`` go into its record."""
    crops, points, poses = [], [], []
    for number, yaw in enumerate(np.linspace(-20, 20, count), 1):
        seen = posed(yaw)
        matrix = align_matrix(seen, SIZE)
        file = f"crops/{number:06d}.exr"
        valid = np.ones((SIZE, SIZE), np.float32)
        valid[:, : SIZE // 4] = 0
        write_crop(folder / file, picture(number), valid)
        crops.append(CropRecord(file=file, source="clip.mov", frame=number, source_sha256="0" * 64, sha256=hash_file(folder / file),
                                matrix=tuple(map(tuple, matrix.tolist())), face_px=178.0))  # fmt: skip
        points.append(moved(seen, matrix))
        poses.append(aligned_pose(points[-1]))
    record = {"schema": SCHEMA, "identity": "performer_b", "release": "b_2026", "age": None, "size_px": SIZE, "working": "ACEScg",
              "crops": [asdict(crop) for crop in crops]}  # fmt: skip
    with (folder / POINTS_FILE).open("wb") as handle:
        np.savez(handle, points=np.array(points, np.float32), pose=np.array(poses, np.float32))
    write_json(folder / RECORD_FILE, {**record, **changes})
    return folder
