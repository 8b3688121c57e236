"""Losses: values by hand, gradients, and what an empty mask does."""

import pytest
import torch

from vfx_deepfake.model.losses import agreement, gradient_l1, l1, masked_mean, move


def pictures() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    result, wanted = (torch.rand(2, 3, 5, 6, dtype=torch.float64, generator=generator) for _ in range(2))
    mask = (torch.rand(2, 1, 5, 6, dtype=torch.float64, generator=generator) > 0.4).double()
    return result, wanted, mask


def test_l1_of_a_constant_offset_is_the_offset():
    result, _, mask = pictures()
    assert float(l1(result + 0.25, result, mask)) == pytest.approx(0.25)


def test_gradient_l1_ignores_a_constant_offset_and_sees_a_ramp():
    flat, mask = torch.zeros(1, 1, 4, 5), torch.ones(1, 1, 4, 5)
    ramp = torch.arange(5.0).expand(1, 1, 4, 5)
    assert float(gradient_l1(flat + 3, flat, mask)) == 0
    assert float(gradient_l1(2 * ramp, flat, mask)) == pytest.approx(2.0)  # 2 a pixel in x, 0 in y


@pytest.mark.parametrize("loss", [l1, gradient_l1])
def test_gradients_are_right(loss):
    result, wanted, mask = pictures()
    result.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda r: loss(r, wanted, mask), result)


@pytest.mark.parametrize("loss", [l1, gradient_l1])
def test_an_empty_mask_gives_zero_and_a_zero_gradient(loss):
    result, wanted, mask = pictures()
    result.requires_grad_(True)
    value = loss(result, wanted, torch.zeros_like(mask))
    value.backward()
    assert float(value.detach()) == 0 and not result.grad.any()


def test_pixels_outside_the_mask_do_not_matter():
    result, wanted, mask = pictures()
    changed = torch.where(mask.bool(), result, torch.full_like(result, 99.0))
    assert torch.equal(l1(result, wanted, mask), l1(changed, wanted, mask))
    assert torch.equal(gradient_l1(result, wanted, mask), gradient_l1(changed, wanted, mask))


def test_masked_mean_of_nothing_is_zero():
    assert float(masked_mean(torch.ones(1, 3, 2, 2), torch.zeros(1, 1, 2, 2))) == 0


def test_moving_by_whole_pixels_picks_pixels():
    picture = torch.rand(1, 2, 6, 7, generator=torch.Generator().manual_seed(1))
    flow = torch.zeros(1, 2, 6, 7)
    flow[:, 0], flow[:, 1] = 2, -1
    moved, seen = move(picture, flow)
    # grid_sample's coordinates are normalised in float32
    torch.testing.assert_close(moved[..., 1:, :-2], picture[..., :-1, 2:], atol=1e-5, rtol=0)
    assert not seen[..., 0, :].any() and not seen[..., -2:].any() and seen[..., 1:, :-2].all()


def test_frames_that_only_moved_agree():
    picture = torch.rand(1, 3, 8, 9, generator=torch.Generator().manual_seed(2))
    moved = torch.roll(picture, 3, dims=-1)
    flow = torch.zeros(1, 2, 8, 9)
    flow[:, 0] = 3
    everywhere = torch.ones(1, 1, 8, 9)
    assert float(agreement(picture, moved, flow, everywhere)) < 1e-5  # float32 coordinates
    assert float(agreement(picture, moved, torch.zeros_like(flow), everywhere)) > 0.1
