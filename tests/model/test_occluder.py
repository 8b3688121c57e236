"""The occluder's network learns a drawn occluder from two frames, and the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.errors import TrainError
from vfx_deepfake.face.appearance import Comparison, SmallFace
from vfx_deepfake.image.crop import Window
from vfx_deepfake.model.occluder import Painted, occluder_of, painted_frame, train_occluder

SHAPE = (80, 72)


def frame(seed: int, at: tuple[int, int] | None) -> tuple[SmallFace, Comparison, np.ndarray]:
    """Skin, what is expected of it, and a grey bar before it at ``at``."""
    rng = np.random.default_rng(seed)
    expected = (0.45 + 0.01 * rng.standard_normal((*SHAPE, 3))).astype(np.float32)
    image, matte = (
        expected + 0.004 * rng.standard_normal(expected.shape).astype(np.float32),
        np.zeros(SHAPE, np.float32),
    )
    if at is not None:
        place = (slice(at[0], at[0] + 40), slice(at[1], at[1] + 14))
        image[place], matte[place] = 0.37 + 0.01 * rng.standard_normal((40, 14, 3)), 1
    on_face = np.zeros(SHAPE, bool)
    on_face[8:72, 8:64] = True
    face = SmallFace(image, Window(0, 0, *SHAPE[::-1]), np.zeros((3, 2)))
    return face, Comparison(expected, np.zeros(SHAPE, np.float32), on_face), matte


def lesson(seed: int, at: tuple[int, int] | None) -> Painted:
    face, seen, matte = frame(seed, at)
    return painted_frame(face, seen, matte)


@pytest.fixture(scope="module")
def lessons() -> list[Painted]:
    return [lesson(1, (10, 15)), lesson(2, (25, 40)), lesson(3, None)]


def test_it_finds_the_occluder_where_it_was_never_painted(
    lessons: list[Painted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vfx_deepfake.model.occluder.STEPS", 200)  # enough for a bar
    losses: list[float] = []
    net = train_occluder(lessons, seed=1, on_step=lambda step, loss: losses.append(loss))
    assert np.mean(losses[-20:]) < 0.2 * np.mean(losses[:5])
    face, seen, exact = frame(9, (20, 28))
    made = occluder_of(net, face, seen)
    inside = seen.on_face
    assert ((made > 0.5) == (exact > 0.5))[inside].mean() > 0.97  # the bar's rim is 7 % of the face
    free, seen_free, _ = frame(10, None)
    assert (occluder_of(net, free, seen_free) > 0.5).mean() < 0.01
    assert made.shape == SHAPE and made.dtype == np.float32


def test_the_same_seed_gives_the_same_weights(lessons: list[Painted], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vfx_deepfake.model.occluder.STEPS", 20)
    first, second, other = (train_occluder(lessons, seed=seed) for seed in (4, 4, 5))
    weights = [net.layers[0].weight.detach().numpy() for net in (first, second, other)]
    assert np.array_equal(weights[0], weights[1]) and not np.array_equal(weights[0], weights[2])


def test_black_roto_is_refused() -> None:
    with pytest.raises(TrainError, match="no painted frame shows an occluder over the face's crop; paint it where"):
        train_occluder([lesson(1, None)], seed=1)
