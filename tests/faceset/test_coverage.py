"""What a coverage report says, against facesets and plates whose gaps are known because they were made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import numpy as np
import pytest

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.coverage import Coverage, coverage
from vfx_deepfake.faceset.coverage_space import AXES, Table, identity_shift

Row = dict[str, float]
FRAMES = range(1001, 1041)


def row(yaw: float = 0.0, light: float = 0.0, **more: float) -> Row:
    """A crop that looks ``yaw`` degrees to image right, lit by ``light`` stops from image right."""
    values = {
        "yaw": yaw, "pitch": 0.0, "roll": 0.0, "gaze_x": 0.0, "gaze_y": 0.0, "eye_left": 0.3, "eye_right": 0.3, "mouth_open": 0.3,
        "lips_closed": 0.0, "smile": 0.2, "brow": 3.3, "teeth": 0.1, "level": 0.45, "exposure": 0.5, "contrast": 2.0,
        "light_x": float(np.sign(light)), "light_y": 0.0, "light_share": 1 - 2.0 ** -abs(light), "sharpness": 150.0, "face_px": 200.0,
    }  # fmt: skip
    return values | more


def many(keep: Callable[[Row], bool] = lambda _: True) -> list[Row]:
    """300 crops: all poses to 30 degrees, in three lights, mouth open and shut, eyes to both sides."""
    rng = np.random.default_rng(5)
    rows = [
        row(
            yaw, light, pitch=float(rng.uniform(-12, 12)), gaze_x=float(rng.uniform(-0.4, 0.4)), gaze_y=float(rng.uniform(-0.3, 0.3)),
            mouth_open=float(gap), lips_closed=float(gap < 0.1), teeth=0.1 * (gap > 0.5), smile=float(rng.uniform(-0.1, 0.6)),
            brow=float(rng.uniform(3.0, 3.6)), **dict.fromkeys(("eye_left", "eye_right"), float(rng.choice([0.05, 0.25, 0.32]))),
        )
        for yaw in np.linspace(-30, 30, 25) for light in (-1.5, 0.0, 1.5) for gap in (0.0, 0.4, 0.9, 1.5)
    ]  # fmt: skip
    return [one for one in rows if keep(one)]


def plate(**changes: Callable[[int], float]) -> list[Row]:
    """40 frames: the head turns from 30 degrees to image left to 10 to image right."""
    frames = []
    for index in range(len(FRAMES)):
        values = row(-30 + index, 0.3)
        frames.append(values | {name: change(index) for name, change in changes.items()})
    return frames


def report(crops: list[Row], frames: list[Row] | None = None) -> Coverage:
    return coverage(crops, FRAMES, plate() if frames is None else frames)


def text(found: Coverage) -> str:
    return "\n".join(found.lines())


def test_a_faceset_that_shows_everything_has_no_gap() -> None:
    found = report(many())
    assert found.lines() == ["40 of 40 frames are covered by 300 crops"]
    assert found.covered_share == 1
    assert found.suffering == ()


def test_without_left_looking_crops_it_names_how_far_they_go_and_where_more_is_needed() -> None:
    found = report(many(lambda crop: crop["yaw"] >= -12.5))
    # slack of half a step, 4 degrees, beyond the last crop at -12.5: frames below -16.5 are 1001 to 1014
    assert "no crop looks to image left beyond 12 degrees; the plate needs 30 in 1001-1014" in text(found)
    assert {need.frame for need in found.suffering} == set(range(1001, 1015))
    assert found.suffering[0].frame == 1001
    assert re.fullmatch(r"pose: looks 30 degrees to image left and \d degrees \w+; nearest crop looks 12 degrees to image left and .*",
                        found.suffering[0].reason)  # fmt: skip


def test_with_no_crop_on_a_side_it_says_so_without_a_figure() -> None:
    found = report(many(lambda crop: crop["yaw"] > 2))
    assert "no crop looks to image left; the plate needs 30 in 1001-10" in text(found)


def test_too_much_of_one_side_is_not_called_the_other() -> None:
    lit = plate(light_y=lambda _: 1.0, light_x=lambda _: 0.0, light_share=lambda _: 1 - 2**-0.3)
    from_above = [crop | {"light_x": 0.0, "light_y": 1.0, "light_share": 1 - 2**-2.5} for crop in many()]
    said = text(report(from_above, lit))
    # the plate's 0.3 stops are moved by the 0.4 that may be the other person's own
    assert "every crop is lit from above by more than 2.5 stops; the plate needs 0.7 in 1001-1040" in said
    assert "from below" not in said


def test_few_crops_are_not_none() -> None:
    # 7.5 and more to image left in two crops only
    left = [crop for crop in many() if crop["yaw"] < -20][:2]
    found = report([*left, *many(lambda crop: crop["yaw"] > -5)])
    assert re.search(r"only 2 of \d+ crops look to image left beyond \d+ degrees; the plate does in ", text(found))


def test_light_from_the_other_side_only() -> None:
    lit = plate(light_x=lambda _: -1.0, light_share=lambda _: 1 - 2**-1.8)
    found = report(many(lambda crop: crop["light_x"] > 0), lit)
    assert "no crop is lit from image left; the plate needs 1.8 in 1001-1040" in text(found)
    assert len(found.suffering) == len(FRAMES)


def test_poses_and_lights_that_are_there_but_never_together() -> None:
    found = report(many(lambda crop: (crop["yaw"] < 0) == (crop["light_x"] > 0)))
    lit = plate(light_x=lambda _: -1.0, light_share=lambda _: 1 - 2**-1.5)
    assert "not together" not in text(report(many(), lit))
    found = report(many(lambda crop: (crop["yaw"] < 0) == (crop["light_x"] > 0)), lit)
    assert re.search(r"pose and light are each there, but not together: looks \d+ degrees to image left", text(found))


@pytest.mark.parametrize(
    ("keep", "changes", "said"),
    [
        (lambda crop: crop["teeth"] == 0, {}, r"teeth visible in 0 of \d+ crops; the plate shows them in 1001-1040"),
        (lambda crop: crop["eye_left"] > 0.2, dict.fromkeys(("eye_left", "eye_right"), lambda i: 0.02 if i == 7 else 0.3),
         r"lids shut in 0 of \d+ crops; the plate shuts them in 1008"),
        (lambda crop: crop["lips_closed"] == 0, {"lips_closed": lambda i: float(i < 5), "mouth_open": lambda i: 0.0 if i < 5 else 0.4},
         r"lips shut in 0 of \d+ crops; the plate shuts them in 1001-1005"),
        (lambda crop: crop["mouth_open"] < 0.5, {"mouth_open": lambda i: 1.4 if i > 30 else 0.4},
         r"no crop has its mouth open by more than 4 mm; the plate needs 1[345] in 1032-1040"),
        (lambda crop: crop["gaze_x"] < 0, {"gaze_x": lambda i: 0.4 if i < 10 else 0.0},
         r"no crop has its eyes turned to image right; the plate needs \d\.\d in 1001-1010"),
        (lambda crop: True, {"exposure": lambda _: 4.0},
         r"no crop has skin brighter than 0\.5 stops over grey; the plate needs 4\.0 in 1001-1040"),
        (lambda crop: True, {"face_px": lambda i: 310.0 if i > 19 else 200.0},
         r"the plate's face is up to 310 px wide, the faceset's median 200, in 1021-1040"),
        (lambda crop: True, {"sharpness": lambda _: 280.0},
         r"the faceset is softer than the plate: its median crop is as sharp as a face of 150 px, the plate as one of 280, in 1001-1040"),
    ],
)  # fmt: skip
def test_each_kind_of_gap_has_its_words(keep: Callable[[Row], bool], changes: dict, said: str) -> None:
    assert re.search(said, text(report(many(keep), plate(**changes))))
    assert not re.search(said, text(report(many())))


def test_a_hole_between_crops_is_named() -> None:
    found = report(many(lambda crop: abs(crop["yaw"] + 10) > 11))
    assert re.search(r"no crop comes near this \(pose\): looks \d+ degrees to image left", text(found))


def test_another_persons_resting_face_is_allowed_for_but_not_a_whole_performance() -> None:
    faceset = Table.of(many())
    assert not any(identity_shift(faceset, faceset).values())
    assert identity_shift(faceset, Table.of(plate(smile=lambda _: 0.8)))["smile"] == pytest.approx(
        -0.2, abs=0.06
    )  # crops reach 0.6
    smiling = Table.of(plate(smile=lambda _: 2.0))
    allowed = next(axis.allow for axis in AXES if axis.name == "smile")
    assert identity_shift(faceset, smiling)["smile"] == -allowed
    assert "no crop has the corners of its mouth higher" in text(report(many(), plate(smile=lambda _: 2.0)))


def test_what_a_crop_does_not_show_is_no_gap() -> None:
    blind = [
        {name: value for name, value in crop.items() if not name.startswith(("gaze", "light"))} for crop in plate()
    ]
    assert report(many(), blind).covered_share == 1


def test_the_worst_gap_comes_first_and_all_is_plain_data() -> None:
    found = report(many(lambda crop: crop["yaw"] > -5), plate(face_px=lambda _: 260.0))
    scores = [gap.score for gap in found.gaps]
    assert scores == sorted(scores, reverse=True)
    assert found.gaps[0].kind == "pose" and found.gaps[0].level == "serious"
    data = json.loads(json.dumps(found.to_data(), allow_nan=False))
    assert data["summary"] == found.lines()
    assert [one["frame"] for one in data["frames"]] == list(FRAMES)
    assert data["gaps"][0]["frames"]


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(FacesetError, match=r"coverage: no crop is in use; there is nothing to compare"):
        coverage([], FRAMES, plate())
    with pytest.raises(FacesetError, match=r"coverage: no frame of the plate shows the face"):
        coverage(many(), [], [])
