"""Eyes of one person in another's colours, against eyes drawn from known ones."""

from dataclasses import replace

import numpy as np
import pytest

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.face.topology import LEFT_IRIS, RIGHT_IRIS
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.eyes import EYES, NUM_RINGS, STEP, solve_eyes, worn
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.renderer_inputs import Inputs, look

SIZE = 160
SKIN_LOG = np.float32(0.4)
IRIS, WHITE = np.array([-0.20, -0.17, -0.12]), np.array([-0.06, -0.04, -0.05])
AROUND = np.arange(NUM_RINGS) * STEP


def rings(iris: np.ndarray = IRIS, white: np.ndarray = WHITE) -> np.ndarray:
    return np.where(AROUND[:, None] < 0.99, iris, white).astype(np.float32)


def from_iris() -> tuple[np.ndarray, np.ndarray]:
    """Of every pixel how far it is from the nearer iris, in radii, and in which direction, radians."""
    points = canonical.texture_points(SIZE)
    at = np.stack(np.meshgrid(*[np.arange(SIZE) + 0.5] * 2), axis=-1)
    off = [(at - points[one[0]]) / np.linalg.norm(points[list(one[1:])] - points[one[0]], axis=1).mean()
           for one in (RIGHT_IRIS, LEFT_IRIS)]  # fmt: skip
    away = [np.linalg.norm(one, axis=-1) for one in off]
    nearer = np.where((away[0] < away[1])[..., None], *off)
    return np.minimum(*away), np.arctan2(nearer[..., 1], nearer[..., 0])


def eyed(iris: np.ndarray = IRIS, white: np.ndarray = WHITE) -> View:
    """A face of one colour with flat irises and whites."""
    points = canonical.texture_points(SIZE).astype(np.float32)
    away, _ = from_iris()
    inside = canonical.features(points, SIZE)[..., EYES, None] > 0
    picture = SKIN_LOG + np.where(inside, np.where(away[..., None] < 1, iris, white), 0)
    return View(picture.astype(np.float32), points, np.zeros(3, np.float32), np.ones((SIZE, SIZE), np.float32))


def shown(inputs: Inputs) -> np.ndarray:
    return inputs.borrowed[..., :3] + inputs.light + inputs.level


@pytest.fixture(scope="module")
def view() -> View:
    return eyed()


@pytest.fixture(scope="module")
def inside(view: View) -> np.ndarray:
    return canonical.features(view.points, SIZE)[..., EYES] > 0


def test_rings_are_found_under_gloss_and_shadow(view: View):
    _, turn = from_iris()
    lit = []
    for start in np.linspace(-np.pi, np.pi, 4, endpoint=False):  # a window and a lid go once round the eyes
        since = (turn - start) % (2 * np.pi)
        light = np.where(since < 0.25 * 2 * np.pi, 0.2, 0) + np.where(since > 0.85 * 2 * np.pi, -0.1, 0)
        inside = (view.image_log != SKIN_LOG).any(axis=-1)
        lit.append(replace(view, image_log=(view.image_log + (light * inside)[..., None]).astype(np.float32)))
    found = solve_eyes(lit)
    # rings at the iris' edge hold both sides of it; the light read from skin of one colour is off by rounding
    np.testing.assert_allclose(found[:4], rings()[:4], atol=2e-3)
    np.testing.assert_allclose(found[6:9], rings()[6:9], atol=2e-3)


def test_without_an_open_eye_nothing_is_known_and_nothing_changed(view: View):
    points = view.points.copy()
    points[:, 1] = points[:, 1].mean()
    known = solve_eyes([replace(view, points=points)])
    assert known.shape == (NUM_RINGS, 3)
    assert not known.any()
    inputs = look(view)
    assert worn(inputs, view, view.points, known, rings()) is inputs
    assert worn(inputs, view, view.points, rings(), known) is inputs


def test_equal_rings_leave_the_views_own_eyes(view: View, inside: np.ndarray):
    noise = np.random.default_rng(5).normal(0, 0.02, view.image_log.shape)
    noisy = replace(view, image_log=(view.image_log + noise).astype(np.float32))
    inputs = worn(look(noisy), noisy, noisy.points, rings(), rings())
    # there and back through linear light in float32; warping a face onto itself is off by thousandths of a pixel
    np.testing.assert_allclose(shown(inputs)[inside], noisy.image_log[inside], atol=3e-3)
    assert not inputs.borrowed[~inside].any()


def test_another_persons_eyes_keep_gloss_and_shadow(view: View, inside: np.ndarray):
    theirs, own = rings(), rings(np.array([-0.12, -0.08, -0.02]), WHITE + 0.02)
    plain = shown(worn(look(view), view, view.points, theirs, own))
    away, _ = from_iris()
    iris, white = inside & (away < 0.7), inside & (away > 1.35) & (away < 1.8)
    for where, colours, ring in ((iris, own, 0), (white, own, 7)):
        np.testing.assert_allclose(
            plain[where], np.broadcast_to(SKIN_LOG + colours[ring], plain[where].shape), atol=3e-3
        )
    before, after = decode_log(view.image_log), decode_log(plain)
    half = (inside & (np.arange(SIZE) % 2 == 0))[..., None]  # every other column: the light of the skin stays as it is
    glossy, shaded = (
        replace(view, image_log=encode_log(np.where(half, one, before).astype(np.float32)))
        for one in (before + 2.0, before * 0.5)
    )
    got_gloss, got_shade = (
        decode_log(shown(worn(look(one), one, view.points, theirs, own))) for one in (glossy, shaded)
    )
    sure = iris & half[..., 0]
    # 3e-3 log is 4 %, of gloss far above the iris
    np.testing.assert_allclose(got_gloss[sure], after[sure] + 2.0, rtol=0.04)
    np.testing.assert_allclose(got_shade[sure], 0.5 * after[sure], rtol=0.04)
