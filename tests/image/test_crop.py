"""Windows, cutting and pasting."""

import itertools

import numpy as np
import pytest

from vfx_deepfake.image.crop import Window, centred, common_size, cut, paste

SMALL = [Window(x, y, w, h) for x, y, w, h in itertools.product((-2, 0, 1), (-1, 2), (0, 1, 3), (0, 2))]


def pixels(window: Window) -> set[tuple[int, int]]:
    return set(itertools.product(range(window.x, window.right), range(window.y, window.bottom)))


@pytest.mark.parametrize("other", SMALL)
def test_windows_behave_like_sets_of_pixels(other: Window) -> None:
    for window in SMALL:
        assert pixels(window.intersect(other)) == pixels(window) & pixels(other)
        assert pixels(window) | pixels(other) <= pixels(window.union(other))
        assert window.contains(other) == (pixels(other) <= pixels(window))
        assert window.empty == (not pixels(window))


def test_expanding_then_shrinking_gives_the_window_back() -> None:
    window = Window(-3, 5, 10, 7)
    assert window.expand(4) == Window(-7, 1, 18, 15)
    assert window.expand(4).expand(-4) == window
    assert window.expand(-5).empty


def test_cut_repeats_the_edge_outside_the_image() -> None:
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    out = cut(image, Window(10, 20, 4, 3), Window(8, 19, 7, 5))
    np.testing.assert_array_equal(out, np.pad(image, ((1, 1), (2, 1)), mode="edge"))


def test_cut_far_outside_is_the_nearest_corner() -> None:
    image = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert (cut(image, Window(0, 0, 3, 2), Window(50, 50, 2, 2)) == 5).all()


def test_cut_inside_is_a_copy_of_the_pixels() -> None:
    image = np.arange(24, dtype=np.float32).reshape(4, 6)
    out = cut(image, Window(-1, -1, 6, 4), Window(0, 1, 2, 2))
    np.testing.assert_array_equal(out, image[2:4, 1:3])
    out[:] = 0
    assert image[2, 1] == 13


def test_paste_undoes_cut_and_leaves_the_rest() -> None:
    rng = np.random.default_rng(1)
    image = rng.standard_normal((5, 6, 3)).astype(np.float32)
    frame, window = Window(2, 3, 6, 5), Window(0, 4, 5, 9)
    pasted = image.copy()
    paste(pasted, frame, cut(image, frame, window), window)
    np.testing.assert_array_equal(pasted, image)
    paste(pasted, frame, np.zeros((9, 5, 3), np.float32), window)
    assert (pasted[1:, :3] == 0).all()
    assert np.array_equal(pasted[0], image[0]) and np.array_equal(pasted[:, 3:], image[:, 3:])


def test_one_size_holds_every_box() -> None:
    boxes = [Window(0, 0, 90, 100), Window(5, 5, 110, 40), Window(0, 0, 0, 0)]
    assert common_size(boxes, 16, 0.1) == (144, 128)  # 110 * 1.2 = 132 and 100 * 1.2 = 120, up to the next 16
    assert common_size([], 16, 0.1) == (0, 0)
    assert centred(Window(0, 0, 90, 100), 144, 128) == Window(-27, -14, 144, 128)


def test_around_ignores_missing_points() -> None:
    assert Window.around(np.array([[1.2, -0.5], [np.nan, 4], [3.0, 2.5]])) == Window(1, -1, 2, 4)
    assert Window.around(np.full((3, 2), np.nan)).empty


def test_a_negative_size_and_a_wrong_image_are_refused() -> None:
    with pytest.raises(ValueError, match="size can't be negative, got -1 x 2"):
        Window(0, 0, -1, 2)
    with pytest.raises(ValueError, match=r"image of 3 x 2 pixels does not cover"):
        cut(np.zeros((2, 3)), Window(0, 0, 2, 2), Window(0, 0, 1, 1))
    with pytest.raises(ValueError, match="reaches outside"):
        Window(0, 0, 3, 3).slices(Window(0, 0, 2, 3))
