"""The grain model against grain of known strength, and regraining's exactness."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import identity_map
from vfx_deepfake.image.grain import (
    LEVELS,
    NO_GRAIN,
    NUM_BANDS,
    GrainModel,
    Sample,
    fit_grain,
    is_clean,
    regrain,
    sample_between,
    split_bands,
)

SIZE = (160, 240)
AMOUNT = np.array([0.006, 0.004, 0.010], np.float32)  # deviation in log code, as film has it


def picture(size: tuple[int, int] = SIZE) -> np.ndarray:
    """A ramp over the light levels with a few hard edges, log code."""
    rows, columns = np.indices(size, np.float32)
    ramp = 0.2 + 0.5 * columns / size[1]
    ramp += 0.1 * (np.sin(rows / 25) > 0.9)
    return np.repeat(ramp[..., None], 3, -1).astype(np.float32)


def grain(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = cv2.GaussianBlur(rng.standard_normal((*size, 3)).astype(np.float32), (0, 0), 0.7)
    return field / field.std(axis=(0, 1)) * AMOUNT


def seen(centre: np.ndarray, *others: np.ndarray) -> Sample:
    """A frame between neighbours of a picture that stands still."""
    window = Window.of_image(centre)
    return sample_between(centre, [(other, identity_map(window)) for other in others], window)


def measured(frames: int = 3) -> GrainModel:
    samples = [seen(*(picture() + grain(3 * i + offset) for offset in range(3))) for i in range(frames)]
    return fit_grain(samples, clean=False)


def test_known_grain_is_measured() -> None:
    model = measured()
    for level in (0.3, 0.45, 0.6):
        sigma = model.sigma_log(np.full((1, 3), level, np.float32))[0]
        # three samples of one 0.05 wide level hold about 3000 independent grains: 1.2 % by chance
        np.testing.assert_allclose(sigma, AMOUNT, rtol=0.06)
    # bands of grain blurred by 0.7 px, from two million random numbers put through the same transform
    bands, _ = split_bands(grain(99, (1024, 1024)) / AMOUNT)
    expected = np.array([band.std(axis=(0, 1)) for band in bands]).T
    np.testing.assert_allclose(np.array(model.bands), expected, rtol=0.15)  # coarse bands hold few independent values


def test_without_neighbours_the_finest_band_stands_in() -> None:
    model = fit_grain([seen(picture() + grain(1))], clean=False)
    sigma = model.sigma_log(np.full((1, 3), 0.45, np.float32))[0]
    np.testing.assert_allclose(sigma, AMOUNT, rtol=0.15)


def test_a_level_nobody_saw_takes_the_nearest_and_stays_positive() -> None:
    model = measured()
    ends = model.sigma_log(np.array([[-3.0] * 3, [9.0] * 3], np.float32))
    np.testing.assert_array_equal(ends[0], model.sigma_log(np.full((1, 3), LEVELS[0], np.float32))[0])
    assert (ends > 0).all()


def test_clean_plates_are_recognised() -> None:
    texture = picture()
    texture[40:120, 60:160] += 0.02 * grain(4)[40:120, 60:160] / AMOUNT  # skin-like texture in one part only
    assert is_clean(texture)
    assert not is_clean(texture + grain(5))
    assert is_clean(np.zeros((4, 4, 3), np.float32)) and is_clean(np.full((64, 64, 3), 0.5, np.float32))
    assert fit_grain([], clean=True) is NO_GRAIN
    assert fit_grain([seen(picture(), picture(), picture())], clean=False) is NO_GRAIN


def test_bands_sum_to_the_image() -> None:
    image = picture() + grain(1)
    bands, rest = split_bands(image)
    assert len(bands) == NUM_BANDS
    np.testing.assert_allclose(sum(bands) + rest, image, atol=4 * 2**-23)  # four subtractions of values below 1


def test_a_record_gives_the_same_model() -> None:
    model = measured(1)
    assert GrainModel.from_dict(model.to_dict()) == model
    assert GrainModel.from_dict(NO_GRAIN.to_dict()) == NO_GRAIN
    with pytest.raises(ValueError, match=r"want sigma \(3, 27\) and bands \(3, 4\), got \(2,\)"):
        GrainModel.from_dict({"sigma": [1, 2], "bands": []})


def test_grain_follows_the_light() -> None:
    """The comp twice as bright with a flat log response: linear grain doubles with it."""
    flat = GrainModel(((0.005,) * len(LEVELS),) * 3, ((0.5,) * NUM_BANDS,) * 3)
    degrained = np.full((32, 32, 3), 0.2, np.float32)
    plate = decode_log(encode_log(degrained) + 0.005 * grain(1, (32, 32)) / AMOUNT)
    returned = regrain(plate, degrained, 2 * degrained, flat)
    # the log is exactly logarithmic here; encode and decode round at 1e-7 of 0.005
    np.testing.assert_allclose(returned, 2 * (plate - degrained), rtol=2e-3, atol=1e-6)
    np.testing.assert_array_equal(regrain(plate, degrained, 2 * degrained, flat, gain=0.0), np.zeros_like(plate))


MODELS = st.sampled_from([NO_GRAIN, GrainModel(((0.005,) * len(LEVELS),) * 3, ((0.5,) * NUM_BANDS,) * 3)])
IMAGES = hnp.arrays(np.float32, (5, 7, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


@settings(max_examples=100, deadline=None)
@given(IMAGES, IMAGES, MODELS)
def test_the_same_picture_gets_its_own_grain_bit_for_bit(plate, degrained, model) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        own = plate - degrained
    assert np.array_equal(regrain(plate, degrained, degrained.copy(), model).view(np.uint32), own.view(np.uint32))


@settings(max_examples=100, deadline=None)
@given(IMAGES, IMAGES, MODELS)
def test_relevelling_is_finite_for_any_light(clean, degrained, model) -> None:
    gain = model.relevel(clean, degrained)
    assert np.isfinite(gain).all() and (gain > 0).all()
