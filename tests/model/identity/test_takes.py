"""Which crops are one take, and which are kept out of the lessons to judge by."""

from dataclasses import replace

import numpy as np
import pytest

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.model.identity.method import Options
from vfx_deepfake.model.identity.registry import prepare
from vfx_deepfake.model.identity.renderer import Renderer
from vfx_deepfake.model.identity.takes import FEW_STILLS, Take, takes_of, unseen

SIZE = 64
MOVIE, SEQUENCE = Take(0, "reel.mov"), Take(0, "one.####.exr")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Faceset:
    """Twelve crops of somebody who does not exist, of one sequence."""
    return load_faceset(render_faceset(1, tmp_path_factory.mktemp("faceset") / "1", count=12, lights=(0,), size=SIZE))


def named(faceset: Faceset, *places: tuple[str, int]) -> Faceset:
    """Its first crops as if they were from these sources and frames."""
    crops = tuple(
        replace(crop, source=source, frame=frame) for crop, (source, frame) in zip(faceset.crops, places, strict=False)
    )
    return replace(faceset, crops=crops, points=faceset.points[: len(crops)], pose=faceset.pose[: len(crops)])


def stills(*names: str) -> list[tuple[str, int]]:
    return [(name, 0) for name in names]


def test_a_movie_and_a_sequence_are_a_take_each_and_facesets_never_share_one(drawn):
    moving = named(drawn, ("a.####.exr", 0), ("a.####.exr", 1), ("b.mov", 1))
    first, second = [Take(0, "a.####.exr")] * 2 + [Take(0, "b.mov")], [Take(1, "a.####.exr")] * 2 + [Take(1, "b.mov")]
    assert takes_of([moving, moving]) == first + second


def test_the_stills_of_a_folder_are_one_take_however_they_are_named(drawn):
    found = takes_of([named(drawn, *stills(*(f"sitting/{n}.tif" for n in "abc"), "./sitting/d.tif", "sitting/e.jpg"))])
    assert found == [Take(0, "sitting", stills=True)] * 5
    beside = takes_of([named(drawn, *stills(*"abcde"))])
    assert set(beside) == {Take(0, ".", stills=True)}


def test_few_stills_of_many_folders_go_together(drawn):
    found = takes_of([named(drawn, ("reel.mov", 7), *stills("x/1.tif", "y/1.tif", "y/2.tif"))])
    assert found == [MOVIE, *[Take(0, FEW_STILLS, stills=True)] * 3]


def test_the_smallest_take_judges_and_the_end_of_a_single_one():
    a, b, c = (Take(0, name) for name in "abc")
    assert unseen([a, a, b, c, c]) == [2]
    assert unseen([a] * 10) == [8, 9]
    assert unseen([a]) == unseen([]) == []


def test_stills_judge_where_they_are_enough_and_by_a_share_from_all_over():
    sitting, other = Take(0, "sitting", stills=True), Take(0, "other", stills=True)
    few = Take(0, FEW_STILLS, stills=True)
    assert unseen([sitting] * 12) == [2, 7]
    assert unseen([sitting] * 6 + [other] * 5) == [6, 7, 8, 9, 10]
    assert unseen([MOVIE] * 20 + [sitting] * 5) == [20, 21, 22, 23, 24]
    assert unseen([few] * 3 + [MOVIE] * 10) == [11, 12]  # three pictures against a movie are chance
    assert unseen([few, few]) == [1]
    assert unseen([few] * 2 + [MOVIE] * 3 + [SEQUENCE] * 2) == [5, 6]
    assert unseen([few] * 4 + [few._replace(faceset=1)] * 4) == [2, 7]


def test_pictures_of_one_sitting_do_not_pass_for_many_lights(drawn):
    options = Options(size=SIZE, batch_size=1, capacity="small", device="cpu")

    def prepared(*places: tuple[str, int]) -> Renderer:
        method = prepare("renderer", [named(drawn, *places)], options=options)
        assert isinstance(method, Renderer)
        return method

    sitting, moving = (
        prepared(*stills(*(f"s/{n}.tif" for n in range(12)))),
        prepared(*(("s.mov", n) for n in range(1, 13))),
    )
    np.testing.assert_array_equal(sitting._net.skin_apart, moving._net.skin_apart)
    np.testing.assert_array_equal(sitting._net.skin_level, moving._net.skin_level)
    lessons = sitting._lessons_or_fail()
    assert lessons.kept_out == [[2, 7]] and [len(views) for views in lessons.takes(0)] == [12]
