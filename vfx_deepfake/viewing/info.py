"""What the player is told about a version before it asks for pictures."""

from __future__ import annotations

from typing import Any

from vfx_deepfake.viewing.luts import View, views_of
from vfx_deepfake.viewing.mattes import layers_of
from vfx_deepfake.viewing.packed import SIZES, encoding_data
from vfx_deepfake.viewing.published import Published


def info_of(version: Published) -> dict[str, Any]:
    """Frames, size, rate, views, layers, face boxes, and whether the plate is there, as plain data.

    ``config_changed``: the show's OCIO config, or a file it refers to, is not what it was when the version was made. ``face`` boxes are
    [x, y, width, height] in pixels of the display window, whose first pixel is 0, 0.
    Raises: what reading the first frame's header raises; ColorError for a config that can't be used.
    """
    window, rate = version.header.display_window, version.rate
    views = views_of(version.color)
    problem = version.plate_problem()
    return {
        "title": str(version),
        "frames": list(version.frames),
        "width": window.width,
        "height": window.height,
        "origin": [window.x, window.y],
        "pixel_aspect": float(version.header.metadata.get("PixelAspectRatio", 1.0)),
        "rate": [rate.numerator, rate.denominator],
        "timecode_start": version.timecode,
        "views": [{"display": each.display, "view": each.view, "name": each.name} for each in views],
        "default_view": views.index(View(*version.view)),
        "encoding": encoding_data(),
        "layers": list(layers_of(version)),
        "face": _boxes(version),
        "source_space": version.plate_space,
        "working_space": version.working,
        "config": version.settings.color.config,
        "config_changed": version.color.config_id() != version.record["inputs"].get("color_config"),
        "sizes": [size for size in SIZES if size < window.width],
        "plate": not problem,
        "plate_problem": problem,
        "record_hash": version.record_hash,
    }


def landmarks_of(version: Published) -> dict[str, list[list[float]]]:
    """The track's points by frame, [x, y] in pixels of the display window to a tenth; empty without a track."""
    window, track = version.header.display_window, version.track
    if track is None:
        return {}
    return {
        str(frame): (track.points_at(frame) - (window.x, window.y)).round(1).tolist()
        for frame in version.frames
        if track.has_face(frame)
    }


def _boxes(version: Published) -> dict[str, list[int]]:
    window, track = version.header.display_window, version.track
    if track is None:
        return {}
    boxes = {
        frame: track.box_at(frame).shift(-window.x, -window.y) for frame in version.frames if track.has_face(frame)
    }
    return {str(frame): [box.x, box.y, box.width, box.height] for frame, box in boxes.items()}
