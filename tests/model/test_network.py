"""The network's shape, its start at propagation, its tiles, and augmentation that keeps the answer right."""

import numpy as np
import pytest
import torch

from tests.model.scene import FIRST, disc_scene
from vfx_deepfake.model import network as module
from vfx_deepfake.model.network import MEMBERS, Design, Refiner, UNet, combine, refine, tiles, to_inputs
from vfx_deepfake.model.predict import stack_for

DESIGN = Design(width=4, selection=True)


def stack_and_place():
    source = disc_scene(step_px=1, warped=True).source([FIRST, FIRST + 8])
    return stack_for(source, FIRST + 3), source.face_coordinates(FIRST + 3)


def awake_network(design: Design = DESIGN) -> Refiner:
    """A network whose last layers are not zero."""
    torch.manual_seed(5)
    network = Refiner(design)
    network.gate[:] = 1
    for member in network.members:
        torch.nn.init.normal_(member.leave.weight, std=0.05)
    return network


@pytest.mark.parametrize("channels", [1, 3])
def test_features_match_the_design(channels):
    design = Design(channels=channels, width=4)
    assert UNet(design)(torch.zeros(1, design.num_inputs, 16, 24)).shape == (
        1, design.num_candidates + channels + 1, 16, 24,
    )  # fmt: skip


def test_a_closed_gate_is_propagation_exactly():
    stack, place = stack_and_place()
    network = awake_network()
    network.gate[:] = 0
    picture, matte = refine(network, stack, place)
    # sums of candidates in another order: float32 rounding
    np.testing.assert_allclose(picture, stack.base, atol=1e-6)
    np.testing.assert_allclose(matte, stack.matte, atol=1.1e-3)


@pytest.mark.parametrize("height, width", [(16, 16), (384, 384), (400, 1500), (784, 390)])
def test_tiles_cover_every_pixel_and_weights_never_vanish(height, width):
    total = np.zeros((height, width))
    for rows, columns in tiles(height, width):
        assert rows.stop - rows.start <= module.TILE_PX and columns.stop - columns.start <= module.TILE_PX
        assert (rows.stop - rows.start) % 8 == 0 or height % 8
        total[rows, columns] += module._tile_weight(rows, columns, height, width)
    assert total.min() > 0


def test_tiling_does_not_show(monkeypatch):
    stack, place = stack_and_place()
    network = awake_network()
    whole, _ = refine(network, stack, place)
    monkeypatch.setattr(module, "TILE_PX", 64)
    monkeypatch.setattr(module, "OVERLAP_PX", 40)
    tiled, _ = refine(network, stack, place)
    # a tile this small does not hold the receptive field, so it differs from the whole; feathered, no step shows
    change, seam = whole - stack.base, tiled - whole
    assert np.abs(change).max() > 1e-4
    assert np.abs(seam).mean() < 0.3 * np.abs(change).mean()


def test_correction_and_selection_are_bounded():
    stack, place = stack_and_place()
    everything = slice(0, stack.matte.shape[0]), slice(0, stack.matte.shape[1])
    inputs = to_inputs(stack, place, DESIGN, *everything)
    wild = torch.full((1, DESIGN.num_candidates + 4, *stack.matte.shape), 1e4)
    picture, matte = combine(DESIGN, wild, inputs)
    base = torch.from_numpy(stack.base.transpose(2, 0, 1))[None]
    # equal logits for all candidates leave the choice; the correction is at its bound
    doubt = torch.from_numpy(1 - stack.confidence)
    torch.testing.assert_close(picture - base, (module.CORRECTION_GAIN * doubt).expand_as(base), atol=2e-5, rtol=0)
    assert torch.isfinite(matte).all() and matte.max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_shuffling_the_painted_frames_keeps_what_they_say(channels):
    design = Design(channels=channels, width=4)
    generator = torch.Generator().manual_seed(1)
    n = design.num_candidates
    inputs = module.Inputs(
        torch.rand(2, design.num_inputs, 8, 8, generator=generator),
        torch.rand(2, n, channels, 8, 8, generator=generator),
        torch.rand(2, n, 8, 8, generator=generator),
        torch.rand(2, 1, 8, 8, generator=generator),
        torch.rand(2, 1, 8, 8, generator=generator),
    )
    order = np.array([2, 0, 1])
    back = np.argsort(order)
    there = design.shuffled(inputs, order)
    again = design.shuffled(there, back)
    for name, tensor in vars(inputs).items():
        assert torch.equal(getattr(again, name), tensor)
    still = combine(design, torch.zeros(2, n + channels + 1, 8, 8), there)[0]
    torch.testing.assert_close(still, combine(design, torch.zeros(2, n + channels + 1, 8, 8), inputs)[0])


def test_another_light_moves_plate_pictures_and_nothing_else():
    stack, place = stack_and_place()
    everything = slice(0, stack.matte.shape[0]), slice(0, stack.matte.shape[1])
    plain = to_inputs(stack, place, DESIGN, *everything)
    light = torch.tensor([0.1, 0.0, -0.05]).reshape(1, 3, 1, 1)
    lit = DESIGN.lit(to_inputs(stack, place, DESIGN, *everything), light)
    torch.testing.assert_close(DESIGN.plate_of(lit) - DESIGN.plate_of(plain), light.expand(1, 3, *stack.matte.shape))
    torch.testing.assert_close(
        lit.candidates - plain.candidates, light[:, None].expand_as(plain.candidates), atol=1e-6, rtol=0
    )
    assert torch.equal(lit.features[:, 6:], plain.features[:, 6:])


def test_members_are_averaged_by_their_gates():
    network = awake_network()
    features = torch.rand(1, DESIGN.num_inputs, 16, 16, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        alone = [member(features) for member in network.members]
        network.gate[:] = torch.tensor([1.0, 0.5])
        torch.testing.assert_close(network(features), (alone[0] + 0.5 * alone[1]) / MEMBERS)
        network.gate[:] = 0
        assert not network(features).any()
