"""The grain model as data: light it has not seen, bands from its spectrum, its record."""

import numpy as np
import pytest

from tests.image.grain_scene import field
from vfx_deepfake.color.encoding import decode_log
from vfx_deepfake.image.grain import (
    FORMAT,
    LEVELS,
    NO_GRAIN,
    NUM_BANDS,
    GrainModel,
    flat_model,
    lin_per_log,
    rows_of,
    split_bands,
)
from vfx_deepfake.image.grain_fit import spectrum_of

RISING = GrainModel(
    rows_of(np.outer((1, 2, 3), np.linspace(0.02, 0.002, len(LEVELS)))), NO_GRAIN.spectrum, NO_GRAIN.correlation
)


def test_light_nobody_saw_takes_the_nearest_level() -> None:
    ends = RISING.sigma_log(np.array([[-3.0] * 3, [9.0] * 3], np.float32))
    np.testing.assert_allclose(ends, [[0.02, 0.04, 0.06], [0.002, 0.004, 0.006]], rtol=1e-6)
    dark = RISING.sigma_lin(np.array([-4.0, 0.0, 65504.0], np.float32)[:, None] * np.ones(3, np.float32))
    assert np.isfinite(dark).all() and (dark > 0).all()


def test_a_log_code_spans_what_decoding_says() -> None:
    log = np.linspace(-0.5, 1.4, 1001)
    step = 1e-4
    slope = (decode_log(log + step) - decode_log(log - step)) / (2 * step)
    # the curve's second derivative is 147 times its value: a step of 1e-4 is off by 2e-7 of the slope, by 1e-3 at the toe's end
    np.testing.assert_allclose(lin_per_log(log), slope, rtol=2e-3)


def test_bands_follow_from_the_spectrum() -> None:
    fields = field(99, (1024, 1024))
    patches = fields.reshape(32, 32, 32, 32, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 32, 32, 3)
    spectrum, correlation = spectrum_of([patches])
    model = GrainModel(NO_GRAIN.sigma, tuple(rows_of(table) for table in spectrum), rows_of(correlation))
    bands, _ = split_bands(fields)
    expected = np.array([band.std(axis=(0, 1)) for band in bands])
    # the coarsest band holds 2,000 independent values: 1.6 % by chance, and reaches past the spectrum's lowest bins
    np.testing.assert_allclose(model.bands, expected, rtol=0.06)


def test_bands_sum_to_the_image() -> None:
    image = field(1, (160, 240)) * np.float32(0.1) + np.float32(0.4)
    bands, rest = split_bands(image)
    assert len(bands) == NUM_BANDS
    np.testing.assert_allclose(sum(bands) + rest, image, atol=4 * 2**-23)  # four subtractions of values below 1


def test_a_record_gives_the_same_model() -> None:
    for model in (RISING, NO_GRAIN, flat_model(0.01, 0.3)):
        assert GrainModel.from_dict(model.to_dict()) == model


def test_a_record_of_another_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=rf"grain record of format None with sigma \(2,\), .* want {FORMAT} with"):
        GrainModel.from_dict({"sigma": [1, 2], "bands": []})
    with pytest.raises(ValueError, match=r"grain record of format 1 with sigma \(3, 53\)"):
        GrainModel.from_dict({**RISING.to_dict(), "format": 1})
