"""How close a version of the demo shot came to the exact answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.naming import VersionPaths

_INSIDE = 0.5  # share of the face's mask from which a pixel is judged
_IDENTICAL_DB = 120.0  # what equal pictures are given instead of infinity


@dataclass(frozen=True, slots=True)
class Judged:
    """PSNR in decibels of log-encoded pixels inside the visible face, one value a judged frame: the result's, and the
    bare plate's.
    """

    frames: tuple[int, ...]
    result_db: tuple[float, ...]
    plate_db: tuple[float, ...]

    def as_result(self) -> dict[str, Any]:
        """Plain figures for the command line and records."""
        return {
            "judged_frames": len(self.frames),
            "psnr_log_db": round(float(np.mean(self.result_db)), 2),
            "psnr_log_worst_db": round(min(self.result_db), 2),
            "psnr_log_untouched_plate_db": round(float(np.mean(self.plate_db)), 2),
        }


def judge(shot: DemoShot, version: VersionPaths) -> Judged:
    """Compare every unpainted frame with what the painter would have made of it: the exact change laid on the same
    grained plate.

    Frames without a face are left out.
    """
    frames, result_db, plate_db = [], [], []
    for frame in shot.frames:
        inside = read_exr(shot.truth_frame("masks", frame), channels=("face.Y",)).pixels[..., 0] > _INSIDE
        if frame in shot.key_frames or not inside.any():
            continue
        plate, young, clean = (
            read_exr(path).pixels[..., :3]
            for path in (shot.plate_frame(frame), *(shot.truth_frame(kind, frame) for kind in ("young", "clean")))
        )
        answer = plate + (young - clean)
        result = read_exr(version.exr_frame(frame)).pixels[..., :3]
        frames.append(frame)
        result_db.append(psnr_log(result, answer, inside))
        plate_db.append(psnr_log(plate, answer, inside))
    return Judged(tuple(frames), tuple(result_db), tuple(plate_db))


def psnr_log(picture_lin: np.ndarray, answer_lin: np.ndarray, inside: np.ndarray) -> float:
    """PSNR in decibels, peak 1, of two scene-linear pictures (H, W, 3) in the model encoding where ``inside`` (H, W)
    is true.
    """
    difference = encode_log(picture_lin[inside]) - encode_log(answer_lin[inside])
    error = float(np.mean(np.square(difference, dtype=np.float64)))
    return min(-10.0 * float(np.log10(max(error, 1e-30))), _IDENTICAL_DB)
