"""The identity term: it looks at what the features look at, is nothing for equal faces, and has a gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.face.posed_heads import posed
from tests.faceset.painted import painted
from vfx_deepfake.faceset.likeness import NUM_SHAPE, describe, matrix, texels
from vfx_deepfake.model.identity.augment import draw_grids, sampled
from vfx_deepfake.model.identity.features import likeness_loss, moved_texels, texture_features

SIZE = 192


def shown(person: int, yaw: float = 10.0) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """A crop (1, 3, S, S), its texels and its points."""
    points = (posed(yaw) - 128) * (SIZE / 256) + SIZE / 2
    crop = torch.from_numpy(painted(person, points, SIZE).transpose(2, 0, 1).copy())[None]
    return crop, torch.from_numpy(texels(points, SIZE))[None], points


def test_tensors_go_the_way_of_arrays() -> None:
    crop, where, points = shown(1)
    values, _ = describe(crop[0].numpy().transpose(1, 2, 0), points)
    wanted = values[:-NUM_SHAPE] @ matrix().directions[:-NUM_SHAPE]
    found = texture_features(crop, where)[0].numpy()
    assert np.ptp(wanted) > 10  # of units in which two pictures of one person differ by 1
    # cv2 looks between pixels in steps of 1/32 of one
    np.testing.assert_allclose(found, wanted, atol=0.02 * np.ptp(wanted))


def test_nothing_for_equal_faces_and_a_gradient_for_others() -> None:
    wanted, where, _ = shown(1)
    made = shown(2)[0].requires_grad_()
    assert float(likeness_loss(wanted, wanted, where)) == 0
    loss = likeness_loss(made, wanted, where)
    loss.backward()
    assert 0.5 < float(loss.detach()) < 1 and made.grad is not None
    step = made.detach() - 1e-2 * made.grad / made.grad.abs().max()
    assert float(likeness_loss(step, wanted, where)) < float(loss.detach())
    assert torch.isfinite(made.grad).all()
    equal = wanted.clone().requires_grad_()
    likeness_loss(equal, wanted, where).backward()
    assert equal.grad is not None and not equal.grad.any()  # a square: no kink where nothing is wrong


def test_the_lights_level_and_tint_cost_nothing() -> None:
    wanted, where, _ = shown(1)
    tinted = wanted + torch.tensor([0.1, 0.05, -0.02])[:, None, None]
    assert float(likeness_loss(tinted, wanted, where)) == pytest.approx(
        0, abs=1e-3
    )  # sums in float32, over a spread of a thousandth


def test_texels_move_with_the_picture() -> None:
    """A turned and shifted crop has the features of the first, by the moved texels, and others by the old ones."""
    crop, where, _ = shown(1, 0.0)
    grid = draw_grids(np.random.default_rng(3), SIZE).straight[None]
    moved = sampled(crop, grid)
    assert float(likeness_loss(moved, crop, where)) > 0.3
    there = texture_features(moved, moved_texels(where, grid)) - texture_features(crop, where)
    scale = texture_features(crop, where).std()
    assert float(there.abs().max()) < 0.15 * float(scale)  # sampled twice: a little softer
