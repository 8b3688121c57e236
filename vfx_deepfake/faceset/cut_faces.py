"""One frame's faces cut as aligned crops, measured, with where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.face.landmarks import Detection, Detector, auto_display
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.face.search import find_anywhere, measure
from vfx_deepfake.faceset.align import align_matrix, aligned_pose, moved, source_scale, source_window, warp_to_crop
from vfx_deepfake.faceset.data import CROPS_FOLDER, CropRecord, write_crop
from vfx_deepfake.faceset.journal import Cut
from vfx_deepfake.faceset.measures import measure as measure_crop
from vfx_deepfake.faceset.read_sources import Picture, Source
from vfx_deepfake.faceset.spec import FacesetSpec
from vfx_deepfake.files import hash_file
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.flow import LUMA

FINE_SHARE, COARSE_SHARE = 1 / 256, 4 / 256  # sigmas of the two blurs over the crop's side


@dataclass(frozen=True, eq=False)
class Bench:
    """What cutting needs besides a picture."""

    folder: Path
    spec: FacesetSpec
    color: Color
    detector: Detector


def cut_all(bench: Bench, source: Source, frame: int, picture: Picture, next_number: int) -> tuple[Cut, ...]:
    """Every face of a frame that is large enough, from the largest."""
    shown = auto_display(picture.pixels_lin), picture.window
    cuts: list[Cut] = []
    for candidate in find_anywhere(bench.detector, shown):
        face = measure(bench.detector, shown, candidate) if candidate.size >= bench.spec.least_face_px else None
        if face is not None:
            cuts.append(_cut(bench, source, frame, picture, face, len(cuts), next_number + len(cuts)))
    return tuple(cuts)


def _cut(bench: Bench, source: Source, frame: int, picture: Picture, face: Detection, index: int, number: int) -> Cut:
    size = bench.spec.size_px
    matrix = align_matrix(face.points, size)
    window = source_window(matrix, size).intersect(picture.window)
    image_log = np.asarray(encode_log(cut(picture.pixels_lin, picture.window, window)), np.float32)
    crop, valid = warp_to_crop(image_log, window, matrix, size)
    file = f"{CROPS_FOLDER}/{number:06d}.exr"
    write_crop(bench.folder / file, crop, valid)
    points = moved(face.points, matrix).astype(np.float32)
    pose = aligned_pose(points)
    measures = measure_crop(crop, points, pose, valid, source_scale(matrix))
    measures |= _reached(points, valid) | _clipped(picture, face.points) | weakest_detail(crop, points, valid)
    record = CropRecord(
        file=file, source=source.name, frame=frame, face=index, source_sha256=picture.sha256, sha256=hash_file(bench.folder / file),
        matrix=tuple(map(tuple, matrix.astype(float).tolist())), face_px=round(face.size, 2), score=round(face.score, 4),
        measures={name: round(float(value), 6) for name, value in measures.items()},
        age=source.spec.age or bench.spec.age or None, label=source.spec.label,
    )  # fmt: skip
    return Cut(record, points, pose)


def weakest_detail(image_log: np.ndarray, points: np.ndarray, valid: np.ndarray) -> dict[str, float]:
    """Fine over coarse slopes in the direction that has least of them: low where the face is smeared along it by motion.

    The square root of the smaller generalised eigenvalue of two structure tensors over the face's oval.
    Shapes: image_log (S, S, 3), points (478, 2) crop px, valid (S, S). Returns ``weakest``; nothing where there is no slope.
    """
    luma = np.asarray(image_log, np.float32) @ np.asarray(LUMA, np.float32)
    face = region_mask(points, Window.of_image(luma), "oval") * (valid > 0.99)

    def tensor(sigma_share: float) -> np.ndarray:
        smooth = cv2.GaussianBlur(luma, (0, 0), sigma_share * len(luma))
        along_x, along_y = (cv2.Sobel(smooth, cv2.CV_32F, *axes) * face for axes in ((1, 0), (0, 1)))
        mixed = float((along_x * along_y).sum())
        return np.array([[float((along_x**2).sum()), mixed], [mixed, float((along_y**2).sum())]])

    coarse = tensor(COARSE_SHARE)
    if np.linalg.det(coarse) < 1e-9:
        return {}
    values = np.linalg.eigvals(np.linalg.solve(coarse, tensor(FINE_SHARE))).real
    return {"weakest": float(np.sqrt(max(values.min(), 0.0)))}


def _reached(points: np.ndarray, valid: np.ndarray) -> dict[str, float]:
    """Share of the face's oval that the source picture reached."""
    oval = region_mask(points, Window.of_image(valid), "oval")
    return {"valid_share": float((oval * valid).sum() / max(float(oval.sum()), 1e-6))}


def _clipped(picture: Picture, points: np.ndarray) -> dict[str, float]:
    """Share of the skin that lies at the source's white."""
    window = Window.around(points).intersect(picture.window)
    if window.empty:
        return {}
    skin = region_mask(points, window, "skin")
    at_white = picture.clipped[window.slices(picture.window)]
    return {"clipped": float((skin * at_white).sum() / max(float(skin.sum()), 1e-6))}
