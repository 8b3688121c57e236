"""The mesh renderer: its parts against known answers, and the whole on people who do not exist."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.errors import TrainError
from vfx_deepfake.face.topology import canonical_vertices_cm
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.image.relight import STOP_LOG
from vfx_deepfake.model import checkpoint
from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import basis, light_of
from vfx_deepfake.model.identity.method import EVERYWHERE, Drive, Options, ShotViews, View
from vfx_deepfake.model.identity.real_crops import RealCrops
from vfx_deepfake.model.identity.registration import moved_onto
from vfx_deepfake.model.identity.registry import prepare, restore
from vfx_deepfake.model.identity.renderer_inputs import NUM_PLANES, borrowing, look
from vfx_deepfake.model.identity.renderer_network import Design, Network
from vfx_deepfake.model.identity.retarget import Camera, difference, fit_camera, retarget, solve_shape
from vfx_deepfake.model.identity.silhouette import fill
from vfx_deepfake.model.identity.skin import Skin
from vfx_deepfake.model.identity.trainer import train_identity
from vfx_deepfake.settings import TrainSpec

SIZE = 64
TINY = Options(size=SIZE, batch_size=2, capacity="small", device="cpu")
STEPS = 16


def seen(camera: Camera, shape: np.ndarray) -> np.ndarray:
    return camera.project(shape)


def turned(yaw: float, pitch: float, nearness: float = 0.03, scale: float = 2.6) -> Camera:
    spin = cv2.Rodrigues(np.radians([pitch, yaw, 0.0]))[0] @ np.diag((1.0, -1.0, -1.0))
    return Camera(spin, scale, np.array([32.0, 33.0]), nearness)


HEAD = canonical_vertices_cm() - canonical_vertices_cm().mean(axis=0)
TURNS = [(yaw, pitch) for yaw in (-25, -10, 0, 12, 26) for pitch in (-8, 9)]


def lit_view(direction: tuple[float, float, float] = (0.6, -0.3, -0.7)) -> View:
    """A face of one colour under light that is linear in the normal, in log."""
    points = canonical.texture_points(SIZE)
    normals = canonical.seen_normals(canonical.normals(SIZE), np.zeros(3))
    light = 0.05 * normals @ np.array(direction)
    picture = np.float32(0.4) + np.stack([light, light, light], axis=-1).astype(np.float32)
    return View(picture, points.astype(np.float32), np.zeros(3, np.float32), np.ones((SIZE, SIZE), np.float32))


def test_a_view_of_the_canonical_head_is_its_own_texture():
    points = canonical.texture_points(SIZE)
    where = canonical.place(points, SIZE)
    centres = (np.arange(SIZE) + 0.5) / SIZE * 2 - 1
    # exact but in triangles of the nostrils that are thinner than a pixel: there an eighth of a pixel
    np.testing.assert_allclose(where[..., 0], np.broadcast_to(centres, (SIZE, SIZE)), atol=4e-3)
    picture = np.random.default_rng(1).random((8, 8, 3)).astype(np.float32)
    picture = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    # an eighth of a pixel, of a picture that changes by 0.8 a pixel at most
    np.testing.assert_allclose(canonical.unwrap(picture, points, SIZE), picture, atol=0.1)


def test_light_on_skin_of_one_colour_is_found():
    view = lit_view()
    light = light_of(view)
    normals = canonical.seen_normals(canonical.normals(SIZE), np.zeros(3))
    skin = canonical.skin(view.points, SIZE) > 0.5
    found = light.level + light.smooth(normals) + light.remainder
    # the ridge holds back a little of a light that is exactly in the basis; the remainder takes most of that up
    assert np.abs(found - view.image_log)[skin].max() < 2e-3
    assert basis(normals).shape == (SIZE, SIZE, 9)


def test_another_exposure_is_another_level_and_nothing_else():
    view = lit_view()
    brighter = replace(view, image_log=view.image_log + np.float32(0.06))
    first, second = light_of(view), light_of(brighter)
    np.testing.assert_allclose(second.level - first.level, 0.06, atol=1e-5)  # float32 sums over 4096 px
    np.testing.assert_allclose(second.coefficients, first.coefficients, atol=1e-5)


def test_a_camera_is_found_from_its_picture():
    camera = turned(18, -6)
    found = fit_camera(seen(camera, HEAD), HEAD, camera.nearness)
    np.testing.assert_allclose(found.project(HEAD), seen(camera, HEAD), atol=1e-3)  # Gauss-Newton, eight rounds


def test_nearness_and_shape_come_from_a_turning_head():
    views = np.stack([seen(turned(*turn), HEAD) for turn in TURNS])
    solved = solve_shape(views)
    # the grid's parabola, and a prior that is worth a fiftieth of a view
    assert solved.nearness == pytest.approx(0.03, abs=0.01)


def test_an_equal_shape_is_not_moved_and_a_longer_nose_is():
    views = np.stack([seen(turned(*turn), HEAD) for turn in TURNS])
    nosy = HEAD.copy()
    nosy[[1, 4, 5, 195]] += (0, 0, 1.5)
    performer, other = solve_shape(views), solve_shape(np.stack([seen(turned(*turn), nosy) for turn in TURNS]))
    same = difference(performer, performer)
    np.testing.assert_allclose(retarget(views[0], performer.shape, same, performer.nearness), views[0], atol=1e-4)
    moved = retarget(views[0], performer.shape, difference(performer, other), performer.nearness) - views[0]
    # in a head turned by 25 degrees a longer nose goes sideways, other places stay
    assert np.linalg.norm(moved[4]) > 3 * np.median(np.linalg.norm(moved, axis=1))


def test_what_lies_behind_is_continued_from_what_is_known():
    ramp = np.broadcast_to(np.linspace(0, 1, 32, dtype=np.float32)[None, :, None], (32, 32, 3)).copy()
    known = np.ones((32, 32), np.float32)
    known[10:22, 10:22] = 0
    spoilt = np.where(known[..., None] > 0, ramp, np.float32(9))
    filled = fill(spoilt, known)
    np.testing.assert_array_equal(filled[known > 0], ramp[known > 0])
    assert np.abs(filled - ramp).max() < 0.25  # a ramp through a hole of 12 px, from means of its surroundings
    np.testing.assert_array_equal(fill(spoilt, np.zeros_like(known)), spoilt)


def test_borrowing_leaves_out_the_answer_and_favours_the_nearest():
    view = lit_view()
    other = replace(view, image_log=view.image_log + np.float32(0.01) * np.eye(SIZE, dtype=np.float32)[..., None])
    crops = RealCrops([view, other], Skin(np.zeros((SIZE, SIZE, 3), np.float32)))
    taken = crops.borrowed(view.points, SIZE, but=[0])
    assert taken.shape == (SIZE, SIZE, 4)
    assert 0 <= taken[..., 3].min() <= taken[..., 3].max() <= 1
    alone = RealCrops([view], Skin(np.zeros((SIZE, SIZE, 3), np.float32)))
    assert not alone.borrowed(view.points, SIZE, but=[0]).any()


def test_a_picture_is_brought_back_onto_its_place():
    rng = np.random.default_rng(3)
    onto = np.repeat(cv2.GaussianBlur(rng.normal(0, 0.3, (128, 128)), (0, 0), 3)[..., None], 3, axis=2).astype(
        np.float32
    )
    shifted = np.roll(onto, 2, axis=1) + np.float32(0.05)  # elsewhere, and under more light
    moved = moved_onto(shifted, onto, np.ones((128, 128), np.float32)) - np.float32(0.05)
    off, was = (np.abs(one - onto)[16:-16, 16:-16].mean() for one in (moved, shifted - np.float32(0.05)))
    assert off < 0.25 * was  # half-resolution flow of a texture of 3 px: within half a pixel


def test_eyes_and_mouth_take_the_coarse_lightness_of_the_view():
    view = lit_view()
    inputs = look(view)
    real = np.full((SIZE, SIZE, 4), 0.2, np.float32)
    real[..., 3] = 1
    inputs = borrowing(inputs, real)
    eyes = inputs.features[..., canonical.FEATURES.index("eyes")] > 0.99
    lightness = (inputs.borrowed[..., :3] + inputs.light).mean(axis=-1)
    # the crop is 0.2 lighter and the view is not; what light changes within an eye is all that may be left
    assert np.abs(lightness - inputs.glints[..., 0])[eyes].max() < 0.03
    np.testing.assert_array_equal(inputs.borrowed[0, 0], real[0, 0])


def test_an_untrained_network_gives_colour_under_light():
    torch.manual_seed(0)
    network = Network(Design(size=32, width=8)).eval()
    planes = torch.rand(1, NUM_PLANES, 32, 32) - 0.5
    shares = torch.ones(1, 1)
    with torch.no_grad():
        picture, _ = network(planes, shares)
        assert torch.equal(picture, network.base(planes, shares))


def test_checkpointing_changes_no_gradient():
    grads = []
    for flag in (False, True):
        torch.manual_seed(0)
        network = Network(Design(size=32, width=8), flag).train()
        torch.nn.init.normal_(network.painter.leave.weight)
        torch.manual_seed(1)
        network(torch.rand(1, NUM_PLANES, 32, 32), torch.ones(1, 1))[0].sum().backward()
        grads.append(network.painter.look.weight.grad)
    torch.testing.assert_close(*grads, rtol=1e-5, atol=1e-5)  # the same sums, perhaps in another order


@pytest.fixture(scope="module")
def facesets(tmp_path_factory: pytest.TempPathFactory) -> list[Faceset]:
    """Three people who do not exist, three crops of each."""
    folder = tmp_path_factory.mktemp("facesets")
    made = [render_faceset(number, folder / str(number), count=3, lights=(0,), size=SIZE) for number in (1, 2, 3)]
    return [load_faceset(one) for one in made]


@pytest.fixture(scope="module")
def shot(facesets: list[Faceset]) -> ShotViews:
    return ShotViews([1001, 1002, 1003], lambda frame: View(*facesets[0].view(frame - 1001)))


@pytest.fixture(scope="module")
def trained(facesets, shot, tmp_path_factory) -> tuple[Path, list[float]]:
    """The second as the identity and the third as the one to mix with, after a few steps."""
    losses: list[float] = []
    method = prepare("renderer", [facesets[1]], [facesets[2]], shot, TINY)
    spec = TrainSpec(steps=STEPS, batch_size=2, learning_rate=2e-3, save_every=STEPS, device="cpu")
    folder = tmp_path_factory.mktemp("run")
    path = train_identity(
        method, spec, folder, shot=shot, notes={"family": "renderer"}, on_step=lambda step, loss: losses.append(loss)
    )
    return path, losses


def test_training_lowers_the_loss_and_its_checkpoint_makes_faces(trained, facesets, shot):
    path, losses = trained
    assert len(losses) == STEPS
    taught = prepare("renderer", [facesets[1]], [facesets[2]], shot, TINY)
    before = sum(float(taught.step_loss(step).detach()) for step in (1, 2))
    taught.network.load_state_dict(checkpoint.read(path).tensors)
    taught.network.train()
    after = sum(float(taught.step_loss(step).detach()) for step in (1, 2))
    assert after < before  # on the same lessons
    method = restore(path, "cpu", [facesets[1], facesets[2]])
    made = method.make(shot.view(1002), Drive())
    for plane, shape in (
        (made.picture_log, (SIZE, SIZE, 3)),
        (made.matte, (SIZE, SIZE)),
        (made.confidence, (SIZE, SIZE)),
    ):
        assert plane.shape == shape and plane.dtype == np.float32 and np.isfinite(plane).all()
    assert made.matte[SIZE // 2, SIZE // 2] == pytest.approx(1, abs=1e-3)  # the nose
    assert not made.matte[:2].any()
    again = restore(path, "cpu", [facesets[1], facesets[2]]).make(shot.view(1002), Drive())
    np.testing.assert_array_equal(made.picture_log, again.picture_log)


def test_mixing_goes_from_one_to_the_other_by_region_too(trained, facesets, shot):
    method, view = restore(trained[0], "cpu", [facesets[1], facesets[2]]), shot.view(1001)
    none, half, full = (method.make(view, Drive(mix={EVERYWHERE: share})).picture_log for share in (0.0, 0.5, 1.0))
    assert np.abs(full - none).max() > 1e-3
    inside = method.make(view, Drive()).matte > 0.9
    assert np.abs(half - none)[inside].mean() < np.abs(full - none)[inside].mean()
    mouth = method.make(view, Drive(mix={EVERYWHERE: 0.0, "mouth": 1.0})).picture_log
    eyes = canonical.features(view.points, SIZE)[..., canonical.FEATURES.index("irises")] > 0.9
    np.testing.assert_array_equal(mouth[eyes], none[eyes])


def test_other_sizes_and_another_performance_go_through(trained, facesets, shot):
    method, view = restore(trained[0], "cpu"), shot.view(1003)
    larger = View(
        cv2.resize(view.image_log, (88, 88)),
        view.points * np.float32(88 / 64),
        view.pose,
        cv2.resize(view.valid, (88, 88)),
    )
    assert method.make(larger, Drive()).picture_log.shape == (88, 88, 3)
    still = method.make(view, Drive()).picture_log
    driven = method.make(view, Drive(points=shot.view(1001).points)).picture_log
    assert np.abs(driven - still).max() > 1e-3


def test_the_level_is_dialled_in_stops_and_the_same_persons_skin_and_shape_are_left(trained, facesets, shot, tmp_path):
    method, view = restore(trained[0], "cpu"), shot.view(shot.frames[0])
    plain, darker = method.make(view, Drive()), method.make(view, Drive(level=-0.5))
    inside = plain.matte > 0.99
    assert (plain.picture_log - darker.picture_log)[inside] == pytest.approx(0.5 * STOP_LOG, abs=1e-5)
    same = prepare("renderer", facesets[:1], options=replace(TINY, performer=facesets[0].identity))
    same.adapt(shot)
    assert not same.network.own_level.any()
    assert not same.network.apart.any()  # nor is the shape another one
    path = tmp_path / "same.safetensors"
    checkpoint.write(path, same.network.state_dict(), {"family": "renderer"})
    assert not checkpoint.read(path).tensors["own_level"].any()


def test_shared_weights_are_those_that_paint(trained):
    names = set(checkpoint.read(trained[0]).tensors)
    method = restore(trained[0], "cpu")
    shared = set(method.shared_names())
    assert shared < names and all(not name.startswith("textures.") for name in shared)
    with pytest.raises(TrainError, match="opened to render"):
        method.step_loss(1)


@pytest.mark.parametrize(
    ("performer", "notes", "held"),
    [
        ("", {"takes": 3}, True),
        ("", {"design": {"held": True}}, True),  # which started from such a base
        ("", {}, False),
        ("performer 2", {"takes": 3}, False),  # landmarks and light are the identity's own
    ],
)
def test_a_painter_that_knows_other_peoples_takes_stays_as_it_is(facesets, tmp_path, performer, notes, held):
    assert facesets[1].identity == "performer 2"
    options = replace(TINY, performer=performer)
    base = prepare("renderer", [facesets[1]], options=options).network
    names = [name for name in base.state_dict() if name.startswith("painter.")]
    with torch.no_grad():
        base.painter.leave.weight.normal_(0, 0.1)
    start = tmp_path / "base.safetensors"
    checkpoint.write(start, {name: base.state_dict()[name] for name in names}, {"family": "renderer", **notes})
    spec = TrainSpec(steps=2, batch_size=2, learning_rate=2e-3, save_every=2, device="cpu")
    method = prepare("renderer", [facesets[1]], options=options)
    read = checkpoint.read(train_identity(method, spec, tmp_path / "run", start=start, notes={"family": "renderer"}))
    same = [torch.equal(read.tensors[name], base.state_dict()[name]) for name in names]
    assert all(same) is held
    assert read.tensors["textures.0.colour"].any()
    assert read.notes["design"]["held"] is held


def test_equal_steps_give_equal_batches_and_light_errors_differ_between_steps(facesets):
    first, second = (prepare("renderer", [facesets[1]], options=TINY) for _ in range(2))
    batches = [one._lessons.draw(2, step, torch.device("cpu")) for one in (first, second) for step in (1, 2)]
    assert torch.equal(batches[0].planes, batches[2].planes)
    assert not torch.equal(batches[0].planes, batches[1].planes)


def test_unknown_capacity_is_named(facesets):
    with pytest.raises(TrainError, match="choose one of small, medium, large"):
        prepare("renderer", [facesets[1]], options=replace(TINY, capacity="giant"))


def test_inputs_of_a_view_are_finite_and_in_order():
    planes = look(lit_view()).planes()
    assert planes.shape == (SIZE, SIZE, NUM_PLANES) and np.isfinite(planes).all()
