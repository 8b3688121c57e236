"""What measures are called: "looks 31 degrees to image left", "the mouth 1.4 cm open".

Left and right are always the picture's, and it is said so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vfx_deepfake.faceset.coverage_space import Table

GAZE_CM = 1.4  # half an eye's width on the canonical head: gaze in millimetres is easier to picture than a share


def direction(value: float, low: str, high: str, unit: str, digits: int = 0) -> str:
    """A signed value in words: ``31 degrees to image left``."""
    return f"{abs(value):.{digits}f} {unit} {high if value >= 0 else low}"


def said(name: str, value: float) -> str:
    """One measure of a face, as a half sentence."""
    match name:
        case "yaw":
            return "looks " + direction(value, "to image left", "to image right", "degrees")
        case "pitch":
            return "looks " + direction(value, "down", "up", "degrees")
        case "gaze_x":
            return "eyes " + direction(10 * GAZE_CM * value, "to image left", "to image right", "mm", 1)
        case "gaze_y":
            return "eyes " + direction(10 * GAZE_CM * value, "down", "up", "mm", 1)
        case "eyes":
            return f"eyes open by {100 * value:.0f} % of their width"
        case "mouth_open":
            return f"mouth open by {10 * value:.0f} mm"
        case "smile":
            return "corners of the mouth " + direction(10 * value, "below", "above", "mm") + " its middle"
        case "brow":
            return f"brows {10 * value:.0f} mm over the eyes"
        case "light_right":
            return "lit " + direction(value, "from image left", "from image right", "stops", 1)
        case "light_up":
            return "lit " + direction(value, "from below", "from above", "stops", 1)
        case "exposure":
            return "skin " + direction(value, "under", "over", "stops", 1) + " grey"
    return f"{name} {value:.2f}"


KIND_AXES = {
    "pose": ("yaw", "pitch"), "gaze": ("gaze_x", "gaze_y"), "eyes": ("eyes",), "mouth": ("mouth_open", "smile"), "brows": ("brow",),
    "light": ("light_right", "light_up"), "level": ("exposure",),
}  # fmt: skip


def kind_said(kind: str, table: Table, row: int) -> str:
    """All of one kind in one row of a table."""
    parts = [said(name, float(table[name][row])) for name in KIND_AXES[kind] if np.isfinite(table[name][row])]
    shared = parts[0].split(" ", 1)[0] + " " if parts else ""  # "looks 15 degrees to image left and 5 degrees up"
    return " and ".join([*parts[:1], *(part.removeprefix(shared) for part in parts[1:])])


def frame_reason(
    faceset: Table, plate: Table, row: int, by_kind: Mapping[str, float], nearest: Mapping[str, int]
) -> str:
    """Why a frame will suffer: its worst kind, and what the nearest crop has instead.

    ``by_kind``: steps away by kind; ``nearest``: the crop that is meant, by kind.
    """
    kind = max(by_kind, key=lambda name: by_kind[name])
    return f"{kind}: {kind_said(kind, plate, row)}; nearest crop {kind_said(kind, faceset, nearest[kind])}"
