"""Contact sheets: every crop with its number, measures and reason, page by page, as PNG for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.color.ocio import Color
from vfx_deepfake.faceset.data import CropRecord, Faceset
from vfx_deepfake.media.sheet import BACKGROUND, LABEL, TEXT, write_png
from vfx_deepfake.media.text import draw_text, font, line_height, shortened
from vfx_deepfake.progress import SILENT, Progress

CELL_PX = 160
COLUMNS, ROWS = 10, 6
GAP_PX = 6
RIM_PX = 3
DROPPED, BY_HAND = (0.75, 0.16, 0.12), (0.20, 0.55, 0.85)  # colours of rims, display-encoded
DIMMED = 0.45


def write_sheets(
    faceset: Faceset, indices: Sequence[int], folder: Path, title: str, color: Color, progress: Progress = SILENT
) -> list[Path]:
    """Write the crops of ``indices`` in that order; older pages of the same title are replaced. Returns the pages.

    A red rim: not used; a blue one: decided by hand. One page is held in memory.
    """
    per_page = COLUMNS * ROWS
    count = -(-len(indices) // per_page)
    progress.start("sheets", count, "pages")
    pages = []
    for number in range(count):
        part = indices[number * per_page : (number + 1) * per_page]
        heading = f"{faceset.name}   {title}   page {number + 1} of {count}"
        pages.append(folder / f"{title}_{number + 1:03d}.png")
        write_png(pages[-1], sheet(faceset, part, heading, color))
        progress.advance(number + 1)
    for old in folder.glob(f"{title}_*.png"):
        if old not in pages:
            old.unlink(missing_ok=True)
    progress.finish()
    return pages


def sheet(faceset: Faceset, indices: Sequence[int], heading: str, color: Color) -> np.ndarray:
    """One page, (H, W, 3) float32 display-encoded."""
    small, bold = font(11), font(18, bold=True)
    line = line_height(small)
    step_x, step_y = CELL_PX + GAP_PX, CELL_PX + 3 * line + GAP_PX
    top = line_height(bold) + 2 * GAP_PX
    rows = -(-len(indices) // COLUMNS)
    page = np.full((top + rows * step_y + GAP_PX, COLUMNS * step_x + GAP_PX, 3), BACKGROUND, np.float32)
    draw_text(page, GAP_PX, GAP_PX, heading, bold, TEXT)
    for place, index in enumerate(indices):
        x, y = GAP_PX + place % COLUMNS * step_x, top + place // COLUMNS * step_y
        crop = faceset.crops[index]
        page[y : y + CELL_PX, x : x + CELL_PX] = _cell(faceset, index, color)
        for row, text in enumerate(label(crop)):
            draw_text(
                page, x, y + CELL_PX + row * line, shortened(text, small, CELL_PX), small, TEXT if row == 0 else LABEL
            )
    return page


def label(crop: CropRecord) -> tuple[str, str, str]:
    """Three lines under a crop: number and pose, sharpness and light, why it is not used or where it comes from."""
    have = crop.measures
    pose = f"yaw {have['yaw']:+.0f}  pitch {have['pitch']:+.0f}" if {"yaw", "pitch"} <= have.keys() else ""
    sharp = (
        f"sharp {have['sharpness']:.0f} of {have['face_px']:.0f} px" if {"sharpness", "face_px"} <= have.keys() else ""
    )
    stops = f"  {have['exposure']:+.1f} st" if "exposure" in have else ""
    place = Path(crop.source).name + (f" {crop.frame}" if crop.frame else "")
    return f"{crop.number}  {pose}", f"{sharp}{stops}", crop.culled or ("kept by hand" if crop.by_hand else place)


def _cell(faceset: Faceset, index: int, color: Color) -> np.ndarray:
    crop = faceset.crops[index]
    method = cv2.INTER_AREA if faceset.size > CELL_PX else cv2.INTER_CUBIC
    small = cv2.resize(faceset.image_log(index), (CELL_PX, CELL_PX), interpolation=method)
    shown = color.display_encode(np.asarray(decode_log(small), np.float32), faceset.working)
    if crop.culled:
        shown *= DIMMED
    if crop.culled or crop.by_hand:
        rim = np.array(BY_HAND if crop.by_hand else DROPPED, np.float32)
        inner = shown[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX].copy()
        shown[:] = rim
        shown[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX] = inner
    return shown
