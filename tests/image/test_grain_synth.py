"""Synthesised grain: the model's figures, and the same pixels whoever asks for them."""

import numpy as np
import pytest

from tests.image.grain_scene import field
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.grain import NO_GRAIN, GrainModel, flat_model, rows_of
from vfx_deepfake.image.grain_fit import spectrum_of
from vfx_deepfake.image.grain_measure import channel_correlation, lag1_correlation, radial_spectrum
from vfx_deepfake.image.grain_synth import TILE_PX, GrainField

LARGE = Window(-37, 11, 640, 512)


@pytest.fixture(scope="module")
def model() -> GrainModel:
    patches = field(1, (1024, 1024)).reshape(32, 32, 32, 32, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 32, 32, 3)
    spectrum, correlation = spectrum_of([patches])
    return GrainModel(NO_GRAIN.sigma, tuple(rows_of(table) for table in spectrum), rows_of(correlation))


def test_it_has_the_model_s_figures(model: GrainModel) -> None:
    made = GrainField(model, "sh0010").at(1001, LARGE)
    true = field(2, LARGE.shape)
    everywhere = np.ones(LARGE.shape, bool)
    # 330,000 px of 9 px a grain: a deviation of 0.4 % by chance
    np.testing.assert_allclose(made.std(axis=(0, 1)), 1, atol=0.015)
    np.testing.assert_allclose(channel_correlation(made, everywhere), channel_correlation(true, everywhere), atol=0.02)
    freq, power = radial_spectrum(made)
    _, wanted = radial_spectrum(true)
    loud = (wanted > wanted.max(axis=0) / 30) & (freq > 0.05)[:, None]
    # model, made and true fields each hold 500 to 1,000 tiles: 1 to 2 % on each ring, 0.15 dB together
    assert np.abs(10 * np.log10(power / wanted))[loud].max() < 0.5
    following = GrainField(model, "sh0010").at(1002, LARGE)
    assert np.abs(lag1_correlation(made, following, everywhere)).max() < 0.02


def test_any_window_of_a_frame_shows_the_same_grain_bit_for_bit(model: GrainModel) -> None:
    """All offsets against the tiles that matter: within one, over an edge, over a corner, a single pixel."""
    whole = GrainField(model, "sh0010").at(-3, LARGE)
    for x, y, width, height in [
        (0, 11, 5, 7),
        (TILE_PX - 9, 60, 20, 90),
        (TILE_PX - 1, TILE_PX - 1, 2, 2),
        (200, 300, 1, 1),
    ]:
        window = Window(x, y, width, height)
        alone = GrainField(model, "sh0010").at(-3, window)
        assert np.array_equal(alone, whole[window.slices(LARGE)])


def test_shot_frame_and_place_each_change_it(model: GrainModel) -> None:
    window = Window(0, 0, 64, 64)
    made = GrainField(model, "sh0010").at(1001, window)
    others = [
        GrainField(model, "sh0020").at(1001, window),
        GrainField(model, "sh0010").at(-1001, window),
        GrainField(model, "sh0010").at(1001, Window(TILE_PX, 0, 64, 64)),
        GrainField(model, "sh0010").at(1001, Window(0, TILE_PX, 64, 64)),
    ]
    for other in others:
        assert abs(np.corrcoef(made.ravel(), other.ravel())[0, 1]) < 0.1  # 1,400 grains: 0.027 by chance


def test_only_wanted_tiles_are_made(model: GrainModel) -> None:
    wanted = np.zeros(LARGE.shape, bool)
    wanted[200, 200] = True
    made = GrainField(model, "sh0010").at(1001, LARGE, wanted)
    whole = GrainField(model, "sh0010").at(1001, LARGE)
    assert np.array_equal(made[200, 200], whole[200, 200])
    assert np.count_nonzero(made.any(axis=-1)) == TILE_PX**2


def test_a_seam_between_tiles_can_not_be_seen() -> None:
    """Neighbouring pixels across a tile's edge correlate like any others."""
    soft = np.exp(-((np.hypot(*np.mgrid[:17, :17]) / 5) ** 2))
    model = GrainModel(NO_GRAIN.sigma, (rows_of(soft / soft.mean()),) * 3, flat_model(0.0).correlation)
    made = GrainField(model, "a").at(1, Window(0, 0, 8 * TILE_PX, 8 * TILE_PX))
    steps = np.square(np.diff(made, axis=1)).mean(axis=(0, 2))
    seams = np.arange(TILE_PX - 1, 8 * TILE_PX - 1, TILE_PX)
    # 7 columns of 1,024 px, 1,000 independent values in three channels: 4 % by chance
    assert steps[seams].mean() == pytest.approx(np.delete(steps, seams).mean(), rel=0.12)
