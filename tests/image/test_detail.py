"""Texture: the plate's pores come back where they should, nothing coarser moves, wrinkles are spared."""

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.detail import (
    MOST_EXPRESSION,
    OCTAVES_PX,
    PORE_PX,
    expression_gain,
    pore_band,
    return_texture,
    texture_amount,
    wrinkle_matte,
)

SHAPE = (120, 160)
ONE = np.ones(SHAPE, np.float32)


def pores(seed: int = 0, level: float = 0.01) -> np.ndarray:
    fine = np.random.default_rng(seed).standard_normal((*SHAPE, 3)).astype(np.float32)
    fine = cv2.GaussianBlur(fine, (0, 0), 0.6) - cv2.GaussianBlur(fine, (0, 0), 1.0)
    return level * fine / fine.std()


def face(seed: int = 0, level: float = 0.01) -> np.ndarray:
    shade = np.linspace(0.35, 0.5, SHAPE[1], dtype=np.float32)[None, :, None]
    return (shade + pores(seed, level)).astype(np.float32)


@pytest.mark.parametrize("scale", [0.6, 1.0, 3.0])
def test_the_plate_s_pores_replace_the_face_s_and_nothing_coarser_moves(scale: float) -> None:
    smooth, plate = face(1, 0.001) + 0.1, face(0)
    done = return_texture(smooth, plate, ONE, scale)
    # the band is no projection: of what it adds it sees a little less; most where it is narrowest
    np.testing.assert_allclose(pore_band(done, scale).std(), pore_band(plate, scale).std(), rtol=0.25)
    # four deviations above the band's limit nothing is left of a band of pores
    moved = cv2.GaussianBlur(done - smooth, (0, 0), 4 * PORE_PX * scale)
    assert np.abs(moved).max() < 0.05 * np.abs(done - smooth).max()


def test_the_plate_s_own_picture_comes_back_as_itself() -> None:
    plate = face()
    np.testing.assert_allclose(return_texture(plate, plate, ONE, 1.0), plate, atol=1e-7)  # float32 rounding of the band


def test_the_amount_mixes_and_then_exaggerates() -> None:
    smooth, plate = face(1, 0.0), face(0)
    levels = [pore_band(return_texture(smooth, plate, ONE * share, 1.0), 1.0).std() for share in (0.0, 0.5, 1.0, 2.0)]
    np.testing.assert_allclose(np.array(levels[1:]) / levels[2], (0.5, 1.0, 2.0), rtol=0.02)
    assert levels[0] < 0.01 * levels[2]  # the border of the shading


def test_where_nothing_is_asked_the_bits_stay() -> None:
    smooth, plate, left = face(1), face(0), ONE.copy()
    left[:, 80:] = 0
    done = return_texture(smooth, plate, left, 1.0)
    assert np.array_equal(done[:, 80:], smooth[:, 80:]) and not np.array_equal(done[:, :80], smooth[:, :80])
    assert return_texture(smooth, plate, 0 * ONE, 1.0) is smooth
    assert np.array_equal(return_texture(smooth, plate, 0 * ONE, 1.0, ONE, 0 * ONE), smooth)


@pytest.mark.parametrize("softness", [0.5, 0.8, 1.2])
def test_a_soft_face_becomes_as_rough_as_the_plate_octave_by_octave(softness: float) -> None:
    """The face has its own pores, blurred: what is left of them stays, what is missing comes from the plate."""
    own, plate = face(1), face(0)
    soft = cv2.GaussianBlur(own, (0, 0), softness)
    done = return_texture(soft, plate, ONE, 1.0)
    for sigma in OCTAVES_PX[:2]:  # pores of this picture have next to nothing in the third
        rough = [(one - cv2.GaussianBlur(one, (0, 0), sigma))[10:-10, 10:-10].std() for one in (done, plate)]
        assert rough[0] == pytest.approx(rough[1], rel=0.12)  # two sets of pores agree by chance, or not
    left, added = pore_band(soft, 1.0).ravel(), (done - soft).ravel()
    assert abs(added @ left) < 0.2 * (left @ left)  # taken out it would be -1


def test_a_face_as_rough_as_its_plate_stays_so() -> None:
    done = return_texture(face(1), face(0), ONE, 1.0)
    assert pore_band(done, 1.0).std() == pytest.approx(pore_band(face(1), 1.0).std(), rel=0.1)


def test_a_smooth_skin_with_fine_pores_gets_no_blotches() -> None:
    """What lacks the coarse and has the fine is smooth, not soft."""
    blotches = 0.05 * cv2.GaussianBlur(pores(3, 1.0), (0, 0), 2.0)
    done = return_texture(face(0), face(0) + blotches, ONE, 1.0)
    assert np.abs(done - face(0)).std() < 0.2 * blotches.std()


@pytest.mark.parametrize(("depth", "width"), [(0.05, 1.2), (0.15, 2.5)], ids=["crow's foot", "fold"])
def test_where_the_plate_has_a_line_the_pores_of_the_skin_beside_come(depth: float, width: float) -> None:
    plate, smooth = creased(depth, width), face(1, 0.0)
    lines = wrinkle_matte(plate, 1.0)
    done = return_texture(smooth, plate, ONE, 1.0, lines)
    on_line, beside = np.s_[20:-20, 77:84], np.s_[20:-20, 20:50]
    added = done - smooth
    assert np.abs(added[on_line].mean(axis=0)).max() < 0.05 * depth  # along a line pores cancel, the line would not
    rough = [added[place].std() for place in (on_line, beside)]
    assert rough[0] == pytest.approx(rough[1], rel=0.3)  # few pores lie on a line
    without = return_texture(smooth, plate, ONE, 1.0, 0 * lines) - smooth
    assert np.abs(without[on_line].mean(axis=0)).max() > 0.1 * depth  # not spared, the line is there


def test_a_mole_of_the_plate_stays_out_and_its_pores_come() -> None:
    column, row = np.arange(SHAPE[1])[None, :, None], np.arange(SHAPE[0])[:, None, None]
    mole = -0.1 * np.exp(-((column - 80) ** 2 + (row - 60) ** 2) / (2 * 1.5**2)).astype(np.float32)
    smooth, plate = face(1, 0.0), face(0, 0.003)
    done = return_texture(smooth, plate + mole, ONE, 1.0)
    assert (
        np.abs((done - smooth)[55:66, 75:86]).max() < 0.4 * 0.1
    )  # MOST deviations of each octave, which the mole itself raises
    beside = np.s_[20:100, 5:30]
    assert (done - smooth)[beside].std() == pytest.approx((plate - face(0, 0.0))[beside].std(), rel=0.1)


def creased(depth: float, width: float = 2.5) -> np.ndarray:
    column = np.arange(SHAPE[1], dtype=np.float32)[None, :, None]
    return face(0, 0.003) - np.float32(depth) * np.exp(-((column - 80) ** 2) / (2 * width**2))


@pytest.mark.parametrize(("depth", "width"), [(0.05, 1.2), (0.15, 2.5)], ids=["crow's foot", "fold"])
def test_wrinkles_and_edges_are_spared_and_plain_skin_is_not(depth: float, width: float) -> None:
    spared = wrinkle_matte(creased(depth, width), 1.0)
    assert spared[20:-20, 78:83].min() > 0.9  # on the crease
    assert spared[20:-20, 20:50].max() < 0.05 and spared[20:-20, 110:140].max() < 0.05
    assert wrinkle_matte(face(0, 0.003), 1.0).max() < 0.05
    deeper = [wrinkle_matte(creased(depth), 1.0)[60, 80] for depth in (0.01, 0.04, 0.08, 0.2)]
    assert all(np.diff(deeper) >= 0) and deeper[0] < 0.2 and deeper[-1] == pytest.approx(1, abs=0.02)


def test_the_wrinkle_matte_grows_with_the_face() -> None:
    small = wrinkle_matte(creased(0.15), 1.0)
    large = wrinkle_matte(cv2.resize(creased(0.15), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 2.0)
    # the same face at twice the size; pixel rounding of the growing
    assert np.abs(cv2.resize(large, (SHAPE[1], SHAPE[0]), interpolation=cv2.INTER_AREA) - small).mean() < 0.02


def test_regions_lie_over_each_other_and_wrinkles_take_off() -> None:
    left, right = ONE.copy(), ONE.copy()
    left[:, 80:], right[:, :60] = 0, 0
    spared = np.zeros(SHAPE, np.float32)
    spared[:60] = 0.75
    amount = texture_amount({"skin": left, "lips": right}, {"skin": 1.0, "lips": 0.5}, 0.8, spared)
    bottom = amount[-1]
    np.testing.assert_allclose(bottom[:60], 0.8, rtol=1e-6)
    np.testing.assert_allclose(bottom[60:], 0.4, rtol=1e-6)
    np.testing.assert_allclose(amount[0], bottom * 0.25, rtol=1e-6)
    assert np.array_equal(texture_amount({"skin": left}, {"skin": 1.0}, 0.8), np.float32(0.8) * left)


def test_stretched_skin_is_smoother_and_compressed_rougher() -> None:
    gain = expression_gain(np.array([-10, -0.2, 0, 0.2, 10], np.float32), 1.0)
    np.testing.assert_allclose(gain, [MOST_EXPRESSION, 0.2, 0, -0.2, -MOST_EXPRESSION], rtol=1e-6)
    plate = face()
    rough, smooth = (
        pore_band(
            return_texture(plate, plate, 0 * ONE, 1.0, expression=np.full(SHAPE, sign * 0.3, np.float32)), 1.0
        ).std()
        for sign in (1, -1)
    )
    base = pore_band(plate, 1.0).std()
    # the band is not quite a projection: what it adds it does not see whole
    assert 1.2 < rough / base < np.exp(0.3) + 0.01 and np.exp(-0.3) - 0.01 < smooth / base < 0.85
