"""Dense motion and sampling along it."""

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import (
    dense_flow,
    identity_map,
    matching_grey,
    refine_map,
    sample,
    sample_map,
)

WINDOW = Window(-3, 5, 96, 80)


def texture(height: int = 80, width: int = 96, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    return 0.4 + 0.6 * (cv2.GaussianBlur(noise, (0, 0), 1.5) - 0.5)


@pytest.mark.parametrize("sharp", [True, False])
@pytest.mark.parametrize("channels", [None, 1, 3, 4, 5, 9])
def test_at_its_own_positions_a_picture_is_itself(sharp, channels):
    shape = (80, 96) if channels is None else (80, 96, channels)
    image = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    again = sample(image, WINDOW, identity_map(WINDOW), sharp)
    assert again.reshape(-1).shape == image.reshape(-1).shape
    # whole-pixel positions pick pixels; the kernel's weights sum to 1 within float32
    np.testing.assert_allclose(again.reshape(image.shape), image, atol=2e-6)


def test_positions_are_absolute_plate_pixels():
    image = np.arange(80 * 96, dtype=np.float32).reshape(80, 96)
    target = Window(10, 20, 4, 3)
    assert np.array_equal(sample(image, WINDOW, identity_map(target), sharp=False), image[target.slices(WINDOW)])


def test_outside_its_window_the_edge_goes_on():
    image = texture()
    outside = identity_map(Window(WINDOW.right + 5, WINDOW.y, 2, WINDOW.height))
    np.testing.assert_allclose(sample(image, WINDOW, outside)[:, 0], image[:, -1], atol=1e-6)


def test_a_map_outside_its_window_keeps_its_shift():
    shifted = identity_map(WINDOW) + np.float32(7)
    outside = identity_map(Window(WINDOW.right + 5, WINDOW.y, 2, WINDOW.height))
    np.testing.assert_allclose(sample_map(shifted, WINDOW, outside), outside + 7, atol=1e-4)


@pytest.mark.parametrize("dx, dy", [(0, 0), (3, 0), (0, -2), (-4, 3)])
def test_flow_finds_whole_pixel_moves(dx, dy):
    image = texture()
    moved = np.roll(image, (dy, dx), axis=(0, 1))
    flow = dense_flow(matching_grey(image), matching_grey(moved))
    inner = flow[16:-16, 16:-16]
    # DIS interpolates 8-bit pictures: a twentieth of a pixel is its usual error on texture this fine
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), (dx, dy), atol=0.05)
    assert np.abs(inner - (dx, dy)).max() < 0.5


def test_flow_survives_a_change_of_light():
    image = texture()
    brighter = np.roll(image, 2, axis=1) + 0.06  # one stop up
    flow = dense_flow(matching_grey(image), matching_grey(brighter))[16:-16, 16:-16]
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), (2, 0), atol=0.1)


def test_the_same_pictures_give_the_same_flow():
    grey, other = matching_grey(texture()), matching_grey(texture(seed=2))
    assert np.array_equal(dense_flow(grey, other), dense_flow(grey, other))


def test_flow_of_tiny_pictures_is_zero():
    assert not dense_flow(np.zeros((8, 40), np.uint8), np.full((8, 40), 255, np.uint8)).any()


def test_flow_refuses_pictures_of_two_sizes():
    with pytest.raises(ValueError, match=r"differ in size: \(8, 8\) and \(9, 8\)"):
        dense_flow(np.zeros((8, 8), np.uint8), np.zeros((9, 8), np.uint8))


def test_matching_grey_takes_negatives_and_highlights():
    wild = texture()
    wild[0, 0], wild[0, 1] = -5.0, 50.0
    assert matching_grey(wild).dtype == np.uint8


def test_refining_corrects_a_wrong_map():
    source = texture()
    target = np.roll(source, 3, axis=1)
    wrong = identity_map(WINDOW) + np.float32([1.5, 0])  # the truth is -3
    right = refine_map(target, WINDOW, source, WINDOW, wrong, passes=2) - identity_map(WINDOW)
    np.testing.assert_allclose(np.median(right[16:-16, 16:-16], axis=(0, 1)), (-3, 0), atol=0.05)
