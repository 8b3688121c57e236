"""Seams: seen where they are, not where they are not."""

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.seam import STIFFNESS, close_seam, membrane, seam_energy


def picture(seed: int = 0) -> np.ndarray:
    """Skin-like texture on a soft gradient, log encoded."""
    texture = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal((160, 200, 3)), (0, 0), 1.5) * 0.01
    return (np.linspace(0.3, 0.5, 200)[None, :, None] + texture).astype(np.float32)


def oval(soft_px: float = 2.0) -> np.ndarray:
    matte = np.zeros((160, 200), np.float32)
    cv2.ellipse(matte, (100, 80), (60, 55), 0, 0, 360, 1.0, -1)
    return cv2.GaussianBlur(matte, (0, 0), soft_px)


def test_equal_pictures_have_no_seam() -> None:
    assert seam_energy(picture(), oval(), picture()) == 0.0


@pytest.mark.parametrize("flat", [0.0, 1.0])
def test_a_matte_without_an_edge_has_no_seam(flat: float) -> None:
    assert seam_energy(picture() + 0.1, np.full((160, 200), flat, np.float32), picture()) == 0.0


def test_an_offset_inside_the_matte_is_seen_in_proportion_and_softer_edges_less() -> None:
    plate = picture()
    energies = [seam_energy(plate + step * oval()[..., None], oval(), plate) for step in (0.01, 0.02, 0.04)]
    # the plate's own gradient across the edge hides part of a step of the opposite sign, so not exactly twice
    assert energies[0] > 1e-4 and 1.8 < energies[1] / energies[0] < 2.6 and 1.8 < energies[2] / energies[1] < 2.4
    assert seam_energy(plate + 0.02 * oval(8)[..., None], oval(8), plate) < 0.5 * energies[1]


def test_new_texture_of_the_same_kind_is_hardly_a_seam() -> None:
    plate, other = picture(), picture(1)
    matte = oval()[..., None]
    fresh = seam_energy(plate + matte * (other - plate), oval(), plate)
    seam = seam_energy(plate + 0.02 * matte, oval(), plate)
    assert fresh < 0.15 * seam


def offset() -> np.ndarray:
    """A smooth offset of every channel, (160, 200, 3) log."""
    across = np.linspace(0.02, 0.06, 200)[None, :, None] * np.array([1, 0.5, -1])
    return np.broadcast_to(across, (160, 200, 3)).astype(np.float32)


def test_a_smooth_offset_goes_and_detail_stays() -> None:
    plate, matte = picture(), oval()
    detail = picture(1) - np.linspace(0.3, 0.5, 200, dtype=np.float32)[None, :, None]
    spot = np.zeros((160, 200, 1), np.float32)
    spot[70:90, 90:110] = 0.05  # painted in the middle of the face: no business of the seam
    wanted = plate + spot
    mended = close_seam(wanted + offset(), plate, matte, 1.0, 1.0)
    inside = matte > 0.5
    # the offset is linear, which a membrane holds but for its STIFFNESS against the pins
    assert np.abs(mended - wanted)[inside].max() < 0.03 * offset().max()
    rough = close_seam(wanted + offset() + 0.3 * detail, plate, matte, 1.0, 1.0)
    left = rough - wanted - 0.3 * detail
    assert np.abs(left)[inside].max() < 0.06 * offset().max()
    comp = lambda face: plate + matte[..., None] * (face - plate)  # noqa: E731
    before, after = (seam_energy(comp(face), matte, comp(wanted)) for face in (wanted + offset(), mended))
    assert after < 0.02 * before


def test_half_the_strength_takes_half_and_none_takes_nothing() -> None:
    plate, matte = picture(), oval()
    face = plate + offset()
    whole, half = (close_seam(face, plate, matte, strength, 1.0) - face for strength in (1.0, 0.5))
    np.testing.assert_allclose(half, 0.5 * whole, atol=1e-7)  # rounding of the sum
    assert close_seam(face, plate, matte, 0.0, 1.0) is face


def test_no_edge_or_no_difference_changes_no_bit() -> None:
    plate = picture()
    face = plate + offset()
    for flat in (0.0, 1.0):
        assert np.array_equal(close_seam(face, plate, np.full((160, 200), flat, np.float32), 1.0, 1.0), face)
    assert np.array_equal(close_seam(plate.copy(), plate, oval(), 1.0, 1.0), plate)


def test_a_face_that_runs_into_the_plate_at_its_edge_is_left_alone() -> None:
    plate, painted = picture(), np.zeros((160, 200), np.float32)
    cv2.ellipse(painted, (100, 80), (30, 25), 0, 0, 360, 0.1, -1)
    face = plate + cv2.GaussianBlur(painted, (0, 0), 3)[..., None]
    assert np.array_equal(close_seam(face, plate, oval(), 1.0, 1.0), face)
    soft = close_seam(face, plate, oval(6), 1.0, 1.0)
    assert np.abs(soft - face).max() < 0.01 * 0.1


def test_a_membrane_keeps_to_its_pins_and_is_linear_between_two() -> None:
    pins = np.zeros((5, 33))
    pins[:, 0] = pins[:, -1] = 1.0
    wanted = np.zeros((5, 33, 1))
    wanted[:, -1] = 1.0
    held = membrane(wanted * pins[..., None], pins)
    np.testing.assert_allclose(
        held[2, :, 0], np.linspace(0, 1, 33), atol=STIFFNESS / 32 + 1e-3
    )  # the ends give by that
