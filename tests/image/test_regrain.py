"""Regraining: exact where nothing changed, right in level where something did, whoever asks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vfx_deepfake.image.blend import clean_comp, composite
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import NO_GRAIN, flat_model
from vfx_deepfake.image.grain_synth import GrainField
from vfx_deepfake.image.regrain import METHODS, Regrainer

SIGMA = 0.005  # log code
MODEL = flat_model(SIGMA, 0.25)
WINDOW = Window(-7, 3, 192, 160)
SMALL = Window(4, -2, 7, 5)
IMAGES = hnp.arrays(np.float32, (*SMALL.shape, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
MATTES = hnp.arrays(np.float32, SMALL.shape, elements=st.floats(0, 1, width=32))
REGRAINERS = st.builds(
    Regrainer,
    st.sampled_from([MODEL, NO_GRAIN]),
    st.sampled_from(METHODS),
    st.just((0.5, 1.0, 2.0)),
    st.just("sh"),
    st.booleans(),
)


def bits(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image).view(np.uint32)


@settings(max_examples=150, deadline=None)
@given(IMAGES, IMAGES, MATTES, REGRAINERS)
def test_a_face_equal_to_the_degrained_plate_gives_the_plate(plate, degrained, matte, regrainer) -> None:
    clean = clean_comp(degrained, degrained.copy(), matte)
    grain = regrainer.grain(1001, plate, degrained, clean, matte, SMALL)
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.array_equal(bits(grain), bits(plate - degrained))
    assert np.array_equal(bits(composite(plate, degrained, clean, grain, matte)), bits(plate))


@settings(max_examples=150, deadline=None)
@given(IMAGES, IMAGES, IMAGES, MATTES, REGRAINERS)
def test_an_empty_matte_gives_the_plate_and_nothing_is_ever_infinite(plate, degrained, face, matte, regrainer) -> None:
    matte[::2] = 0
    clean = clean_comp(degrained, face, matte)
    grain = regrainer.grain(1001, plate, degrained, clean, matte, SMALL)
    result = composite(plate, degrained, clean, grain, matte)
    assert np.array_equal(bits(result[::2]), bits(plate[::2]))
    assert np.isfinite(result).all()


def scene(light: float = 0.2, left: float = 0.2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Plate, degrained plate and true clean picture of one light; ``left`` is the share of the grain's variance that degraining
    left in D, as the mean of 1 / left frames leaves it.
    """
    fields = [GrainField(MODEL, f"truth {index}").at(1, WINDOW) for index in range(round(1 / left) if left else 1)]
    clean = np.full((*WINDOW.shape, 3), light, np.float32)
    sigma = MODEL.sigma_lin(clean)
    plate = clean + sigma * fields[0]
    degrained = clean + sigma * (sum(fields) / len(fields) if left else 0)
    return plate.astype(np.float32), degrained.astype(np.float32), clean


ONES = np.ones(WINDOW.shape, np.float32)


@pytest.mark.parametrize("method", ["plate", "synth", "auto"])
@pytest.mark.parametrize("left", [0.0, 0.2])
def test_a_clean_face_gets_grain_of_the_right_level_at_its_own_light(method, left) -> None:
    plate, degrained, clean = scene(left=left)
    face = 2 * clean
    grain = Regrainer(MODEL, method, seed="sh").grain(1, plate, degrained, face, ONES, WINDOW)
    deviation = (grain / MODEL.sigma_lin(face)).std(axis=(0, 1))
    # 30,000 px of white noise: 0.4 % by chance; the local level is measured on the grain itself
    np.testing.assert_allclose(deviation, 1, atol=0.03)


def test_what_degraining_left_is_not_returned_twice() -> None:
    """A change laid on the degrained plate: its left-over grain and the residual make the plate's grain together."""
    plate, degrained, clean = scene()
    for method in ("plate", "auto"):
        regrainer = Regrainer(MODEL, method, seed="sh", of_plate=True)
        face = 2 * degrained
        grain = regrainer.grain(1, plate, degrained, face, ONES, WINDOW)
        total = (face + grain - 2 * clean) / MODEL.sigma_lin(2 * clean)
        np.testing.assert_allclose(total.std(axis=(0, 1)), 1, atol=0.03)
        np.testing.assert_allclose(grain, 2 * (plate - degrained), rtol=0.05, atol=1e-5)  # at twice the light


def test_the_plate_s_own_grain_is_kept_where_the_comp_is_the_same_picture_elsewhere_lit() -> None:
    plate, degrained, _ = scene()
    face = 1.05 * degrained
    auto = Regrainer(MODEL, "auto", seed="sh").grain(1, plate, degrained, face, ONES, WINDOW)
    assert np.corrcoef(auto.ravel(), (plate - degrained).ravel())[0, 1] > 0.99


def test_a_dirty_residual_gives_way_to_the_model_s_grain() -> None:
    """A line that degraining took away: it must not come back on another picture."""
    plate, degrained, clean = scene()
    plate[:, 60:63] += 8 * MODEL.sigma_lin(plate[:, 60:63])
    rng = np.random.default_rng(1)
    face = (clean * (1 + 0.05 * rng.standard_normal(clean.shape))).astype(np.float32)  # another picture altogether
    for of_plate in (False, True):
        grain = Regrainer(MODEL, "auto", seed="sh", of_plate=of_plate).grain(1, plate, degrained, face, ONES, WINDOW)
        line = (grain / MODEL.sigma_lin(face))[:, 61].mean()
        assert abs(line) < 0.4  # of 8; 160 px of white noise: 0.08 by chance, in three channels that correlate
    kept = Regrainer(MODEL, "plate", seed="sh", of_plate=True).grain(1, plate, degrained, face, ONES, WINDOW)
    assert (kept / MODEL.sigma_lin(face))[:, 61].mean() > 7


def test_no_edge_shows_where_the_matte_ends() -> None:
    """Grain of constant deviation across a soft matte, whatever the method."""
    plate, degrained, clean = scene()
    matte = np.broadcast_to(np.clip(np.linspace(-1, 2, WINDOW.width), 0, 1), WINDOW.shape).astype(np.float32)
    comp = clean_comp(degrained, 1.5 * clean, matte)
    for method in ("plate", "synth", "auto"):
        grain = Regrainer(MODEL, method, seed="sh").grain(1, plate, degrained, comp, matte, WINDOW)
        left = comp - (clean + matte[..., None] * 0.5 * clean)  # what D has left and the matte lets through
        deviation = ((grain + left) / MODEL.sigma_lin(comp)).std(axis=(0, 2))
        # 480 px a column: 3 % by chance, 4 of those; and up to 8 % where own and made grain of D's left-over mix
        assert deviation.min() > 0.85 and deviation.max() < 1.16


def test_gain_is_per_channel_and_for_what_changed() -> None:
    plate, degrained, clean = scene()
    plain, loud = (Regrainer(MODEL, "synth", gain, "sh") for gain in ((1, 1, 1), (0.0, 1.0, 2.0)))
    face = 2 * clean
    face[:, :50] = degrained[:, :50]
    one, two = (r.grain(1, plate, degrained, face, ONES, WINDOW) for r in (plain, loud))
    np.testing.assert_allclose(two[:, 50:], one[:, 50:] * (0, 1, 2), rtol=1e-5)
    assert np.array_equal(bits(two[:, :50]), bits((plate - degrained)[:, :50]))


def test_none_leaves_what_changed_clean() -> None:
    plate, degrained, clean = scene()
    assert not Regrainer(MODEL, "none").grain(1, plate, degrained, 2 * clean, ONES, WINDOW).any()
    half = Regrainer(MODEL, "none").grain(1, plate, degrained, 2 * clean, 0.5 * ONES, WINDOW)
    np.testing.assert_allclose(half, 0.5 * (plate - degrained), rtol=1e-5)


def test_synthesised_grain_does_not_depend_on_the_window() -> None:
    plate, degrained, clean = scene()
    part = WINDOW.expand(-30)
    inside = part.slices(WINDOW)
    regrainer = Regrainer(MODEL, "synth", seed="sh", of_plate=False)
    whole = regrainer.grain(7, plate, degrained, 2 * clean, ONES, WINDOW)
    alone = regrainer.grain(7, *(image[inside] for image in (plate, degrained, 2 * clean, ONES)), part)
    assert np.array_equal(
        alone[16:-16, 16:-16], whole[inside][16:-16, 16:-16]
    )  # LEVEL_PX // 2 sees past the window's edge


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(ValueError, match="grain method 'best'; known are auto, plate, synth, none"):
        Regrainer(MODEL, "best")
