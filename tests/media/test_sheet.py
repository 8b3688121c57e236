from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.sheet import (
    BACKGROUND,
    CELL_PX,
    DIFFERENCE_GAIN,
    FACE_MARGIN,
    contact_sheet,
    evenly_spread,
    make_column,
    square_around,
    write_png,
)

GREY = np.full((90, 160, 3), 0.5, np.float32)
NO_MATTE = np.zeros((90, 160), np.float32)


def test_spread_frames_are_in_order_distinct_and_hold_the_ends() -> None:
    for length in range(1, 40):
        frames = list(range(1001, 1001 + length))
        for count in range(1, 12):
            picked = evenly_spread(frames, count)
            assert len(picked) == min(count, length) == len(set(picked))
            assert list(picked) == sorted(picked) and set(picked) <= set(frames)
            if count > 1:
                assert {picked[0], picked[-1]} == {frames[0], frames[-1]}
                steps = np.diff(picked)
                assert len(steps) == 0 or np.ptp(steps) <= 1
    assert evenly_spread([], 5) == evenly_spread([1001], 0) == ()
    assert evenly_spread([1, 2, 3], 1) == (2,)


def test_the_square_lies_in_the_picture_and_holds_the_face_where_it_can() -> None:
    picture = Window(-10, -5, 160, 90)
    for x in range(-20, 150, 7):
        for y in range(-10, 85, 7):
            for size in ((1, 1), (30, 40), (60, 20), (200, 200)):
                square = square_around(Window(x, y, *size), picture)
                assert square.width == square.height and picture.contains(square)
                face = Window(x, y, *size).intersect(picture)
                if max(size) <= 60 and face.width:
                    assert square.contains(face)


def test_a_column_shows_plate_result_difference_and_matte() -> None:
    result, matte = GREY.copy(), NO_MATTE.copy()
    result[..., 0] += 0.05
    matte[:] = 0.25
    column = make_column("1001", GREY, result, matte, Window(60, 20, 40, 40))
    plate_cell, result_cell, difference, matte_cell = column.cells
    assert column.whole.shape == (180, CELL_PX, 3)
    centre = (CELL_PX // 2, CELL_PX // 2)
    np.testing.assert_allclose(plate_cell[centre], 0.5, atol=1e-5)  # flat colours survive resizing but for float32
    np.testing.assert_allclose(result_cell[centre], [0.55, 0.5, 0.5], atol=1e-5)
    np.testing.assert_allclose(difference[centre], [0.05 * DIFFERENCE_GAIN, 0, 0], atol=1e-5)
    np.testing.assert_allclose(matte_cell[centre], 0.25, atol=1e-5)


def test_equal_pictures_have_a_black_difference() -> None:
    noise = np.random.default_rng(3).random((90, 160, 3), np.float32)
    assert not make_column("1001", noise, noise.copy(), NO_MATTE, Window(60, 20, 40, 40)).cells[2].any()


def test_the_cells_show_the_face_where_it_is() -> None:
    picture = np.zeros_like(GREY)
    picture[30:50, 100:120] = 1.0
    seen = make_column("1001", picture, picture, NO_MATTE, Window(100, 30, 20, 20)).cells[0]
    # the face box fills 1 / (1 + 2 FACE_MARGIN) of the cell's side; cubic enlargement blurs its edge by a few pixels
    assert seen.mean() == pytest.approx(1 / (1 + 2 * FACE_MARGIN) ** 2, rel=0.03)
    shifted = make_column("1001", picture, picture, NO_MATTE, Window(1100, -70, 20, 20), origin=(1000, -100)).cells[0]
    assert np.array_equal(seen, shifted)


@pytest.mark.parametrize("face", [None, Window(500, 500, 20, 20), Window(0, 0, 0, 0)])
def test_without_a_face_the_whole_picture_is_fitted_in(face: Window | None) -> None:
    cell = make_column("1001", GREY, GREY, NO_MATTE, face).cells[0]
    np.testing.assert_allclose(cell[CELL_PX // 2], 0.5, atol=1e-5)
    np.testing.assert_allclose(cell[[0, -1]], BACKGROUND, atol=1e-6)  # the bars above and below a wide picture


def test_nan_and_highlights_are_shown_not_spread() -> None:
    wild = GREY.copy()
    wild[40:44, 80:84] = np.nan
    wild[50:54, 80:84] = 500.0
    column = make_column("1001", wild, wild, NO_MATTE, Window(60, 20, 40, 40))
    for picture in (column.whole, *column.cells):
        assert np.isfinite(picture).all() and picture.min() >= 0 and picture.max() <= 1


def test_pictures_of_different_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"1001: plate \(90, 160, 3\), result \(89, 160, 3\) and matte \(90, 160\)"):
        make_column("1001", GREY, GREY[1:], NO_MATTE)


def test_a_sheet_holds_every_column_unchanged() -> None:
    columns = [make_column(str(1001 + i), GREY * i / 4, GREY, NO_MATTE, Window(60, 20, 40, 40)) for i in range(4)]
    sheet = contact_sheet(columns, "sh0010_v003", "demo")
    assert sheet.dtype == np.float32 and sheet.min() >= 0 and sheet.max() <= 1
    step, left = CELL_PX + 8, sheet.shape[1] - 4 * (CELL_PX + 8)
    for index, column in enumerate(columns):
        strip = sheet[:, left + index * step : left + index * step + CELL_PX]
        bottom = sheet.shape[0]
        for place, cell in enumerate(reversed(column.cells), start=1):
            assert np.array_equal(strip[bottom - place * step : bottom - place * step + CELL_PX], cell)


def test_words_of_any_length_do_not_change_the_size() -> None:
    columns = [make_column("1001", GREY, GREY, NO_MATTE)]
    plain = contact_sheet(columns, "t")
    assert contact_sheet(columns, "title " * 100, "subtitle " * 100).shape == plain.shape


def test_a_sheet_of_nothing_is_our_bug() -> None:
    with pytest.raises(ValueError, match="needs at least one frame"):
        contact_sheet([], "t")


def test_png_codes_are_rounded_and_whole(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[None, :, None], 3, axis=2)
    write_png(tmp_path / "sheet.png", np.concatenate([ramp, ramp * 2 - 0.5]))
    with Image.open(tmp_path / "sheet.png") as image:
        codes = np.asarray(image)
    assert np.array_equal(codes[0, :, 0], np.arange(256))  # exact: 8-bit codes
    assert codes[1].min() == 0 and codes[1].max() == 255
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match=r"file/sheet.png: could not be written"):
        write_png(tmp_path / "file" / "sheet.png", GREY)
