"""The compositing rule's two invariants, bit for bit, on any numbers a plate can hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vfx_deepfake.image.blend import HALF_MAX, clean_comp, composite, storable

SHAPE = (3, 4, 3)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
HALVES = st.floats(width=16, allow_nan=False, allow_infinity=False)
MATTES = hnp.arrays(np.float32, SHAPE[:2], elements=st.floats(0, 1, width=32))


def images(elements: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float32, SHAPE, elements=elements)


PLATES = st.one_of(images(FLOATS), images(HALVES))


def bits(image: np.ndarray) -> np.ndarray:
    return image.view(np.uint32)


def rule(plate: np.ndarray, degrained: np.ndarray, face: np.ndarray, matte: np.ndarray, gain: float) -> np.ndarray:
    """The whole rule with a grain that is re-levelled by ``gain`` where the clean comp changed."""
    clean = clean_comp(degrained, face, matte)
    with np.errstate(all="ignore"):
        grain = (plate - degrained) * np.where(clean == degrained, np.float32(1), np.float32(gain))
    return composite(plate, degrained, clean, grain, matte)


@settings(max_examples=200, deadline=None)
@given(PLATES, images(FLOATS), MATTES, st.floats(0, 4, width=32))
def test_face_equal_to_the_degrained_plate_gives_the_plate(plate, degrained, matte, gain) -> None:
    assert np.array_equal(bits(rule(plate, degrained, degrained.copy(), matte, gain)), bits(plate))


@settings(max_examples=200, deadline=None)
@given(PLATES, images(FLOATS), images(st.floats(width=32)), st.floats(0, 4, width=32))
def test_empty_matte_gives_the_plate_whatever_the_face_is(plate, degrained, face, gain) -> None:
    assert np.array_equal(bits(rule(plate, degrained, face, np.zeros(SHAPE[:2], np.float32), gain)), bits(plate))


@settings(max_examples=200, deadline=None)
@given(PLATES, images(st.floats(width=32)), images(st.floats(width=32)), MATTES, st.floats(0, 4, width=32))
def test_no_nan_or_infinity_is_ever_added(plate, degrained, face, matte, gain) -> None:
    assert np.isfinite(rule(plate, degrained, face, matte, gain)).all()


@settings(max_examples=100, deadline=None)
@given(images(HALVES), images(HALVES), MATTES)
def test_through_half_the_plate_s_halves_come_back(plate, face, matte) -> None:
    result = storable(rule(plate, plate, face, matte, 1.0), plate, half=True)
    assert np.isfinite(result.astype(np.float16)).all()
    kept = (matte == 0)[..., None] | (face == plate)
    halves = [image.astype(np.float16).view(np.uint16)[kept] for image in (result, plate)]
    assert np.array_equal(*halves)


def test_bad_pixels_of_the_plate_itself_are_left_as_they_are() -> None:
    plate = np.full((1, 3, 3), [[np.nan] * 3, [np.inf] * 3, [-0.0] * 3], np.float32)
    result = storable(rule(plate, plate, np.ones_like(plate), np.ones((1, 3), np.float32), 1.0), plate, half=True)
    assert np.array_equal(bits(result[:, :2]), bits(plate[:, :2])) and (result[:, 2] == 1).all()
    untouched = storable(rule(plate, plate, np.ones_like(plate), np.zeros((1, 3), np.float32), 1.0), plate, half=True)
    assert np.array_equal(bits(untouched), bits(plate))


def test_full_matte_gives_the_face_under_its_own_grain() -> None:
    rng = np.random.default_rng(3)
    degrained = rng.uniform(-0.1, 20, (8, 8, 3)).astype(np.float32)
    plate = degrained + rng.normal(0, 0.01, degrained.shape).astype(np.float32)
    face = degrained * np.float32(1.5)
    # three float32 sums of values up to 30: a few units in the last place of 32
    np.testing.assert_allclose(
        rule(plate, degrained, face, np.ones((8, 8), np.float32), 2.0),
        face + 2 * (plate - degrained),
        atol=4 * 32 * 2**-24,
    )


def test_a_value_too_large_for_half_is_held_at_the_largest() -> None:
    plate = np.zeros((1, 2, 3), np.float32)
    result = np.full_like(plate, [[1e6, -1e6, 1.0]])
    assert storable(result, plate, half=True)[0, 0] == pytest.approx([HALF_MAX, -HALF_MAX, 1.0])
    assert np.array_equal(storable(result, plate, half=False), result)
