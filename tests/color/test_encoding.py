"""The model encoding against the standard's numbers, and its inverse."""

import math

import numpy as np
import pytest
import torch

from vfx_deepfake.color.encoding import X_BREAK, Y_BREAK, decode_log, encode_log

# Academy S-2016-001: grey, white, break, black and half's largest value, eight digits or more
PUBLISHED = {0.18: 0.4135884, 1.0: 0.5547945, X_BREAK: Y_BREAK, 0.0: 0.0729055341958355, 65504.0: 1.46799631}


def grid() -> np.ndarray:
    """Negatives, the toe, the break and its neighbours, ten stops over grey and half's largest value."""
    side = np.geomspace(1e-6, 65504, 4001).astype(np.float32)
    near = np.nextafter(np.float32(X_BREAK), np.float32([0, 1]))
    return np.concatenate([-side[side < 100], [0], side, near, [X_BREAK]]).astype(np.float32)


@pytest.mark.parametrize("linear, expected", PUBLISHED.items())
def test_published_values(linear, expected):
    found = encode_log(np.array([linear], np.float64))[0]
    assert found == pytest.approx(expected, abs=5e-8)  # digits given


def test_agrees_with_ocio_above_zero():
    from vfx_deepfake.color.ocio import Color
    from vfx_deepfake.settings import DEFAULT_CONFIG

    linear = np.repeat(grid()[None, :, None], 3, axis=2)
    linear = linear[:, linear[0, :, 0] >= 0]
    ours, theirs = encode_log(linear), Color(DEFAULT_CONFIG).convert(linear, "ACEScg", "ACEScct")
    # OCIO's fast logarithm is good to 2.2e-6 (measured against double precision), float32 itself to 1e-7 here
    np.testing.assert_allclose(ours, theirs, atol=3e-6)


@pytest.mark.parametrize("make", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
def test_round_trip_to_float32_rounding(make):
    linear = grid()
    back = np.asarray(decode_log(encode_log(make(linear))))
    assert back.dtype == np.float32
    # Above the break, in stops (an error of e stops is e ln 2 of the value), each step's rounding being half an ulp:
    # log2 of up to 16: 2**-21; its division and the sum, near 1, times 17.52 stops: 17.52 * (2**-25 + 2**-24);
    # back: the difference 17.52 * 2**-25, the product of up to 16 2**-21, exp2 itself one ulp 2**-23
    stops = 2**-21 + 17.52 * (2**-25 + 2**-24) + 17.52 * 2**-25 + 2**-21 + 2**-23
    above = linear > X_BREAK
    np.testing.assert_allclose(back[above], linear[above], rtol=stops * math.log(2))
    # Below: four roundings of values no larger than the encoded one, divided by the slope; near zero that is the
    # offset's
    np.testing.assert_allclose(back[~above], linear[~above], rtol=4 * 2**-24, atol=4 * 2**-28 / 10.5)


def test_numpy_and_torch_agree_to_the_last_digits():
    linear = grid()
    np.testing.assert_allclose(encode_log(linear), encode_log(torch.from_numpy(linear)).numpy(), rtol=4 * 2**-24)


def test_continuous_and_rising_everywhere():
    linear = np.sort(grid().astype(np.float64))
    log = encode_log(linear)
    assert (np.diff(log) >= 0).all()
    below, above = encode_log(np.array([X_BREAK * (1 - 1e-12), X_BREAK * (1 + 1e-12)]))
    assert above - below == pytest.approx(0, abs=1e-9)  # the standard's constants meet to nine digits


def test_half_is_widened_and_special_values_pass():
    half = np.array([0.18, -0.5], np.float16)
    assert encode_log(half).dtype == np.float32
    assert encode_log(torch.tensor(half)).dtype == torch.float32
    found = encode_log(np.array([np.nan, np.inf, -np.inf], np.float32))
    assert np.isnan(found[0]) and found[1] == np.inf and found[2] == -np.inf


@pytest.mark.parametrize("function", [encode_log, decode_log])
def test_gradient_is_finite_at_black_break_and_below(function):
    values = torch.tensor([-1.0, 0.0, X_BREAK, Y_BREAK, 0.5, 1.2], dtype=torch.float64, requires_grad=True)
    function(values).sum().backward()
    assert torch.isfinite(values.grad).all()
    assert (values.grad > 0).all()
    assert torch.autograd.gradcheck(
        function, torch.tensor([-1.0, 0.001, 0.3, 0.9], dtype=torch.float64, requires_grad=True)
    )
