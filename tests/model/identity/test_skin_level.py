"""How dark somebody likely is under a light that nobody measured: the arithmetic, against answers that are known."""

import numpy as np
import pytest

from vfx_deepfake.image.relight import STOP_LOG
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.skin_level import DARK, MOST_LOG, PALE, level_of, likely_difference, of_takes

SIZE = 64
SUMS = 3e-5  # what float32 sums over a skin are off
SKIN = np.array((0.48, 0.45, 0.42))
LINE = np.log(np.divide(DARK, PALE))
DARKER = LINE / np.abs(LINE).mean()  # in log, a skin darker by one


def take(level: np.ndarray) -> list[View]:
    picture = np.broadcast_to(level.astype(np.float32), (SIZE, SIZE, 3)).copy()
    return [View(picture, canonical.texture_points(SIZE), np.zeros(3), np.ones((SIZE, SIZE), np.float32))]


def guess(performer: np.ndarray, *takes: np.ndarray) -> np.ndarray:
    return likely_difference(performer, *of_takes([take(one) for one in takes]))


def test_the_level_of_bare_skin_is_read_and_none_is_none():
    assert level_of(take(SKIN)) == pytest.approx(SKIN, abs=SUMS)
    (view,) = take(SKIN)
    hidden = View(view.image_log, view.points, view.pose, np.zeros_like(view.valid))
    assert np.isnan(level_of([hidden])).all()
    assert guess(SKIN, SKIN) == pytest.approx(np.zeros(3), abs=SUMS)
    assert not likely_difference(SKIN, *of_takes([[hidden]])).any()
    assert not likely_difference(np.full(3, np.nan), *of_takes([take(SKIN)])).any()


def test_a_darker_redder_skin_is_made_darker_and_never_all_of_it():
    darker = SKIN + 0.02 * DARKER
    found = guess(SKIN, darker, darker, darker)
    assert found == pytest.approx(DARKER * found.mean() / DARKER.mean())  # along the line of skins
    assert -0.02 < found.mean() < -0.005
    assert guess(darker, SKIN, SKIN, SKIN) == pytest.approx(-found, abs=SUMS)


def test_takes_that_differ_in_exposure_say_less():
    even = guess(SKIN, *[SKIN - 0.02] * 4)
    uneven = guess(SKIN, *[SKIN - 0.02 + stops * STOP_LOG for stops in (-1.5, -0.5, 0.5, 1.5)])
    assert even.mean() < uneven.mean() < 0


def test_warm_light_is_mostly_not_taken_for_skin_and_the_guess_is_held():
    warm = SKIN + 0.01 * np.array((1.0, 0.0, -1.0))
    redder = SKIN + 0.01 * (DARKER - DARKER.mean()) / np.ptp(DARKER) * 2  # as warm, and as green as darker skin
    assert np.abs(guess(SKIN, warm)).max() < np.abs(guess(SKIN, redder)).max()
    assert guess(SKIN, SKIN - 0.5).mean() == pytest.approx(-MOST_LOG)
