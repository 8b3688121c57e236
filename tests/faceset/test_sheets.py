from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faceset.drawn import COLOR
from tests.faceset.small import small_faceset
from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.cull import decide, read_likenesses
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.faceset.sheets import CELL_PX, COLUMNS, DROPPED, GAP_PX, ROWS, label, write_sheets
from vfx_deepfake.faceset.sort import ORDERS, SIMILARITY, sorted_crops


def test_every_order_has_every_crop_once(tmp_path: Path) -> None:
    faceset = load_faceset(small_faceset(tmp_path, 6))
    for order in (*ORDERS, SIMILARITY):
        assert sorted(sorted_crops(faceset, order, read_likenesses(faceset))) == list(range(6)), order
    with pytest.raises(FacesetError, match="order 'beauty' is not known; choose one of number, sharpness"):
        sorted_crops(faceset, "beauty")


def test_pages_hold_the_crops_and_older_pages_go(tmp_path: Path) -> None:
    faceset = load_faceset(small_faceset(tmp_path, 3))
    many = [0, 1, 2] * 21  # 63 cells: a page of 60 and one of 3
    pages = write_sheets(faceset, many, tmp_path / "sheets", "number", COLOR)
    assert [page.name for page in pages] == ["number_001.png", "number_002.png"]
    first, second = (Image.open(page) for page in pages)
    assert first.width == COLUMNS * (CELL_PX + GAP_PX) + GAP_PX
    assert first.height > ROWS * CELL_PX > 3 * CELL_PX > second.height
    assert len(write_sheets(faceset, many[:5], tmp_path / "sheets", "number", COLOR)) == 1
    assert [path.name for path in (tmp_path / "sheets").iterdir()] == ["number_001.png"]


def test_what_is_not_used_has_a_red_rim_and_says_why(tmp_path: Path) -> None:
    decide(small_faceset(tmp_path, 2), [2], keep=False)
    faceset = load_faceset(tmp_path, culled=True)
    assert label(faceset.crops[0])[2] == "clip.mov 1"
    assert label(faceset.crops[1])[2] == "dropped by hand"
    record = faceset.crops[1].__dict__ | {"by_hand": False}
    other = type(faceset.crops[1])(**record)
    pages = write_sheets(
        type(faceset)(**{**faceset.__dict__, "crops": (faceset.crops[0], other)}), [0, 1], tmp_path / "s", "n", COLOR
    )
    codes = np.asarray(Image.open(pages[0]))
    red = np.rint(np.array(DROPPED) * 255)
    assert (codes == red).all(axis=-1).sum() == 4 * 3 * (CELL_PX - 3)  # the rim of one cell, three pixels wide
