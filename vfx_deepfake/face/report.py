"""The track report: plots of confidence, jitter and pose, and a contact sheet with the mesh over the plate, as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.landmarks import ReadDisplay
from vfx_deepfake.face.topology import Mesh
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.face.tracker import TrackStats, jitter
from vfx_deepfake.face.views import cut_patch, square_around
from vfx_deepfake.files import written_aside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT_NAME, SHEET_NAME = "track_report.png", "track_sheet.png"
SHEET_FACES, SHEET_COLUMNS, TILE_PX = 12, 4, 320
FACE_FACTOR = 1.7  # side of a tile over the face's
SURE, UNSURE, RAW = (64, 224, 96), (255, 160, 32), (255, 64, 64)  # RGB codes of the mesh, a bridged frame's, detections
MESH_OPACITY = 0.25
SURE_FROM = 0.5  # confidence from which the mesh is drawn as sure


def write_report(folder: Path, track: FaceTrack, stats: TrackStats | None, read_display: ReadDisplay) -> list[Path]:
    """Write the plots and, where there is a face, the contact sheet. Returns the files.

    ``stats`` is None for an imported track.
    """
    plots = folder / PLOT_NAME
    with written_aside(plots) as part:
        plot(part, track, stats)
    if not len(track.face_frames):
        return [plots]
    sheet = folder / SHEET_NAME
    codes = contact_sheet(track, stats, read_display)
    with written_aside(sheet) as part:
        if not cv2.imwrite(str(part), codes[..., ::-1]):
            raise TrackError(f"{sheet}: could not be written as PNG; check the folder")
    return [plots, sheet]


def plot(path: Path, track: FaceTrack, stats: TrackStats | None) -> None:
    """Three plots over the frames: confidence, jitter before and after, pose."""
    from matplotlib.figure import Figure  # slow to load, and most commands draw nothing

    figure = Figure(figsize=(11, 8), layout="constrained")
    top, middle, bottom = figure.subplots(3, 1, sharex=True)
    shown = track.confidence > 0
    top.step(track.frames, track.confidence, where="mid", color="tab:green", label="track")
    if stats is not None:
        top.plot(track.frames, np.where(stats.raw_confidence > 0, stats.raw_confidence, np.nan), ".", color="tab:red",
                 label="detections")  # fmt: skip
        middle.plot(track.frames, stats.jitter_raw, color="tab:red", label="detections")
    _shade_gaps(top, track.frames, shown)
    top.set(ylabel="confidence", ylim=(-0.03, 1.05), title=f"{int(shown.sum())} of {len(shown)} frames show the face")
    middle.plot(track.frames, jitter(track.points, track.frames), color="tab:green", label="track")
    middle.set(ylabel="jitter: second difference\n(% of the face's size)", ylim=(0, None))
    for column, (name, color) in enumerate((("yaw", "tab:blue"), ("pitch", "tab:orange"), ("roll", "tab:purple"))):
        bottom.plot(track.frames, track.pose[:, column], color=color, label=name)
    bottom.set(ylabel="degrees", xlabel="frame")
    for axes in (top, middle, bottom):
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper right", fontsize="small")
    figure.savefig(path, dpi=100, format="png")


def contact_sheet(track: FaceTrack, stats: TrackStats | None, read_display: ReadDisplay) -> np.ndarray:
    """(h, w, 3) uint8 RGB: evenly chosen faces with their mesh, detections as dots."""
    shown = track.face_frames
    chosen = shown[np.unique(np.linspace(0, len(shown) - 1, min(SHEET_FACES, len(shown))).round().astype(int))]
    mesh = track.mesh()
    tiles = [_tile(int(frame), track, stats, mesh, read_display) for frame in chosen]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % min(SHEET_COLUMNS, len(tiles)))
    rows = [np.hstack(tiles[start : start + SHEET_COLUMNS]) for start in range(0, len(tiles), SHEET_COLUMNS)]
    return np.vstack(rows)


def _tile(frame: int, track: FaceTrack, stats: TrackStats | None, mesh: Mesh, read_display: ReadDisplay) -> np.ndarray:
    display, window = read_display(frame)
    points = track.points_at(frame).astype(np.float64)
    box = square_around(np.concatenate([points.min(axis=0), points.max(axis=0)]), FACE_FACTOR)
    patch = cut_patch(display, window, box, TILE_PX / box.width)
    zoom = TILE_PX / patch.pixels.shape[1]
    pixels = cv2.resize(patch.pixels, (TILE_PX, TILE_PX), interpolation=cv2.INTER_LINEAR)
    codes = np.ascontiguousarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
    confidence = track.confidence_at(frame)
    _draw_mesh(codes, patch.from_plate(points) * zoom, mesh, SURE if confidence >= SURE_FROM else UNSURE)
    index = track.index_of(frame)
    if stats is not None and stats.raw_confidence[index] > 0:
        for x, y in patch.from_plate(stats.raw_points[index])[:: max(len(points) // 80, 1)] * zoom:
            cv2.circle(codes, (round(float(x)), round(float(y))), 1, RAW, -1, cv2.LINE_AA)
    label = f"{frame}  {confidence:.2f}"
    cv2.putText(codes, label, (8, TILE_PX - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return codes


def _draw_mesh(codes: np.ndarray, points: np.ndarray, mesh: Mesh, color: tuple[int, int, int]) -> None:
    """Blend the mesh's edges over the picture, half transparent."""
    lines = codes.copy()
    fixed = np.round((points - 0.5) * 16).astype(np.int32)
    cv2.polylines(lines, list(fixed[mesh.triangles]), True, color, 1, cv2.LINE_AA, 4)
    codes[:] = cv2.addWeighted(codes, 1 - MESH_OPACITY, lines, MESH_OPACITY, 0)


def _shade_gaps(axes: Axes, frames: np.ndarray, shown: np.ndarray) -> None:
    """Grey where the face is not shown."""
    for frame in frames[~shown]:
        axes.axvspan(frame - 0.5, frame + 0.5, color="0.85", linewidth=0)
