"""Landmark error and jitter against the exact points of the digital actor, beside raw detections.

    VFX_DEEPFAKE_BENCH=DIR python benchmarks/tracking.py [--plate DIR]

DIR holds ``digital_actor/plate_old`` with its ``landmarks.json``; ``--plate`` names another folder with the same frames (grained).
MediaPipe's points do not mean quite the same places as the 68 Multi-PIE points, so each point's mean offset is removed before the
error is judged (``raw`` keeps it). Jitter is the RMS second difference of the error in time. All in pixels; ``inner`` leaves out
the 17 points of the jaw, which lie on a silhouette.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from vfx_deepfake.face.cache import NoCache
from vfx_deepfake.face.landmarks import auto_display, default_detector
from vfx_deepfake.face.tracker import track_shot
from vfx_deepfake.image.crop import Window
from vfx_deepfake.settings import TrackSpec

# The MediaPipe point nearest to each of the 68 Multi-PIE points: jaw, brows, nose, eyes, outer and inner lips.
NEAREST_68 = [127, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 356, 70, 63, 105, 66, 107, 336,
              296, 334, 293, 300, 168, 197, 5, 4, 75, 97, 2, 326, 305, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373,
              380, 61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87]  # fmt: skip
NUM_JAW = 17
APERTURES = {
    "right eye": ((37, 41), (38, 40)),
    "left eye": ((43, 47), (44, 46)),
    "mouth": ((61, 67), (62, 66), (63, 65)),
}


def rms(error: np.ndarray) -> float:
    """Root mean square length of (..., 2) vectors."""
    return float(np.sqrt((error**2).sum(axis=-1).mean()))


def line(name: str, points: np.ndarray, exact: np.ndarray) -> str:
    """One row: raw error, error without each point's mean offset, jitter (all / inner), correlation of apertures."""
    error = points[:, NEAREST_68] - exact
    centred = error - error.mean(axis=0)
    figures = [(rms(e), rms(e[:, NUM_JAW:])) for e in (error, centred, np.diff(centred, 2, axis=0))]
    row = " | ".join(f"{every:.2f} / {inner:.2f}" for every, inner in figures)
    opened = []
    for pairs in APERTURES.values():
        seen, true = (
            np.mean([np.linalg.norm(p[:, a] - p[:, b], axis=1) for a, b in pairs], axis=0)
            for p in (points[:, NEAREST_68], exact)
        )
        opened.append(f"{np.corrcoef(seen, true)[0, 1]:.2f}")
    return f"| {name} | {row} | {' '.join(opened)} |"


def main() -> None:
    """Track, compare, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plate", type=Path, help="folder with the same frames, e.g. grained")
    args = parser.parse_args()
    truth = Path(os.environ["VFX_DEEPFAKE_BENCH"]) / "digital_actor" / "plate_old"
    files = {int(path.name.split(".")[-2]): path for path in sorted((args.plate or truth).glob("*.exr"))}
    rows = json.loads((truth / "landmarks.json").read_text())["frames"]
    rows = list(rows.values()) if isinstance(rows, dict) else rows
    exact = np.array([row["points_px"] for row in rows])
    turned = np.array([row["head_euler_deg"] for row in rows])

    def read(frame: int) -> tuple[np.ndarray, Window]:
        pixels = np.asarray(oiio.ImageBuf(str(files[frame])).get_pixels(oiio.FLOAT))
        return auto_display(pixels), Window.of_image(pixels)

    detector, cache, frames = default_detector(), NoCache(), list(files)
    bare = np.array([detector.detect(read(frame)[0])[0].points for frame in frames])
    fine, stats = track_shot(frames, read, TrackSpec(), cache=cache, detector=detector)
    smooth, _ = track_shot(frames, read, TrackSpec(refine=False), cache=cache, detector=detector)
    print("| points | raw error (all / inner) | without mean offset | jitter | aperture correlation: eyes, mouth |")
    print("|---|---|---|---|---|")
    print(line("bare detections, whole frame", bare, exact))
    print(line("detections averaged over five views", stats.raw_points, exact))
    print(line("smoothed, no flow", smooth.points.astype(np.float64), exact))
    print(line("track: smoothed with flow", fine.points.astype(np.float64), exact))
    yaw, pitch = fine.pose[:, 0] - turned[:, 2], fine.pose[:, 1] + turned[:, 0]
    print(f"\nhead pose without its mean offset: yaw {yaw.std():.2f}, pitch {pitch.std():.2f} degrees RMS "
          f"over a turn of {np.ptp(turned[:, 2]):.1f} and a nod of {np.ptp(turned[:, 0]):.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
