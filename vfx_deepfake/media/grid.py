"""Pictures side by side under headings: rows of cells of one size, each row and column with its name."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from vfx_deepfake.media.sheet import BACKGROUND, LABEL, TEXT
from vfx_deepfake.media.text import draw_text, font, line_height, shortened, text_width

GAP_PX = 8


def labelled_grid(
    rows: Sequence[tuple[str, Sequence[np.ndarray]]], headings: Sequence[str], title: str, cell_px: int = 288
) -> np.ndarray:
    """One picture of many, (H, W, 3) display-encoded.

    rows: a name and its pictures (h, w, 3) 0..1, as many as ``headings``; each is shrunk or enlarged to ``cell_px`` wide, all to
    the shape of the first. Raises: ValueError for no row, or a row of another length.
    """
    if not rows or any(len(pictures) != len(headings) for _, pictures in rows):
        raise ValueError(f"a grid needs at least one row, each with {len(headings)} pictures")
    big, small = font(22, bold=True), font(15)
    gutter = max(text_width(name, small) for name, _ in rows) + 2 * GAP_PX
    height = max(round(cell_px * rows[0][1][0].shape[0] / rows[0][1][0].shape[1]), 1)
    top = line_height(big) + line_height(small) + 4 * GAP_PX
    width = gutter + len(headings) * (cell_px + GAP_PX)
    grid = np.full((top + len(rows) * (height + GAP_PX), width, 3), BACKGROUND, np.float32)
    draw_text(grid, GAP_PX, GAP_PX, shortened(title, big, width - 2 * GAP_PX), big, TEXT)
    for column, heading in enumerate(headings):
        left = gutter + column * (cell_px + GAP_PX)
        draw_text(grid, left, top - line_height(small) - GAP_PX, shortened(heading, small, cell_px), small, TEXT)
        for row, (_, pictures) in enumerate(rows):
            upper = top + row * (height + GAP_PX)
            grid[upper : upper + height, left : left + cell_px] = _cell(pictures[column], cell_px, height)
    for row, (name, _) in enumerate(rows):
        draw_text(grid, GAP_PX, top + row * (height + GAP_PX), name, small, LABEL)
    return grid


def _cell(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    shrinks = picture.shape[1] > width
    kernel = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.clip(cv2.resize(np.asarray(picture, np.float32), (width, height), interpolation=kernel), 0, 1)
