"""Display pictures as Y'CbCr codes, against the standards' formulas in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.media.signal import Signal, signal_of, ycbcr_planes

FULL = (False, False)
# float32 carries 24 bits; what is half-way between two codes may fall either way
HALF = 0.5 + 1e-3


def exact(picture: np.ndarray, bits: int, red: float, blue: float) -> list[np.ndarray]:
    """ITU-R BT.709-6 and BT.2020-2, clauses 3 and 5, unrounded."""
    r, g, b = np.moveaxis(picture.astype(np.float64), -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    step = 2.0 ** (bits - 8)
    return [
        (219 * y + 16) * step,
        (224 * (b - y) / (2 * (1 - blue)) + 128) * step,
        (224 * (r - y) / (2 * (1 - red)) + 128) * step,
    ]


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize(("matrix", "red", "blue"), [(1, 0.2126, 0.0722), (9, 0.2627, 0.0593)])
def test_codes_are_the_standards_rounded_once(bits: int, matrix: int, red: float, blue: float) -> None:
    picture = np.random.default_rng(5).random((40, 60, 3), np.float32)
    for found, wanted in zip(ycbcr_planes(picture, bits, FULL, matrix), exact(picture, bits, red, blue), strict=True):
        assert found.dtype == (np.uint8 if bits == 8 else np.uint16)
        assert np.abs(found - wanted).max() <= HALF


@pytest.mark.parametrize(("bits", "codes"), [(8, 220), (10, 877)])
def test_a_grey_ramp_reaches_every_code_and_no_colour(bits: int, codes: int) -> None:
    ramp = np.linspace(0, 1, 20_001, dtype=np.float32)[None, :, None].repeat(3, axis=2)
    y, cb, cr = ycbcr_planes(ramp, bits, FULL)
    assert len(np.unique(y)) == codes and (y.min(), y.max()) == (16 << (bits - 8), 235 << (bits - 8))
    assert (cb == 128 << (bits - 8)).all() and (cr == cb).all()


def test_chroma_is_halved_where_luma_lies() -> None:
    """A red column at an even place: its own chroma sample takes half of it, the neighbours a quarter each from odd places only."""
    picture = np.zeros((4, 8, 3), np.float32)
    picture[:, 4] = (1, 0, 0)
    _, _, cr = ycbcr_planes(picture, 10, (True, False))
    assert cr.shape == (4, 4)
    np.testing.assert_array_equal(cr[0], [512, 512, 512 + 224, 512])  # half of 448 * 1 code at column 4
    _, _, cr = ycbcr_planes(picture, 10, (True, True))
    assert cr.shape == (2, 4)
    picture[1::2] = 0
    assert ycbcr_planes(picture, 10, (True, True))[2][0, 2] == 512 + 112


def test_what_is_outside_is_held_and_nan_is_black() -> None:
    picture = np.array([[[np.nan] * 3, [-3] * 3, [7] * 3, [np.inf] * 3]], np.float32)
    np.testing.assert_array_equal(ycbcr_planes(picture, 10, FULL)[0], [[64, 64, 940, 940]])


@pytest.mark.parametrize(
    ("display", "codes"),
    [
        ("sRGB - Display", (1, 13, 1)),
        ("Rec.1886 Rec.709 - Display", (1, 1, 1)),
        ("Gamma 2.2 Rec.709 - Display", (1, 4, 1)),
        ("Display P3 - Display", (12, 13, 1)),
        ("P3-D65 - Display", (12, 2, 1)),
        ("Rec.1886 Rec.2020 - Display", (9, 14, 9)),
        ("Rec.2100-PQ - Display", (9, 16, 9)),
        ("Rec.2100-HLG - Display", (9, 18, 9)),
        ("ST2084-P3-D65 - Display", (12, 16, 9)),
        ("studio projector", (1, 1, 1)),
    ],
)
def test_tags_follow_the_display(display: str, codes: tuple[int, int, int]) -> None:
    assert signal_of(display) == Signal(*codes)
