"""Losses of the identity methods: each sees what it is for, and a split batch gives the loss of the whole."""

import numpy as np
import pytest
import torch
from kornia.metrics import ssim

from vfx_deepfake.face.topology import LEFT_EYE, LIPS_OUTER, canonical_vertices_cm
from vfx_deepfake.model.identity.losses import Shares, gradient_l1, l1, picture_loss, priority, structure, weighted_mean


def picture(seed: int = 0, batch: int = 1, size: int = 64) -> torch.Tensor:
    """Soft noise round middle grey."""
    noise = torch.randn(batch, 3, size // 4, size // 4, generator=torch.Generator().manual_seed(seed))
    return 0.4 + 0.1 * torch.nn.functional.interpolate(noise, scale_factor=4, mode="bicubic")


def ones(of: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(of[:, :1])


def wave(period_px: float, size: int = 64) -> torch.Tensor:
    """(1, 1, S, S) stripes of a period."""
    rows = torch.sin(2 * torch.pi * torch.arange(size) / period_px)
    return rows[None, None, :, None].expand(1, 1, size, size)


def test_every_loss_of_equal_pictures_is_nothing():
    same = picture()
    assert l1(same, same, ones(same)) == 0 and gradient_l1(same, same, ones(same)) == 0
    assert float(structure(same, same, ones(same))) == pytest.approx(0, abs=1e-6)  # 1 minus a quotient near 1, float32
    assert float(picture_loss(same, same, ones(same))) == pytest.approx(0, abs=1e-6)


def test_no_weight_gives_nothing_and_no_gradient():
    made, wanted = picture(0).requires_grad_(), picture(1)
    loss = picture_loss(made, wanted, 0 * ones(wanted))
    loss.backward()
    assert loss == 0 and made.grad is not None and not made.grad.any()


def test_an_offset_is_seen_by_l1_alone():
    wanted = picture()
    made = wanted + 0.02
    assert float(l1(made, wanted, ones(wanted))) == pytest.approx(0.02, rel=1e-5)
    assert float(gradient_l1(made, wanted, ones(wanted))) < 1e-6  # rounding of the sum
    assert float(structure(made, wanted, ones(wanted))) < 0.01  # the means' share of the similarity only


def test_coarse_scales_see_what_the_finest_window_does_not():
    wanted = torch.full((1, 3, 64, 64), 0.4)
    slow = wanted + 0.05 * wave(40)
    fine, all_scales = (float(structure(slow, wanted, ones(wanted), scales)) for scales in (1, 3))
    assert all_scales > 1.4 * fine  # measured 1.9: a half period of 20 px is wider than a window with a sigma of 1.5


def test_a_wider_window_with_the_same_sigma_is_no_other_scale():
    made, wanted = picture(0), picture(1)
    narrow, wide = (ssim(made, wanted, window)[..., 16:-16, 16:-16] for window in (11, 31))
    assert torch.allclose(narrow, wide, atol=5e-3)  # a Gaussian holds 99.98 % within 3.7 sigma


def test_a_split_batch_gives_the_loss_and_gradient_of_the_whole():
    made, wanted = picture(0, batch=4), picture(1, batch=4)
    weight = torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    whole = made.clone().requires_grad_()
    picture_loss(whole, wanted, weight).backward()
    parts = []
    for part in (slice(0, 2), slice(2, 4)):
        half = made[part].clone().requires_grad_()
        picture_loss(half, wanted[part], weight[part]).backward()
        parts.append(half.grad / 2)
    assert torch.allclose(torch.cat(parts), whole.grad, atol=1e-9)  # sums in another order, values near 1e-5


def test_weights_leave_out_what_they_should():
    values = torch.zeros(2, 1, 2, 2)
    values[0, 0, 0, 0], values[1, 0, 1, 1] = 4.0, 2.0
    weight = torch.zeros(2, 1, 2, 2)
    weight[0, 0, 0], weight[1] = 1.0, 1.0
    assert float(weighted_mean(values, weight)) == pytest.approx((2.0 + 0.5) / 2)


def test_the_gradient_follows_the_shares():
    made, wanted = picture(0), picture(1)
    assert float(picture_loss(made, wanted, ones(made), Shares(gradient=0, structure=0))) == float(
        l1(made, wanted, ones(made))
    )


def test_eyes_and_mouth_come_first():
    cm = canonical_vertices_cm()[:, :2] * (1, -1)
    points = (cm - cm.mean(axis=0)) * 6 + 64
    weight = priority(points, 128)

    def at(loop):
        x, y = np.floor(points[list(loop)].mean(axis=0)).astype(int)
        return weight[y, x]

    assert at(LEFT_EYE) == pytest.approx(4, abs=0.1) and at(LIPS_OUTER) == pytest.approx(3, abs=0.1)  # soft edges
    assert weight[0, 0] == 1 and weight.min() == 1
    off = priority(points + 1000, 128)
    assert (off == 1).all()
