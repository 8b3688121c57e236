"""The autoencoder: it learns, follows who is asked for, and its inputs, truths and mixes are what they claim."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.errors import TrainError
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.faceset.likeness import texels
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity.augment import draw_grids, draw_light, sampled
from vfx_deepfake.model.identity.autoencoder import performing
from vfx_deepfake.model.identity.autoencoder_lessons import Lessons, alone, crops_of, face_matte, to_planes
from vfx_deepfake.model.identity.autoencoder_mix import People, by_region, region_matte
from vfx_deepfake.model.identity.autoencoder_network import Design, Network
from vfx_deepfake.model.identity.colour import match_skin
from vfx_deepfake.model.identity.features import texture_features
from vfx_deepfake.model.identity.method import REGIONS, Drive, Made, Options, ShotViews, View
from vfx_deepfake.model.identity.registry import prepare, restore
from vfx_deepfake.model.identity.trainer import train_identity
from vfx_deepfake.settings import TrainSpec

pytest.importorskip("mediapipe", reason="mediapipe is not installed: pip install --no-deps mediapipe==0.10.21")
CPU = torch.device("cpu")
TINY = Options(size=64, batch_size=2, capacity="small", device="cpu")
STEPS = 24


@pytest.fixture(scope="module")
def facesets(tmp_path_factory: pytest.TempPathFactory) -> list[Faceset]:
    """Three people who do not exist, three crops of each."""
    folder = tmp_path_factory.mktemp("facesets")
    made = [render_faceset(number, folder / str(number), count=3, lights=(0,), size=64) for number in (1, 2, 3)]
    return [load_faceset(one) for one in made]


@pytest.fixture(scope="module")
def shot(facesets: list[Faceset]) -> ShotViews:
    """The first of them as the plate's performer."""
    return ShotViews([1001, 1002, 1003], lambda frame: View(*facesets[0].view(frame - 1001)))


@pytest.fixture(scope="module")
def trained(
    facesets: list[Faceset], shot: ShotViews, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[float]]:
    """The second as the identity, after a few steps: checkpoint and losses."""
    losses: list[float] = []
    spec = TrainSpec(
        steps=STEPS, batch_size=2, save_every=STEPS, device="cpu", learning_rate=1e-2
    )  # of which the warm-up gives a quarter
    path = train_identity(
        prepare("autoencoder", facesets[1:2], (), shot, TINY), spec, tmp_path_factory.mktemp("run"), shot=shot,
        notes={"family": "autoencoder"}, on_step=lambda step, loss: losses.append(loss),
    )  # fmt: skip
    return path, losses


def test_it_learns_and_comes_back_from_its_checkpoint(trained, shot):
    path, losses = trained
    assert np.mean(losses[-6:]) < np.mean(losses[:6])
    method = restore(path, "cpu")
    made = method.make(shot.view(1001), Drive())
    assert made.picture_log.shape == (64, 64, 3) and made.matte.shape == made.confidence.shape == (64, 64)
    assert {made.picture_log.dtype, made.matte.dtype, made.confidence.dtype} == {np.dtype(np.float32)}
    assert np.isfinite(made.picture_log).all() and 0 <= made.matte.min() < made.matte.max() <= 1
    assert np.array_equal(made.picture_log, method.make(shot.view(1001), Drive()).picture_log)
    assert method.design() == checkpoint.read(path).notes["design"]


def test_the_shots_colour_is_in_the_checkpoint(trained, shot):
    """The made skin has the plate's mean: adapting again finds nothing left to do."""
    method = restore(trained[0], "cpu")
    assert method.network.offset.any()
    left = match_skin(shot, lambda view: method.make(view, Drive()))
    assert np.allclose(left, 0, atol=1e-5)  # float32 pictures, pooled


def test_a_picture_of_another_size_is_brought_there_and_back(trained, shot):
    small = shot.view(1001)
    doubled = View(
        np.kron(small.image_log, np.ones((2, 2, 1), np.float32)),
        small.points * 2,
        small.pose,
        np.ones((128, 128), np.float32),
    )
    method = restore(trained[0], "cpu")
    made = method.make(doubled, Drive())
    assert made.picture_log.shape == (128, 128, 3)
    back = made.picture_log.reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    # averaging four equal pixels gives them back; enlarging by a cubic and averaging again is nearly nothing
    assert np.abs(back - method.make(small, Drive()).picture_log).max() < 0.01


def test_driving_points_move_what_is_shown(trained, shot):
    method, view = restore(trained[0], "cpu"), shot.view(1001)
    plain = method.make(view, Drive())
    onto_itself = np.abs(performing(view.image_log, view.points, view.points) - view.image_log)
    assert np.quantile(onto_itself, 0.95) < 1e-3  # float32 places; a turned head hides pixels of its mesh's far side
    aside = view.points + np.float32((6, 0))
    shifted = performing(view.image_log, view.points, aside)
    assert np.quantile(np.abs(shifted[:, 6:] - view.image_log[:, :-6]), 0.95) < 1e-3  # as above
    assert not np.array_equal(method.make(view, Drive(points=aside)).picture_log, plain.picture_log)


def test_equal_seeds_and_steps_draw_equal_batches(facesets, shot):
    def batch(step: int, seed: int = 1):
        return Lessons(crops_of([facesets[1:2]], shot), 2, 64, seed).draw(4, step, CPU)

    first, again = batch(7), batch(7)
    assert all(torch.equal(one, two) for one, two in zip(vars(first).values(), vars(again).values(), strict=True))
    assert not torch.equal(first.shown, batch(8).shown) and not torch.equal(first.shown, batch(7, 2).shown)
    assert first.whose.sum(dim=0).tolist() == [2, 2]  # half the performer, half the identity


def test_truth_moves_with_what_is_shown_but_is_not_warped():
    """What the warped input shows at a pixel is what the truth shows where the warp points."""
    rng = np.random.default_rng(0)
    rows = torch.linspace(-1, 1, 64)
    slopes = torch.stack(torch.meshgrid(rows, rows, indexing="ij"))[None]  # a picture that says where it is seen
    grids = draw_grids(rng, 64)
    straight, warped = (sampled(slopes, grid[None]) for grid in (grids.straight, grids.warped))
    inside = (grids.warped.abs().amax(-1) < 0.9) & (grids.straight.abs().amax(-1) < 0.9)
    gap = (warped - straight)[0, :, inside]
    assert 0.005 < float(gap.abs().mean()) < 0.06  # warped by about a pixel or two of 32 to each side of the middle
    # the truth is a similarity of the original: second differences vanish
    bend = grids.straight[2:] - 2 * grids.straight[1:-1] + grids.straight[:-2]
    assert float(bend.abs().max()) < 1e-5  # float32
    wave = grids.warped[2:] - 2 * grids.warped[1:-1] + grids.warped[:-2]
    assert float(wave.abs().max()) > 1e-4


def test_texels_lie_on_the_face_that_is_wanted(facesets, shot):
    """However a crop is turned and shifted, its texels show the features of the crop itself."""
    lessons = Lessons(crops_of([facesets[1:2]], shot), 2, 64, 1)
    batches = [lessons.draw(2, step, CPU) for step in range(4)]
    found = torch.cat([texture_features(one.wanted, one.texels) for one in batches])
    away = torch.cat(
        [texture_features(one.wanted, one.texels.roll(6, dims=1)) for one in batches]
    )  # eyes on the cheeks
    whole = torch.cat([texture_features(lessons.some(who, 3)[:, :3], _texels(facesets[who])) for who in (0, 1)])
    near, far = (torch.cdist(rows, whole).amin(dim=1) for rows in (found, away))
    assert (near < 0.7 * far).all()


def _texels(faceset: Faceset) -> torch.Tensor:
    return torch.from_numpy(np.stack([texels(faceset.points[index], faceset.size) for index in range(3)]))


def test_the_identity_term_is_part_of_the_loss(facesets, shot):
    def loss(likeness: float) -> torch.Tensor:
        torch.manual_seed(0)
        return prepare("autoencoder", facesets[1:2], (), shot, replace(TINY, likeness=likeness)).step_loss(1)

    assert 0.2 < float((loss(1.0) - loss(0.0)).detach()) < 1  # an untrained face is like nobody


def test_another_exposure_is_asked_back_and_contrast_is_not(facesets, shot):
    light = draw_light(np.random.default_rng(1))
    assert np.abs(light.offset).max() < 0.2 and 0.9 < light.contrast < 1.11
    lessons = Lessons(crops_of([facesets[1:2]], shot), 2, 64, 1)

    def face_means(step: int) -> list[float]:
        batch = lessons.draw(2, step, CPU)
        return [float((one * batch.matte).sum() / batch.matte.sum()) for one in (batch.shown, batch.wanted)]

    means = np.array([face_means(step) for step in range(30)])
    assert np.corrcoef(means.T)[0, 1] > 0.8  # exposure goes with both; contrast blurs it a little


def test_planes_hold_picture_matte_and_weight(facesets):
    view = View(*facesets[0].view(0))
    planes = to_planes(view, 32)[0].numpy()
    assert planes.shape == (5, 32, 32)
    assert np.allclose(planes[:3].mean(axis=(1, 2)), view.image_log.mean(axis=(0, 1)), atol=1e-5)  # areas, averaged
    assert np.allclose(planes[3], face_matte(view.points / 2, 32))
    assert planes[4].max() > 3 and planes[4, 0, 0] == pytest.approx(
        0.02, abs=1e-3
    )  # eyes first; the corner hardly counts
    grey = alone(torch.from_numpy(planes[None, :3]), torch.from_numpy(planes[None, 3:4]))
    assert grey[0, :, 0, 0].tolist() == pytest.approx([0.4] * 3, abs=1e-3)  # the corner lies before grey
    unseen = replace(view, valid=np.zeros_like(view.valid))
    assert to_planes(unseen, 32)[0, 4].max() == 0


SIZES = [(64, False), (80, True), (144, False), (256, True)]


@pytest.mark.parametrize(("size", "joint"), SIZES)
def test_any_multiple_of_sixteen(size, joint):
    network = Network(Design(size=size, joint=joint, identities=3, encoder_width=4, decoder_width=4, code=8))
    picture, matte = network(torch.full((3, 3, size, size), 0.4), torch.eye(3))
    assert picture.shape == (3, 3, size, size) and matte.shape == (3, 1, size, size)


@pytest.mark.parametrize("joint", [False, True])
def test_saving_memory_changes_no_gradient(joint):
    def gradients(checkpointing: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        network = Network(Design(size=64, joint=joint, encoder_width=4, decoder_width=4, code=8), checkpointing)
        picture, matte = network(torch.full((2, 3, 64, 64), 0.5), torch.eye(2))
        (picture.square().mean() + matte.mean()).backward()
        return [one.grad for one in network.parameters()]

    for kept, again in zip(gradients(False), gradients(True), strict=True):
        assert torch.equal(kept, again)  # the same operations in the same order


def test_half_way_between_two_codes_lies_between_two_faces():
    torch.manual_seed(0)
    network = Network(Design(size=64, joint=True, identities=3, encoder_width=8, decoder_width=8, code=16)).eval()
    picture = torch.full((1, 3, 64, 64), 0.45)

    def painted(share: float) -> torch.Tensor:
        return network(picture, torch.tensor([[0.0, 1 - share, share]]))[0]

    steps = [float((painted(share) - painted(0.0)).detach().abs().mean()) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert steps[0] == 0 and all(low < high for low, high in pairwise(steps))


def test_ages_and_a_second_identity_make_it_joint(facesets, shot):
    young, old = replace(facesets[1], age=30.0), replace(facesets[1], age=60.0)
    method = prepare("autoencoder", [old, young], [replace(facesets[2], age=None)], shot, TINY)
    assert method.design()["network"]["joint"] and method.design()["people"] == {
        "ages": [60.0, 30.0, None],
        "partner_from": 3,
    }
    people = People((60.0, 30.0, None), 3)
    assert people.shares(0.0, None).tolist() == [0, 1, 0, 0]
    assert people.shares(0.0, 45.0).tolist() == [0, 0.5, 0.5, 0]
    assert people.shares(0.0, 20.0).tolist() == [0, 0, 1, 0] and people.shares(0.0, 90.0).tolist() == [0, 1, 0, 0]
    assert people.shares(0.5, 30.0).tolist() == [0, 0, 0.5, 0.5]
    assert People.from_data(people.as_data()) == people
    view = shot.view(1001)
    made = [
        method.make(view, Drive(mix, 45.0)).picture_log
        for mix in ({"all": 0.0}, {"all": 0.0, "mouth": 1.0}, {"all": 1.0})
    ]
    mouth = region_matte(view.points, 64, "mouth")[..., None]
    assert np.allclose(made[1], made[0] + mouth * (made[2] - made[0]), atol=1e-6)  # float32 sums


def test_regions_lie_on_each_other_and_one_painting_is_enough_for_one_mix(facesets):
    asked: list[float] = []

    def paint(share: float) -> np.ndarray:
        asked.append(share)
        return np.full((64, 64, 3), share, np.float32)

    points = facesets[0].points[0]
    flat = by_region({"all": 0.25}, points, 64, paint)
    assert (flat == 0.25).all() and asked == [0.25]
    asked.clear()
    mouth = by_region({"all": 0.0, "skin": 0.5, "mouth": 1.0}, points, 64, paint)
    assert sorted(asked) == [0.0, 0.5, 1.0]
    x, y = np.floor(points[[13, 14]].mean(axis=0)).astype(int)
    assert mouth[y, x, 0] > 0.7 and mouth[0, 0, 0] < 0.01  # a soft edge reaches into a mouth of a few pixels
    assert all(0 < region_matte(points, 64, region).max() <= 1 for region in REGIONS)


def test_one_colour_for_a_shot_is_found_exactly(shot):
    def dimmer(view: View) -> Made:
        ones = np.ones(view.valid.shape, np.float32)
        return Made(view.image_log - np.float32((0.05, 0.0, -0.02)), ones, ones)

    assert np.allclose(match_skin(shot, dimmer), (0.05, 0.0, -0.02), atol=1e-6)  # float32 pictures
    nothing = match_skin(shot, lambda view: replace(dimmer(view), matte=np.zeros(view.valid.shape, np.float32)))
    assert nothing.tolist() == [0, 0, 0]


def test_shared_weights_are_those_of_nobody(facesets, shot):
    separate = prepare("autoencoder", facesets[1:2], (), shot, TINY).shared_names()
    joint = prepare("autoencoder", facesets[1:2], (), shot, replace(TINY, joint=True)).shared_names()
    assert {name.split(".")[0] for name in separate} == {"encoder", "readings"}
    assert "decoders.0.leave.weight" in joint and "readings.2.narrow.weight" in joint
    assert not {"readings.0.narrow.weight", "offset"} & set(joint)


def test_the_adversary_is_off_unless_asked_for(facesets, shot):
    assert prepare("autoencoder", facesets[1:2], (), shot, TINY).adversary is None
    method = prepare("autoencoder", facesets[1:2], (), shot, replace(TINY, adversary=0.01))
    loss = method.step_loss(2)
    loss.backward()
    assert math.isfinite(float(loss.detach())) and method.adversary is not None
    assert any(one.grad is not None and one.grad.any() for one in method.adversary.network.parameters())  # it learnt


def test_what_can_not_be_made_is_said(facesets, shot, tmp_path, trained):
    with pytest.raises(TrainError, match="identity method 'magic' is unknown; known: renderer, autoencoder"):
        prepare("magic", facesets[:1])
    with pytest.raises(TrainError, match="learns an identity from facesets and none is given"):
        prepare("autoencoder", [])
    with pytest.raises(TrainError, match="size is 100; use a multiple of 16, at least 64"):
        prepare("autoencoder", facesets[:1], options=Options(size=100))
    with pytest.raises(TrainError, match="capacity is 'huge'; choose one of small, medium, large"):
        prepare("autoencoder", facesets[:1], options=Options(size=64, capacity="huge"))
    with pytest.raises(TrainError, match="working spaces ACEScg and other can't be mixed"):
        prepare("autoencoder", [facesets[0], replace(facesets[1], working="other")])
    with pytest.raises(TrainError, match="opened to render"):
        restore(trained[0], "cpu").step_loss(1)
    saved = checkpoint.read(trained[0])
    checkpoint.write(tmp_path / "a.safetensors", saved.tensors, {**saved.notes, "family": "magic"})
    with pytest.raises(TrainError, match="holds no identity model"):
        restore(tmp_path / "a.safetensors")
    fewer = {name: tensor for name, tensor in saved.tensors.items() if name != "offset"}
    checkpoint.write(tmp_path / "b.safetensors", fewer, saved.notes)
    with pytest.raises(TrainError, match="weights do not fit the network; train again"):
        restore(tmp_path / "b.safetensors", "cpu")
