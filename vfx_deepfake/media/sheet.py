"""The contact sheet of a version: of some frames the picture, then plate, result, difference and matte of the face.

Pictures are display-encoded (H, W, 3) float32, 0 black to 1 white. Each frame is shrunk to cells as soon as it is
there, so that a sheet of 4K frames needs no more memory than one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from vfx_deepfake.files import written_aside
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.text import Font, draw_text, font, line_height, shortened, text_width

BACKGROUND = 0.14  # neutral dark grey: darker than skin, lighter than the black of an empty matte
TEXT, LABEL = 0.78, 0.5
CELL_PX = 320  # side of a face cell
DIFFERENCE_GAIN = 8.0  # one display code of 255 becomes visible as eight
PNG_EFFORT = 3  # of 9; measured: a third of the time that 6 takes, for files 10 % larger
FACE_MARGIN = 0.15  # of the face box's longer side, added all around
_GAP_PX = 8
CELL_LABELS = ("plate", "result", f"difference × {DIFFERENCE_GAIN:g}", "matte")
_LABELS = ("frame", *CELL_LABELS)


@dataclass(frozen=True, slots=True)
class Column:
    """One frame, already shrunk: the whole picture (h, CELL_PX, 3) and four cells (CELL_PX, CELL_PX, 3)."""

    heading: str
    whole: np.ndarray
    cells: tuple[np.ndarray, ...]


def evenly_spread(frames: Sequence[int], count: int) -> tuple[int, ...]:
    """At most ``count`` of the frames, far apart, first and last among them; one alone is the middle one."""
    if count < 1 or not frames:
        return ()
    if count == 1:
        return (frames[len(frames) // 2],)
    picks = np.linspace(0, len(frames) - 1, min(count, len(frames)))
    return tuple(frames[index] for index in picks.round().astype(int))


def square_around(face: Window, inside: Window) -> Window:
    """A square with some air around a face box, shifted into the picture, no larger than its shorter side."""
    longer = max(face.width, face.height)
    side = min(round(longer * (1 + 2 * FACE_MARGIN)), inside.width, inside.height)
    x = face.x + (face.width - side) // 2
    y = face.y + (face.height - side) // 2
    return Window(min(max(x, inside.x), inside.right - side), min(max(y, inside.y), inside.bottom - side), side, side)


def make_column(
    heading: str,
    plate: np.ndarray,
    result: np.ndarray,
    matte: np.ndarray,
    face: Window | None = None,
    origin: tuple[int, int] = (0, 0),
) -> Column:
    """Shrink one frame to its column.

    Shapes: plate, result (H, W, 3); matte (H, W) 0..1. ``face`` is in plate coordinates, ``origin`` is where the
    pictures' first pixel sits in them; without a face (or with one outside) the cells show the whole picture.
    Raises: ValueError when the shapes differ.
    """
    if plate.shape != result.shape or matte.shape != plate.shape[:2]:
        raise ValueError(
            f"{heading}: plate {plate.shape}, result {result.shape} and matte {matte.shape} differ in size"
        )
    inside = Window.of_image(plate, *origin)
    shown = square_around(face, inside) if face is not None and face.intersect(inside).width else inside
    rows, columns = shown.slices(inside)
    there, here = plate[rows, columns], result[rows, columns]
    difference = np.abs(here - there) * DIFFERENCE_GAIN
    matte_rgb = np.repeat(matte[rows, columns, None], 3, axis=2)
    height = max(round(CELL_PX * plate.shape[0] / plate.shape[1]), 1)
    whole = cv2.resize(_displayed(result), (CELL_PX, height), interpolation=cv2.INTER_AREA)
    return Column(heading, whole, tuple(_cell(picture) for picture in (there, here, difference, matte_rgb)))


def _displayed(picture: np.ndarray) -> np.ndarray:
    return np.clip(np.nan_to_num(picture), 0.0, 1.0).astype(np.float32)


def _cell(picture: np.ndarray) -> np.ndarray:
    """Fit a picture into a square cell, its shape kept."""
    height, width = picture.shape[:2]
    scale = CELL_PX / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(_displayed(picture), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    cell = np.full((CELL_PX, CELL_PX, 3), BACKGROUND, np.float32)
    top, left = (CELL_PX - size[1]) // 2, (CELL_PX - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = np.clip(small, 0.0, 1.0)
    return cell


def contact_sheet(columns: Sequence[Column], title: str, subtitle: str = "") -> np.ndarray:
    """Lay the columns out under a title, with the row's name at the left.

    Returns (H, W, 3). Raises: ValueError without a column.
    """
    if not columns:
        raise ValueError("a contact sheet needs at least one frame")
    big, small = font(26, bold=True), font(16)
    gutter = max(text_width(label, small) for label in _LABELS) + 2 * _GAP_PX
    header = line_height(big) + line_height(small) + 4 * _GAP_PX
    tops = _row_tops(header + line_height(small) + _GAP_PX, max(len(column.whole) for column in columns))
    width = gutter + len(columns) * (CELL_PX + _GAP_PX)
    sheet = np.full((tops[-1], width, 3), BACKGROUND, np.float32)
    draw_text(sheet, _GAP_PX, _GAP_PX, shortened(title, big, width - 2 * _GAP_PX), big, TEXT)
    below = 2 * _GAP_PX + line_height(big)
    draw_text(sheet, _GAP_PX, below, shortened(subtitle, small, width - 2 * _GAP_PX), small, LABEL)
    for label, top in zip(_LABELS, tops, strict=False):
        draw_text(sheet, _GAP_PX, top, label, small, LABEL)
    for index, column in enumerate(columns):
        _draw_column(sheet, column, gutter + index * (CELL_PX + _GAP_PX), header, tops, small)
    return sheet


def _row_tops(first: int, whole_height: int) -> list[int]:
    """Upper edge of every row and, last, the sheet's lower edge."""
    heights = [whole_height, *[CELL_PX] * (len(_LABELS) - 1)]
    tops = [first]
    for height in heights:
        tops.append(tops[-1] + height + _GAP_PX)
    return tops


def _draw_column(
    sheet: np.ndarray, column: Column, left: int, heading_top: int, tops: Sequence[int], face: Font
) -> None:
    draw_text(sheet, left, heading_top, shortened(column.heading, face, CELL_PX), face, TEXT)
    for top, picture in zip(tops, (column.whole, *column.cells), strict=False):
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write a picture as 8-bit PNG, whole or not at all.

    Shapes: picture (H, W, 3) display-encoded; rounded to the nearest code, clipped at black and white.
    """
    code = np.rint(_displayed(picture) * 255).astype(np.uint8)
    with written_aside(path) as part:
        Image.fromarray(code).save(part, compress_level=PNG_EFFORT)
