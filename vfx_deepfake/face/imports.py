"""Artists' tracks from files, and tracks to files: Nuke's tracker text and JSON.

Nuke text ("Import / Export Time+value ASCII", "export points"): one line ``frame x y`` per key; values separated by
spaces, tabs, commas, semicolons or colons; lines that start with ``#``, ``;`` or ``/`` and empty lines are skipped.
Several points are written either one after the other (a new point starts where the frame number does not rise) or side
by side (``frame x1 y1 x2 y2 ...``). Between two keys a point moves in a straight line, as in Nuke. Nuke counts y
upwards from the bottom of the format; a pixel's centre lies at .5 there as here, so that y = height - y_nuke and x
stays.

JSON: ``{"1001": [[x, y], ...], ...}`` or ``{"frames": {...}, "origin": "top-left" | "bottom-left"}``, plate
coordinates of docs/design.md unless the origin says otherwise. A frame that is absent or null has no face.

478 points are taken as MediaPipe's mesh, any other number as plain points.
Source: Foundry, Nuke reference, "Importing Tracking Data".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.pose import head_pose
from vfx_deepfake.face.topology import MEDIAPIPE, POINTS, face_mesh
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.files import write_text
from vfx_deepfake.frames import format_frames
from vfx_deepfake.image.crop import Window

MIN_POINTS = 3
ORIGINS = ("top-left", "bottom-left")
_SEPARATORS = re.compile(r"[\s,;:]+")
_WANT = "want 'frame x y' in each line"

Keys = dict[int, dict[int, tuple[float, float]]]  # point -> frame -> position


def import_track(path: Path, frames: Sequence[int], display_window: Window) -> FaceTrack:
    """Read an artist's track for the given frames.

    Raises: TrackError, one line naming file, line and cause, for anything that can't be used.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TrackError(f"{path}: can't be read as text ({error}); export it as Nuke ASCII or JSON") from error
    read = _read_json if path.suffix.lower() == ".json" else _read_nuke
    points = read(path, text, frames, display_window)
    if points.shape[1] < MIN_POINTS:
        raise TrackError(f"{path}: holds {points.shape[1]} points; track at least {MIN_POINTS}")
    shown = np.isfinite(points).all(axis=(1, 2))
    if not shown.any():
        wanted = format_frames(frames)
        raise TrackError(f"{path}: has all its points on none of the frames {wanted}; check its frame numbers")
    points[~shown] = np.nan
    topology = MEDIAPIPE if points.shape[1] == len(face_mesh().uv) else POINTS
    pose = np.array([head_pose(frame, display_window, topology) for frame in points])
    return FaceTrack(np.asarray(frames, np.int64), points.astype(np.float32), shown.astype(np.float32), pose, topology)


def export_json(track: FaceTrack, path: Path) -> None:
    """Write every frame's points, null where there is no face; :func:`import_track` reads it back."""
    frames = {
        str(int(frame)): [[round(float(x), 4), round(float(y), 4)] for x, y in points] if shown else None
        for frame, points, shown in zip(track.frames, track.points, track.confidence > 0, strict=True)
    }
    write_text(path, json.dumps({"origin": ORIGINS[0], "frames": frames}) + "\n")


def export_nuke(track: FaceTrack, path: Path, display_window: Window, indices: Sequence[int] | None = None) -> None:
    """Write the chosen points (all by default), one after the other, as ``frame x y`` with Nuke's upward y."""
    indices = range(track.points.shape[1]) if indices is None else indices
    lines = []
    for index in indices:
        lines.append(f"# point {index}")
        for frame in track.face_frames:
            x, y = track.points_at(int(frame))[index]
            lines.append(f"{int(frame)} {x - display_window.x:.4f} {display_window.bottom - y:.4f}")
    write_text(path, "\n".join(lines) + "\n")


def _read_nuke(path: Path, text: str, frames: Sequence[int], display_window: Window) -> np.ndarray:
    """(N, P, 2) float64 plate px; NaN outside a point's first and last key."""
    keys = _nuke_keys(path, text)
    out = np.full((len(frames), len(keys), 2), np.nan)
    for index, track in keys.items():
        at = np.array(sorted(track))
        values = np.array([track[frame] for frame in at.tolist()])
        inside = (np.asarray(frames) >= at[0]) & (np.asarray(frames) <= at[-1])
        for axis in range(2):
            out[inside, index, axis] = np.interp(np.asarray(frames)[inside], at, values[:, axis])
    return _from_bottom_left(out, display_window)


def _nuke_keys(path: Path, text: str) -> Keys:
    keys: Keys = {}
    first, last_frame, columns = 0, None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip()[0] in "#;/":
            continue
        where = f"{path}: line {number}"
        try:
            values = [float(word) for word in _SEPARATORS.split(line.strip()) if word]
        except ValueError:
            raise TrackError(f"{where}: '{line.strip()[:40]}' holds something that is no number; {_WANT}") from None
        if len(values) < 3 or len(values) % 2 == 0 or not np.isfinite(values).all():
            raise TrackError(f"{where}: found {len(values)} numbers; {_WANT}, or 'frame x1 y1 x2 y2 ...'")
        if values[0] != int(values[0]):
            raise TrackError(f"{where}: frame {values[0]} is not whole; {_WANT}")
        if columns and len(values) != columns:
            raise TrackError(f"{where}: found {len(values)} numbers where earlier lines have {columns}; {_WANT}")
        frame, columns = int(values[0]), len(values)
        if last_frame is not None and frame <= last_frame:
            first = len(keys)
        last_frame = frame
        for offset in range((columns - 1) // 2):
            keys.setdefault(first + offset, {})[frame] = (values[1 + 2 * offset], values[2 + 2 * offset])
    if not keys:
        raise TrackError(f"{path}: holds no tracking data; {_WANT}")
    return keys


def _read_json(path: Path, text: str, frames: Sequence[int], display_window: Window) -> np.ndarray:
    """(N, P, 2) float64 plate px; NaN on frames that are absent or null."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise TrackError(f"{path}: is no JSON ({error})") from error
    if not isinstance(data, Mapping):
        raise TrackError(f"{path}: holds a {type(data).__name__}; want an object of frame: [[x, y], ...]")
    origin = data.get("origin", ORIGINS[0])
    if origin not in ORIGINS:
        raise TrackError(f"{path}: origin is '{origin}'; want one of {', '.join(ORIGINS)}")
    table = data.get("frames", data)
    if not isinstance(table, Mapping):
        raise TrackError(f"{path}: 'frames' is a {type(table).__name__}; want an object of frame: [[x, y], ...]")
    shapes = {name: _json_points(path, name, value) for name, value in table.items() if name not in ("origin", "names")}
    counts = sorted({len(points) for points in shapes.values() if points is not None})
    if len(counts) != 1:
        found = " and ".join(str(count) for count in counts) or "no"
        raise TrackError(f"{path}: frames hold {found} points; want the same number, at least {MIN_POINTS}, on each")
    by_frame = {int(name): points for name, points in shapes.items() if points is not None}
    out = np.full((len(frames), counts[0], 2), np.nan)
    for index, frame in enumerate(frames):
        if frame in by_frame:
            out[index] = by_frame[frame]
    return _from_bottom_left(out, display_window) if origin == ORIGINS[1] else out


def _json_points(path: Path, name: str, value: Any) -> np.ndarray | None:
    if not re.fullmatch(r"-?\d+", name):
        raise TrackError(f"{path}: '{name}' is no frame number; want an object of frame: [[x, y], ...]")
    if value is None:
        return None
    try:
        points = np.array(value, np.float64)
    except (TypeError, ValueError):
        points = np.zeros(0)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise TrackError(f"{path}: frame {name} is no list of [x, y] pairs of numbers")
    return points


def _from_bottom_left(points: np.ndarray, display_window: Window) -> np.ndarray:
    return np.stack([points[..., 0] + display_window.x, display_window.bottom - points[..., 1]], axis=-1)
