"""The plate's mouth between another person's lips, against mouths drawn where they are known to be."""

from dataclasses import replace

import numpy as np
import pytest

from vfx_deepfake.face.topology import LIPS_INNER, LIPS_OUTER
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import LUMA
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.mouth import (
    LOWER,
    MOST_LOG,
    NUM_NUMBERS,
    UPPER,
    as_open,
    narrowed,
    solve_mouth,
    with_mouth,
)
from vfx_deepfake.model.identity.renderer_inputs import Inputs, look

SIZE = 320
PX_PER_CM = SIZE / SIDE_CM
SKIN_LOG = np.float32(0.4)
LIP, TEETH, DARK = np.array([0.0, -0.06, -0.05]), np.array([-0.02, 0.0, 0.02]), np.array([-0.3, -0.3, -0.3])
NOTHING = np.zeros(NUM_NUMBERS, np.float32)


def points(opening_cm: float) -> np.ndarray:
    """The canonical head's, its lips apart in the middle and shut at the corners."""
    found = canonical.texture_points(SIZE).astype(np.float32)
    right, left = found[LIPS_INNER[0]], found[LIPS_INNER[10]]
    across = 2 * (found[:, :1] - right[0]) / (left[0] - right[0]) - 1
    apart = 0.5 * opening_cm * PX_PER_CM * np.clip(1 - across**2, 0, 1)
    shut = 0.5 * (found[UPPER, 1] + found[LOWER, 1])
    for inner, outer, way in ((UPPER, LIPS_OUTER[1:10], -1), (LOWER, LIPS_OUTER[:10:-1], 1)):
        thick = found[list(outer), 1] - found[inner, 1]
        found[inner, 1] = shut + way * apart[inner, 0]
        found[list(outer), 1] = found[inner, 1] + thick
    return found


def between(drawn: np.ndarray, upper: list[int], lower: list[int]) -> np.ndarray:
    """(SIZE, SIZE, 1): what lies between two lines, its edges a pixel soft."""
    at = np.arange(SIZE) + 0.5
    top, bottom = (np.interp(at, drawn[line, 0], drawn[line, 1]) for line in (upper, lower))
    inside = (at > drawn[upper[0], 0]) & (at < drawn[upper[-1], 0])
    return (np.clip(at[:, None] - top + 0.5, 0, 1) * np.clip(bottom - at[:, None] + 0.5, 0, 1) * inside)[..., None]


def speaking(opening_cm: float = 0.8, ends_cm: tuple[float, float] = (0.0, 0.0), teeth: np.ndarray = TEETH) -> View:
    """A face of one colour with lips, teeth in the upper half of its mouth and dark below; lips end ``ends_cm`` inside their lines."""
    drawn = points(opening_cm)
    really = narrowed(drawn, *ends_cm)
    mouth = between(really, UPPER, LOWER)
    lips = between(really, list(LIPS_OUTER[1:10]), list(LIPS_OUTER[:10:-1])) - mouth
    half = drawn[[UPPER[4], LOWER[4]], 1].mean()
    inside = np.where((np.arange(SIZE) + 0.5 < half)[:, None, None], teeth, DARK)
    picture = SKIN_LOG + lips * LIP + mouth * inside
    return View(picture.astype(np.float32), drawn, np.zeros(3, np.float32), np.ones((SIZE, SIZE), np.float32))


def shown(inputs: Inputs) -> np.ndarray:
    return inputs.borrowed[..., :3] + inputs.light + inputs.level


def well_inside(view: View, share: float = 0.99) -> np.ndarray:
    return with_mouth(look(view), view, view.points, NOTHING, NOTHING).borrowed[..., 3] > share


@pytest.mark.parametrize("ends", [(0.0, 0.0), (0.1, 0.0), (0.14, 0.06), (-0.06, 0.04)])
def test_lips_that_end_beside_their_lines_and_the_colour_of_teeth_are_found(ends: tuple[float, float]):
    found = solve_mouth([speaking(opening, ends) for opening in (0.6, 0.7, 0.8, 0.9, 1.0)])
    # a pixel is 0.05 cm, what is looked at lies 0.02 cm apart, and far ends are thought a little less likely
    np.testing.assert_allclose(found[:2], ends, atol=0.035)
    # what is lit is told from skin of one colour; the gap's edge is a pixel soft
    np.testing.assert_allclose(found[2:], TEETH, atol=0.01)


def test_of_shut_mouths_and_of_few_open_ones_nothing_is_known():
    assert not solve_mouth([speaking(0.1) for _ in range(8)]).any()
    assert not solve_mouth([speaking(0.8) for _ in range(4)] + [speaking(0.1) for _ in range(8)]).any()


def test_a_mouth_without_teeth_has_no_colour_of_teeth():
    found = solve_mouth([speaking(0.8, (0.1, 0.0), DARK) for _ in range(5)])
    assert found[0] == pytest.approx(0.1, abs=0.035)
    assert not found[2:].any()


@pytest.mark.parametrize("opening", [0.0, 0.05, 0.2, 1.0])
def test_narrowed_lips_never_cross(opening: float):
    before = points(opening)
    after = narrowed(before, 0.15, 0.1)
    left = after[LOWER, 1] - after[UPPER, 1]
    assert (left >= 0.5 * (before[LOWER, 1] - before[UPPER, 1]) - 1e-3).all()
    if opening == 1.0:
        assert left[4] == pytest.approx((1.0 - 0.25) * PX_PER_CM, abs=1e-3)
    others = np.setdiff1d(np.arange(len(before)), [*UPPER, *LOWER])
    np.testing.assert_array_equal(after[others], before[others])


def test_an_opening_is_drawn_as_tall_as_the_identitys_landmarks_have_it():
    theirs, own = np.array([0.12, 0.04, 0, 0, 0]), np.array([0.06, 0.0, 0, 0, 0])
    drawn = as_open(points(0.8), theirs, own)
    really = narrowed(drawn, *own[:2])
    left = (really[LOWER, 1] - really[UPPER, 1]) / PX_PER_CM
    before = points(0.8)
    taller = (before[LOWER, 1] - before[UPPER, 1]) / PX_PER_CM
    middle = slice(2, 7)  # towards the corners less is open than would be taken off
    np.testing.assert_allclose(left[middle], taller[middle] - 0.16, atol=1e-3)  # what is open in the plate, in float32
    np.testing.assert_array_equal(as_open(points(0.8), theirs, theirs), points(0.8))


def test_equal_mouths_leave_the_views_own():
    view = speaking()
    noise = np.random.default_rng(5).normal(0, 0.02, view.image_log.shape)
    noisy = replace(view, image_log=(view.image_log + noise).astype(np.float32))
    mouth = np.array([0.1, 0.05, *TEETH], np.float32)
    inputs = with_mouth(look(noisy), noisy, noisy.points, mouth, mouth)
    inside = inputs.borrowed[..., 3] > 0.99
    assert inside.sum() > 150
    # warping a face onto itself is off by thousandths of a pixel, of noise of 0.02
    np.testing.assert_allclose(shown(inputs)[inside], noisy.image_log[inside], atol=3e-3)
    far = inputs.borrowed[..., 3] == 0
    assert not inputs.borrowed[far].any()


def test_another_persons_teeth_are_recoloured_and_what_is_dark_stays():
    view, whiter = speaking(), np.array([0.01, 0.03, 0.05])
    theirs, own = np.array([0, 0, *TEETH], np.float32), np.array([0, 0, *whiter], np.float32)
    plain, other = (shown(with_mouth(look(view), view, view.points, theirs, one)) for one in (theirs, own))
    inside = well_inside(view)
    dark = inside & (view.image_log[..., 0] < SKIN_LOG - 0.29)
    teeth = inside & (np.abs(view.image_log - SKIN_LOG - TEETH).max(axis=-1) < 1e-3)
    assert min(dark.sum(), teeth.sum()) > 50
    tint = whiter - TEETH - (whiter - TEETH) @ LUMA
    np.testing.assert_allclose((other - plain)[teeth], np.broadcast_to(tint, (teeth.sum(), 3)), atol=2e-3)
    np.testing.assert_array_equal(other[dark], plain[dark])
    blue = np.array([0, 0, *(TEETH + (0, 0, 0.3))], np.float32)
    changed = shown(with_mouth(look(view), view, view.points, theirs, blue)) - plain
    assert changed.max() == pytest.approx(MOST_LOG, abs=1e-6)


def test_a_mouth_that_opens_wider_than_the_plates_keeps_real_crops():
    view, crops = speaking(0.2), np.float32([0.05, 0.06, 0.07, 1.0])
    inputs = look(view, points(1.2))
    inputs = replace(inputs, borrowed=np.broadcast_to(crops, inputs.borrowed.shape))
    kept = with_mouth(inputs, view, points(1.2), NOTHING, NOTHING)
    np.testing.assert_allclose(kept.borrowed, inputs.borrowed, atol=1e-6)  # a mean with weights 1 and 0
    taken = with_mouth(inputs, view, points(0.22), NOTHING, NOTHING)
    assert np.abs(taken.borrowed[..., :3] - crops[:3]).max() > 0.1


@pytest.mark.parametrize("opening", [0.35, 0.45])
def test_a_mouth_that_is_shut_further_hides_teeth_and_does_not_press_them_flat(opening: float):
    view, wanted = speaking(1.0), points(opening)
    inputs = with_mouth(look(view), view, wanted, NOTHING, NOTHING)
    inside = inputs.borrowed[..., 3] > 0.99
    assert inside.sum() > 10
    # teeth fill the upper half of the plate's mouth, which is at least as tall as what is left open; half a pixel at their edge
    np.testing.assert_allclose(shown(inputs)[inside], np.broadcast_to(SKIN_LOG + TEETH, (inside.sum(), 3)), atol=0.01)
