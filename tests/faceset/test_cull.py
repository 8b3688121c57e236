from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.face.posed_heads import posed
from tests.faceset.painted import painted
from tests.faceset.small import SIZE, small_faceset
from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.cull import cull_faceset, decide, judge, kind_of, read_likenesses
from vfx_deepfake.faceset.cut_faces import weakest_detail
from vfx_deepfake.faceset.data import CropRecord, load_faceset
from vfx_deepfake.faceset.likeness import THUMB_PX, Likeness
from vfx_deepfake.faceset.persons import CROP_UNIT, PERSON_UNIT, group_persons, likeness_away, tracks_of
from vfx_deepfake.faceset.spec import CullSpec

GOOD = {
    "sharpness": 100.0,
    "face_px": 180.0,
    "exposure": 0.0,
    "yaw": 5.0,
    "pitch": 0.0,
    "valid_share": 1.0,
    "clipped": 0.0,
    "weakest": 1.8,
}
ALONE = CullSpec(wrong_person=False, duplicates=0)


def with_measures(folder: Path, measures: Mapping[int, Mapping[str, float]], **fields: Any) -> Path:
    """Give every crop good measures, and some crops, by number, others; ``fields`` go to crop 1."""
    path = small_faceset(folder, 4) / "faceset.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for number, crop in enumerate(record["crops"], 1):
        crop["measures"] = {**GOOD, **measures.get(number, {})}
    record["crops"][0].update(fields)
    path.write_text(json.dumps(record), encoding="utf-8")
    return folder


UNFIT = [
    ({"sharpness": 20.0}, ALONE, "soft (20 px; 45 are wanted)"),
    ({"sharpness": 20.0}, dataclasses.replace(ALONE, sharpness_px=15), ""),
    ({"weakest": 0.9}, ALONE, "smeared (50% of the usual detail in one direction)"),
    ({"weakest": 0.9}, dataclasses.replace(ALONE, smeared=0), ""),
    ({"face_px": 60.0}, dataclasses.replace(ALONE, face_px=100), "small (head 60 px wide)"),
    ({"exposure": -7.0}, ALONE, "too dark (-7.0 stops)"),
    ({"exposure": 4.5}, ALONE, "too bright (+4.5 stops)"),
    ({"clipped": 0.3}, ALONE, "clipped (30% of the skin at white)"),
    ({"clipped": 0.3}, dataclasses.replace(ALONE, clipped=0), ""),
    ({"valid_share": 0.5}, ALONE, "cut off (only 50% of the face is in the picture)"),
    ({"yaw": -70.0}, ALONE, ""),
    ({"yaw": -70.0}, dataclasses.replace(ALONE, yaw_degrees=60), "turned (yaw -70)"),
    ({"pitch": 31.0}, dataclasses.replace(ALONE, pitch_degrees=30), "turned (pitch 31)"),
]


@pytest.mark.parametrize(("measures", "spec", "reason"), UNFIT)
def test_what_is_unfit_is_said_with_its_figure(
    tmp_path: Path, measures: dict[str, float], spec: CullSpec, reason: str
) -> None:
    folder = with_measures(tmp_path, {2: measures})
    culled = cull_faceset(folder, spec)
    assert [crop.culled for crop in load_faceset(folder, culled=True).crops] == ["", reason, "", ""]
    assert culled.reasons == ({kind_of(reason): 1} if reason else {})
    assert culled.num_used == (3 if reason else 4)
    assert (folder / "crops" / "000002.exr").is_file()  # nothing is deleted


def test_unsure_landmarks_come_first(tmp_path: Path) -> None:
    folder = with_measures(tmp_path, {1: {"sharpness": 1.0}}, score=0.1)
    cull_faceset(folder, ALONE)
    assert load_faceset(folder, culled=True).crops[0].culled == "landmarks unsure (0.10)"


def test_a_person_overrules_culling_and_may_take_it_back(tmp_path: Path) -> None:
    folder = with_measures(tmp_path, {2: {"sharpness": 20.0}})
    decide(folder, [2], keep=True)
    decide(folder, [4], keep=False, note="laughs")
    cull_faceset(folder, ALONE)
    assert [crop.culled for crop in load_faceset(folder, culled=True).crops] == ["", "", "", "dropped by hand (laughs)"]
    decide(folder, [2, 4], keep=None)
    cull_faceset(folder, ALONE)
    assert [kind_of(crop.culled) for crop in load_faceset(folder, culled=True).crops] == ["", "soft", "", ""]
    with pytest.raises(FacesetError, match="has no crop 7, 9"):
        decide(folder, [9, 7, 1], keep=True)


def test_of_doubles_the_sharper_one_stays(tmp_path: Path) -> None:
    folder = with_measures(tmp_path, {2: {"sharpness": 120.0}})
    faceset = load_faceset(folder)
    same = dataclasses.replace(faceset, points=faceset.points[[1, 1, 2, 3]], pose=faceset.pose[[1, 1, 2, 3]])
    likes = [like(thumb=i) for i in (0, 0, 2, 3)]
    reasons, groups = judge(same, likes, dataclasses.replace(ALONE, duplicates=1.0))
    assert reasons == ["double (of crop 2)", "", "", ""]
    assert groups is None
    likes[0] = like(thumb=7)  # the same pose and expression in another light is no double
    assert judge(same, likes, dataclasses.replace(ALONE, duplicates=1.0))[0] == ["", "", "", ""]


def test_likenesses_are_worked_out_once(tmp_path: Path) -> None:
    faceset = load_faceset(small_faceset(tmp_path))
    first = read_likenesses(faceset)
    kept = (tmp_path / "likeness.npz").stat().st_mtime_ns
    again = read_likenesses(faceset)
    assert (tmp_path / "likeness.npz").stat().st_mtime_ns == kept
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.features, b.features)
    (tmp_path / "likeness.npz").write_bytes(b"torn")
    assert len(read_likenesses(faceset)) == 4


def test_features_of_another_version_are_worked_out_again(tmp_path: Path) -> None:
    faceset = load_faceset(small_faceset(tmp_path))
    first = read_likenesses(faceset)
    with np.load(tmp_path / "likeness.npz") as stored:
        older = {**stored, "features": stored["features"] + 1, "format": np.array("1 of other weights")}
    np.savez(tmp_path / "likeness.npz", **older)
    for a, b in zip(first, read_likenesses(faceset), strict=True):
        np.testing.assert_array_equal(a.features, b.features)


# ---- persons


def like(thumb: int = 0) -> Likeness:
    """A likeness of nobody in particular."""
    flat = np.full((THUMB_PX, THUMB_PX), 0.1 * thumb)
    return Likeness(np.zeros(24, np.float32), flat.astype(np.float32))


def features(people: Sequence[int]) -> np.ndarray:
    """Of made-up people, a row a crop: 2.5 apart, and pictures of one person 1, in units of the usual limit."""
    rng = np.random.default_rng(5)
    own = np.stack([2.5 * PERSON_UNIT * np.random.default_rng(person).normal(size=24) for person in people])
    return np.asarray(own + PERSON_UNIT * 0.8 * rng.normal(size=own.shape))


def test_people_are_told_apart_and_the_largest_group_is_the_identity() -> None:
    people = [0] * 8 + [1] * 5 + [2]
    tracks = [[0, 1, 2], [3, 4], [5, 6, 7], [8, 9], [10, 11, 12], [13]]
    groups = group_persons(tracks, features(people))
    assert groups.group.tolist() == people
    assert groups.distance[:8].max() == 0
    assert groups.distance[8:].min() > 1


def test_single_crops_may_differ_more_than_long_tracks() -> None:
    base, away = np.zeros((1, 24)), np.full((1, 24), 1.2 * np.sqrt(2))  # 1.2 apart
    few, many = np.array([1]), np.array([50])
    assert likeness_away((base, few), (away, few))[0, 0] == pytest.approx(1.2 / CROP_UNIT)
    assert likeness_away((base, many), (away, many))[0, 0] == pytest.approx(
        1.2 / PERSON_UNIT, rel=0.02
    )  # 50 crops: nearly
    assert 1.2 / CROP_UNIT < likeness_away((base, few), (away, many))[0, 0] < 1.2 / PERSON_UNIT


def test_what_was_kept_by_hand_is_the_identity_however_few() -> None:
    people = [0] * 8 + [1] * 3 + [2] * 2
    groups = group_persons([[i] for i in range(len(people))], features(people), sure=[9, 12])
    assert [number == 0 for number in groups.group.tolist()] == [person in (1, 2) for person in people]


def test_more_tracks_than_are_compared_with_each_other_join_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vfx_deepfake.faceset.persons.MOST_TRACKS", 4)
    people = [0, 0, 1, 0, 0, 1, 0, 0]
    groups = group_persons([[i] for i in range(8)], features(people))
    assert (groups.group == 0).tolist() == [person == 0 for person in people]


def record(frame: int, middle: tuple[float, float] = (100, 100), source: str = "clip") -> CropRecord:
    matrix = ((1.0, 0.0, 16 - middle[0]), (0.0, 1.0, 16 - middle[1]))
    return CropRecord(
        file=f"crops/{frame:06d}.exr",
        source=source,
        frame=frame,
        source_sha256="",
        sha256="",
        matrix=matrix,
        face_px=20,
    )


def test_a_track_ends_at_a_cut_a_jump_a_gap_and_a_new_source() -> None:
    crops = [record(f) for f in (1, 2, 3, 4, 9)] + [record(10, (140, 100)), record(11, (141, 100), "other")]
    likes = [like(thumb=0)] * 2 + [like(thumb=5)] * 5
    assert tracks_of(crops, likes, SIZE) == [[0, 1], [2, 3], [4], [5], [6]]
    two = [record(1), record(1, (200, 100)), record(2), record(2, (200, 100))]  # two faces side by side
    assert tracks_of(two, [like()] * 4, SIZE) == [[0, 2], [1, 3]]


def test_motion_takes_detail_in_one_direction_and_defocus_in_all() -> None:
    points = (posed() - 128) * 0.5 + 64
    sharp, valid = painted(0, points, 128), np.ones((128, 128), np.float32)
    smeared = cv2.blur(sharp, (13, 1))
    soft = cv2.GaussianBlur(sharp, (0, 0), 3)
    sharp_left, smeared_left, soft_left = (
        weakest_detail(each, points, valid)["weakest"] for each in (sharp, smeared, soft)
    )
    assert smeared_left < 0.8 * sharp_left
    assert soft_left < 0.8 * sharp_left
    assert weakest_detail(np.full((64, 64, 3), 0.4, np.float32), points / 2, valid[:64, :64]) == {}


def embed(images_log: np.ndarray) -> np.ndarray:
    """For the test below: tells crops apart by their first pixel."""
    return np.stack([np.array([1.0, 0.0]) if image[0, 0, 0] < 0.5 else np.array([0.0, 1.0]) for image in images_log])


def test_an_embedder_of_the_studio_stands_in(tmp_path: Path) -> None:
    folder = with_measures(tmp_path, {})
    sys.modules.setdefault("studio_faces_of_the_test", sys.modules[__name__])
    faceset = load_faceset(folder)
    sides = [bool(faceset.image_log(i)[0, 0, 0] < 0.5) for i in range(4)]
    cull_faceset(folder, CullSpec(duplicates=0, embedder="studio_faces_of_the_test:embed"))
    groups = [crop.group for crop in load_faceset(folder, culled=True).crops]
    assert len(set(groups)) == len(set(sides))
    assert all((groups[i] == groups[0]) == (sides[i] == sides[0]) for i in range(4))
    for name, words in {
        "no.module:embed": "can't be loaded",
        "json:embed": "can't be loaded",
        "math:sqrt": "gave|can't",
    }.items():
        with pytest.raises((FacesetError, TypeError), match=words if name != "math:sqrt" else ".*"):
            cull_faceset(folder, CullSpec(embedder=name))
