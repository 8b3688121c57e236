"""The bounded log encoding that models see: ACEScct's curve, continued linearly below its toe.

Scene-linear black lies near 0.073, 18 % grey at 0.414, 1.0 at 0.555 and ten stops over grey at 0.984; negatives come
back.

Source: Academy S-2016-001, "ACEScct, A Quasi-Logarithmic Encoding of ACES Data for use within Color Grading Systems",
section 4.4. The standard's curve is linear below X_BREAK already; unlike its decoding, ours does not clip at 65504.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch

Array = TypeVar("Array", np.ndarray, "torch.Tensor")

X_BREAK = 0.0078125  # scene-linear value where the logarithm takes over
Y_BREAK = 0.155251141552511  # the same point, encoded
TOE_SLOPE = 10.5402377416545
TOE_OFFSET = 0.0729055341958355
LOG_SCALE = 17.52  # stops between the encoded values 0 and 1
LOG_BIAS = 9.72 / 17.52  # added after scaling: near 1, float32 sums round sixteen times finer than near 25


def encode_log(linear: Array) -> Array:
    """Scene-linear to the model encoding, per value.

    Shapes: any numpy array or torch tensor; half is widened to float32, float32 and float64 stay. Returns the same
    shape. Negative input follows the toe's straight line; NaN stays NaN. The gradient is finite for every finite
    input.
    """
    x, xp = _wide(linear)
    above = xp.log2(x.clip(min=X_BREAK))  # clipped first: the branch not taken must not give NaN, nor a NaN gradient
    return xp.where(x <= X_BREAK, x * TOE_SLOPE + TOE_OFFSET, above / LOG_SCALE + LOG_BIAS)


def decode_log(log: Array) -> Array:
    """The model encoding back to scene-linear: the inverse of :func:`encode_log` to float32 rounding, negatives too.

    Shapes: as there. Rounding the encoded value to float32 alone moves a value over 10 by up to 7e-7 of itself;
    measured, there and back, 1.8e-6 of itself at most.
    """
    y, xp = _wide(log)
    below = (y - TOE_OFFSET) / TOE_SLOPE
    return xp.where(y <= Y_BREAK, below, xp.exp2((y - LOG_BIAS) * LOG_SCALE))


def _wide(values: Any) -> tuple[Any, Any]:
    """The values in at least float32, and the library whose functions fit them."""
    # whoever has a tensor has loaded torch; most commands see arrays only and are spared the wait
    tensor: Any = getattr(sys.modules.get("torch"), "Tensor", ())
    if isinstance(values, tensor):
        import torch

        return (values.float() if values.dtype in (torch.float16, torch.bfloat16) else values), torch
    array = np.asarray(values)
    return (array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)), np
