"""The measured grain model against grain whose law, spectrum and correlation are known."""

import numpy as np
import pytest

from tests.image.grain_scene import GRAIN, SIZE, clean_lin, field, grained_log
from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.demo.performer.performer import Performer, Truth
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import measure_shot
from vfx_deepfake.image.grain import LEVELS, NO_GRAIN, GrainModel, lin_per_log
from vfx_deepfake.image.grain_curve import KNOTS, fit_curves
from vfx_deepfake.image.grain_fit import fit_grain, measure_blocks, spectrum_of

CENTRES = (1002, 1006, 1010, 1014)


def clean_log(frame: int) -> np.ndarray:
    return np.asarray(encode_log(clean_lin(frame)), np.float32)


def measured(read, neighbours: int = 2) -> GrainModel:
    around = {0: (), 1: (1,), 2: (-1, 1)}[neighbours]
    return fit_grain(measure_blocks(read(frame), [read(frame + step) for step in around]) for frame in CENTRES)


@pytest.fixture(scope="module")
def model() -> GrainModel:
    return measured(grained_log)


def true_sigma_log() -> np.ndarray:
    light = decode_log(LEVELS)[:, None]
    return GRAIN.sigma(light * np.ones(3)) / lin_per_log(LEVELS)[:, None]


def ratio_to_truth(model: GrainModel) -> np.ndarray:
    """Measured over true level at the lights that the scene holds."""
    return (np.asarray(model.sigma).T / true_sigma_log())[(LEVELS > 0.27) & (LEVELS < 0.58)]


def test_the_level_is_found_at_every_light(model: GrainModel) -> None:
    # a step of light holds 4 x 2400 px, 1,100 grains of two differences: 2 % by chance, and neighbours share the smoothing
    np.testing.assert_allclose(ratio_to_truth(model), 1, atol=0.06)
    np.testing.assert_allclose(ratio_to_truth(model).mean(axis=0), 1, atol=0.03)


def test_spectrum_and_correlation_are_found(model: GrainModel) -> None:
    patches = field(9, (1024, 1024)).reshape(32, 32, 32, 32, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 32, 32, 3)
    spectrum, correlation = spectrum_of([patches])
    ring = np.rint(np.hypot(*np.mgrid[:17, :17])).astype(int)
    for channel in range(3):
        for radius in range(2, 13):  # beyond, the power is a twentieth
            found, wanted = (np.asarray(s)[channel][ring == radius].mean() for s in (model.spectrum, spectrum))
            # 400 patches, 12 bins mirrored on a ring: 3 % by chance, 0.13 dB; 0.5 is three and a half of those
            assert abs(10 * np.log10(found / wanted)) < 0.5
    np.testing.assert_allclose(model.correlation, correlation, atol=0.03)  # 60,000 grains: 0.004 by chance, and texture
    np.testing.assert_allclose(model.lag1, 0, atol=0.05)


def test_grain_that_lingers_is_told_and_not_read_too_low() -> None:
    """Grain that decays over frames, as noise reduction in a camera leaves it."""
    lag = 0.4

    def read(frame: int) -> np.ndarray:
        clean = clean_lin(0)
        lingering = sum(lag**age * field(frame - age) for age in range(6)) * np.sqrt(1 - lag**2)
        return np.asarray(encode_log(clean + GRAIN.over(clean, lingering)), np.float32)

    model = measured(read)
    np.testing.assert_allclose(model.lag1, lag, atol=0.09)  # flow that strays by a pixel hides some of it
    np.testing.assert_allclose(ratio_to_truth(model).mean(axis=0), 1, atol=0.04)


@pytest.mark.parametrize("neighbours", [0, 1])
def test_fewer_neighbours_do(neighbours: int) -> None:
    found = ratio_to_truth(measured(grained_log, neighbours))
    np.testing.assert_allclose(found.mean(axis=0), 1, atol=0.08)  # half the grains, and the slope of light in a still


def test_texture_is_not_taken_for_grain() -> None:
    """All of the picture under moving texture but a strip: the strip decides."""
    rng = np.random.default_rng(4)
    strip = np.zeros(SIZE, bool)
    strip[:64] = True

    def read(frame: int) -> np.ndarray:
        busy = 0.03 * rng.standard_normal((*SIZE, 1)) * ~strip[..., None]
        return (grained_log(frame) + busy).astype(np.float32)

    np.testing.assert_allclose(ratio_to_truth(measured(read)).mean(axis=0), 1, atol=0.08)


def test_a_clean_plate_is_told_from_a_grained_one(model: GrainModel) -> None:
    assert not model.clean
    assert measured(clean_log) is NO_GRAIN
    assert measured(lambda frame: np.zeros((64, 64, 3), np.float32)) is NO_GRAIN
    assert fit_grain([]) is NO_GRAIN


def test_clipped_and_tiny_pictures_are_no_trouble() -> None:
    assert measured(lambda frame: grained_log(frame)[:20, :20]) is NO_GRAIN
    clipped = measured(lambda frame: np.minimum(grained_log(frame), 0.45))
    seen = (LEVELS > 0.27) & (LEVELS < 0.4)
    np.testing.assert_allclose((np.asarray(clipped.sigma).T / true_sigma_log())[seen], 1, atol=0.12)


def test_a_dirty_light_follows_its_neighbours() -> None:
    """Blocks of a straight law; at the lights in the middle all of them hold texture as well."""
    rng = np.random.default_rng(1)
    light = rng.uniform(0.2, 0.8, (4000, 3))
    truth = np.exp(-8.0 - 4 * light)
    variance = truth * np.exp(0.12 * rng.standard_normal(light.shape))
    dirty = (light > 0.42) & (light < 0.58)
    variance[dirty] *= 1 + rng.exponential(1.0, dirty.sum())
    curves = fit_curves(light, variance)
    assert curves is not None
    inside = (KNOTS > 0.22) & (KNOTS < 0.78)
    np.testing.assert_allclose(curves.log_variance[:, inside], -8.0 - 4 * KNOTS[inside] + np.zeros((3, 1)), atol=0.08)
    assert fit_curves(light[:3], variance[:3]) is None


@pytest.fixture(scope="module")
def performance() -> dict[int, Truth]:
    performer = Performer(width=480, height=270, count=8)
    performer.prepare()
    return {frame: performer.truth(frame) for frame in range(1003, 1007)}


@pytest.mark.parametrize("kind", ["plate", "clean"])
def test_a_moving_face_does_not_spoil_it(performance, kind) -> None:
    """The performer: skin with pores, a lamp, a room; its grain is known, and its clean plate has none."""
    truth = performance[1003]

    def read(frame: int, window: Window) -> np.ndarray:
        return cut(np.asarray(encode_log(getattr(performance[frame], kind)), np.float32), window, window)

    model = measure_shot(read, list(performance), list(performance), Window.of_image(truth.clean))
    if kind == "clean":
        assert model is NO_GRAIN
        return
    found = np.asarray(model.sigma).T / (
        Performer().grain.sigma(decode_log(LEVELS)[:, None]) / lin_per_log(LEVELS)[:, None]
    )
    lights = (LEVELS > 0.34) & (LEVELS < 0.66)  # skin and room
    # four frames of 0.13 Mpx: some lights rest on a handful of blocks, 10 % by chance; over all lights 2 %
    np.testing.assert_allclose(found[lights], 1, atol=0.16)
    np.testing.assert_allclose(found[lights].mean(axis=0), 1, atol=0.05)
