"""Seams: seen where they are, not where they are not."""

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.seam import seam_energy


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
