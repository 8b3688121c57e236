"""Close-ups: windows to learn from, passes in tiles, and what may not change for it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.errors import TrainError
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.model.identity import parallel, tiles
from vfx_deepfake.model.identity.method import Drive, Options, ShotViews, View
from vfx_deepfake.model.identity.registry import prepare
from vfx_deepfake.model.identity.renderer import Renderer
from vfx_deepfake.model.identity.renderer_inputs import NUM_PLANES, SPANS
from vfx_deepfake.model.identity.renderer_lessons import drawn_part
from vfx_deepfake.model.identity.renderer_network import MULTIPLE, Design, Network

SIZE = 96
CPU = torch.device("cpu")
LARGE = Options(size=SIZE, batch_size=2, capacity="small", device="cpu")


@pytest.fixture(scope="module")
def close_up() -> Iterator[None]:
    """Close-ups are what is larger than 64 px, and a pool holds nine windows."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("WHOLE_PX", 64), ("LESSON_PX", 48), ("RIM_PX", 4), ("USES", 2)):
            patch.setattr(tiles, name, value)
        patch.setattr("vfx_deepfake.model.identity.renderer_lessons.KEEP_MIB", 1)
        yield


@pytest.fixture(scope="module")
def faceset(tmp_path_factory: pytest.TempPathFactory) -> Faceset:
    folder = tmp_path_factory.mktemp("faceset")
    return load_faceset(render_faceset(2, folder / "two", count=4, lights=(0, 1), size=SIZE))


@pytest.fixture(scope="module")
def renderer(close_up: None, faceset: Faceset) -> Renderer:
    made = prepare("renderer", [faceset], options=LARGE)
    assert isinstance(made, Renderer)
    return made


def painting(width: int = 8) -> Network:
    torch.manual_seed(3)
    network = Network(Design(size=32, width=width)).eval()
    for weight in network.painter.parameters():
        torch.nn.init.normal_(weight, std=0.15)  # as large as signals neither die nor saturate
    return network


@pytest.mark.parametrize("reach", [0, 1, 16, 89, 200])
def test_tiles_cover_a_side_once_and_see_far_enough(reach: int):
    for length in range(MULTIPLE, 2200, MULTIPLE):
        pairs = tiles.spans(length, reach, MULTIPLE)
        assert [at for _, kept in pairs for at in range(kept.start, kept.stop)] == list(range(length))
        for given, kept in pairs:
            assert given.start == 0 or (given.start <= kept.start - reach and given.start % MULTIPLE == 0)
            assert given.stop == length or (given.stop >= kept.stop + reach and given.stop % MULTIPLE == 0)
            assert given.stop - given.start <= tiles.PASS_PX
        assert len(pairs) == 1 or length > tiles.PASS_PX


def test_the_painter_says_how_far_it_looks():
    painter = painting().painter
    side, at = 16 * 14, 16 * 7 + 5
    told = torch.rand(1, painter.look.in_channels, side, side, requires_grad=True)
    (gradient,) = torch.autograd.grad(painter(told)[0, :, at, at].sum(), told)
    seen = gradient[0].abs().amax(dim=0)
    far = max(max(at - int(one.min()), int(one.max()) - at) for one in torch.nonzero(seen).T)
    assert painter.reach - MULTIPLE < far <= painter.reach  # where a pixel lies in its coarsest cell decides the rest


def test_a_pass_in_tiles_is_the_whole_pass(monkeypatch: pytest.MonkeyPatch):
    network, planes = painting(), torch.rand(1, NUM_PLANES, 272, 32) * 2 - 1
    with torch.inference_mode():
        whole = network(planes, torch.ones(1, 1))
        monkeypatch.setattr(tiles, "PASS_PX", 240)
        assert [kept.stop for _, kept in tiles.spans(272, network.painter.reach, MULTIPLE)] == [144, 272]
        made = network.painted(planes, torch.ones(1, 1))
        for one, other in zip(made, whole, strict=True):
            # float32 sums in another order, of values up to some tens within the network
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
        blind = tiles.in_tiles(lambda part: network(part, torch.ones(1, 1)), planes, 16, MULTIPLE)
    assert float((blind[1] - whole[1]).abs().max()) > 1e-2  # tiles that see too little are another picture


def test_tiles_are_put_together_in_rows_and_columns():
    planes = torch.rand(1, 2, 1600, 1040)
    twice, first = tiles.in_tiles(lambda part: (2 * part, part[:, :1]), planes, 32, MULTIPLE)
    assert torch.equal(twice, 2 * planes) and torch.equal(first, planes[:, :1])


def test_small_views_are_left_alone():
    view = View(np.ones((512, 512, 3), np.float32), np.ones((478, 2), np.float32), np.zeros(3), np.ones((512, 512)))
    assert tiles.smaller(view) is view and not tiles.is_large(512)
    points = np.full((478, 2), 300, np.float32)
    larger = View(np.ones((1200, 1200, 3), np.float32), points, np.zeros(3), np.ones((1200, 1200), np.float32))
    made = tiles.smaller(larger)
    assert made.size == 400 and made.valid.shape == (400, 400)
    np.testing.assert_allclose(made.points, 100)


def test_a_window_holds_what_was_drawn_and_begins_at_multiples():
    weight = np.zeros((50, 50), np.float32)
    weight[10, 40] = 2
    for seed in range(20):
        part = tiles.drawn(np.random.default_rng(seed), weight, 1600, MULTIPLE)
        assert part.side == tiles.LESSON_PX and not part.x % MULTIPLE and not part.y % MULTIPLE
        assert part.x + part.side <= 1600 and part.of(np.kron(weight, np.ones((32, 32)))).sum() == 2 * 32 * 32
    assert tiles.drawn(np.random.default_rng(1), weight * 0, 1600, MULTIPLE).x == 624  # the middle, nearly


def test_windows_lie_where_pixels_count():
    weight = np.ones((50, 50), np.float32)
    weight[:, :25] = 3
    parts = [tiles.drawn(np.random.default_rng(seed), weight, 3200, MULTIPLE) for seed in range(300)]
    left = np.mean([part.x + part.side / 2 < 1600 for part in parts])
    assert left == pytest.approx(0.75, abs=0.1)  # 300 draws scatter by 0.025


def test_a_window_is_a_part_of_what_the_whole_view_gives(renderer: Renderer):
    lessons = renderer._lessons
    whole = lessons._made(0, 1)[0]
    part, weight = drawn_part(lessons.labels[0][1], np.random.default_rng((5, 5)))
    window = lessons._window(0, 1, np.random.default_rng((5, 5)))[0]
    assert window.shape == (NUM_PLANES + 4, 48, 48)
    rows, columns = slice(part.y, part.y + part.side), slice(part.x, part.x + part.side)
    alike = NUM_PLANES - SPANS["borrowed"]
    # positions are rounded to a sixteenth of a pixel, each of 2 / 96; light changes by less than that over a pixel
    torch.testing.assert_close(window[:alike], whole[:alike, rows, columns], rtol=0, atol=2e-3)
    torch.testing.assert_close(window[NUM_PLANES:-1], whole[NUM_PLANES:-1, rows, columns], rtol=0, atol=1e-6)
    mine, theirs = window[alike:NUM_PLANES], whole[alike:NUM_PLANES, rows, columns]
    off, size = ((theirs[3] * planes[:3]).abs().mean() for planes in (mine - theirs, theirs))
    assert off < 0.3 * size  # dense flow of a part is not quite that of the whole; seen at 96 px: 0.05 to 0.22
    assert np.array_equal(window[-1], weight) and weight.max() > 0


def test_a_cut_edge_counts_nothing_and_the_views_own_edge_counts(close_up: None):
    rim = tiles.Part(0, 32, 48, 96).rim()
    assert rim[24, 0] == 1 and rim[24, -1] < 0.2 and rim[0, 24] < 0.2 and rim.max() == 1


def test_lessons_depend_on_the_step_alone(renderer: Renderer, faceset: Faceset, monkeypatch: pytest.MonkeyPatch):
    lessons = renderer._lessons
    batches = [lessons.draw(2, step, CPU) for step in range(1, 13)]
    assert batches[0].planes.shape == (2, NUM_PLANES, 48, 48) and len(lessons._windows) <= 9
    fresh = prepare("renderer", [faceset], options=LARGE)._lessons  # type: ignore[attr-defined]
    later = fresh.draw(2, 12, CPU)
    assert torch.equal(later.planes, batches[-1].planes) and torch.equal(later.wanted, batches[-1].wanted)
    assert not torch.equal(batches[0].wanted, batches[-1].wanted)  # the pool has been filled again
    for number in (0, 1):
        monkeypatch.setattr(parallel, "share", lambda batch, number=number: batch[number : number + 1])
        assert torch.equal(fresh.draw(2, 12, CPU).planes, later.planes[number : number + 1])


def test_a_close_up_trains_adapts_and_is_made_whole(renderer: Renderer, faceset: Faceset):
    optimiser = torch.optim.Adam(renderer.network.parameters(), lr=2e-3)
    before = float(renderer.step_loss(1).detach())
    for step in range(1, 5):
        optimiser.zero_grad()
        renderer.step_loss(step).backward()
        optimiser.step()
    assert float(renderer.step_loss(1).detach()) < before
    shot = ShotViews([1, 2], lambda frame: View(*faceset.view(frame)))
    renderer.adapt(shot)
    assert renderer.sheet().shape == (4 * 48, 3 * 48, 3)
    made = renderer.make(shot.view(1), Drive())
    assert made.picture_log.shape == (SIZE, SIZE, 3) and np.isfinite(made.picture_log).all()
    assert made.matte[SIZE // 2, SIZE // 2] == pytest.approx(1, abs=1e-3)


def test_a_method_that_needs_the_whole_face_says_how_large(faceset: Faceset):
    with pytest.raises(TrainError, match="size is 1040 and the autoencoder makes faces whole, of at most 1024 px"):
        prepare("autoencoder", [faceset], options=replace(LARGE, size=1040))
