"""The performer is reproducible, and its answers are the answers."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.demo.performer.performance import Performance
from vfx_deepfake.demo.performer.performer import POINT_NAMES, Performer, Truth
from vfx_deepfake.demo.performer.shade import REGIONS

SMALL = {"width": 160, "height": 120, "count": 6}


@pytest.fixture(scope="module")
def performer() -> Performer:
    return Performer(**SMALL)


@pytest.fixture(scope="module")
def truths(performer: Performer) -> dict[int, Truth]:
    return {frame: performer.truth(frame) for frame in performer.frames}


def test_the_same_settings_give_the_same_bits(performer: Performer, truths: dict[int, Truth]) -> None:
    again = Performer(**SMALL).truth(1004)  # alone, as a farm host would draw it
    for name in ("plate", "clean", "young", "young_grained", "points"):
        assert np.array_equal(getattr(again, name), getattr(truths[1004], name)), name
    for name, mask in again.masks.items():
        assert np.array_equal(mask, truths[1004].masks[name]), name


def test_another_seed_is_another_plate(truths: dict[int, Truth]) -> None:
    other = Performer(**SMALL, seed=2).truth(1001)
    assert not np.array_equal(other.clean, truths[1001].clean)
    assert abs(np.corrcoef(other.grain_field.ravel(), truths[1001].grain_field.ravel())[0, 1]) < 0.03


def test_without_age_the_plate_is_its_own_answer() -> None:
    truth = Performer(**SMALL, age=0.0).truth(1002)
    assert np.array_equal(truth.clean, truth.young)
    assert np.array_equal(truth.plate, truth.young_grained)
    assert np.array_equal(truth.painted, truth.plate)


def test_age_changes_the_face_and_nothing_else(truths: dict[int, Truth]) -> None:
    for truth in truths.values():
        change = np.abs(truth.young - truth.clean).max(-1)
        face = truth.masks["face"]
        assert change[face > 0.9].mean() > 0.01
        background = truth.masks["head"] + truth.masks["occluder"] == 0
        assert change[background].max() == 0.0


def test_the_regions_share_out_the_face(truths: dict[int, Truth]) -> None:
    for truth in truths.values():
        total = sum(truth.masks[name] for name in REGIONS)
        np.testing.assert_allclose(total, truth.masks["face"], atol=1e-6)  # a sum of six float32 shares
        for name, mask in truth.masks.items():
            assert mask.min() >= 0.0 and mask.max() <= 1.0 + 1e-6, name
        assert (truth.masks["face"] <= truth.masks["head"] + 1e-6).all()
    assert all(truths[1001].masks[name].sum() > 3.0 for name in REGIONS)  # pixels


def test_teeth_are_a_part_of_the_mouth_seen_when_it_opens(truths: dict[int, Truth]) -> None:
    for truth in truths.values():
        assert (truth.masks["teeth"] <= truth.masks["mouth"] + 1e-6).all()  # rounding of two float32 sums
    smile = truths[1006].masks  # the last frame smiles with parted lips
    assert 0.2 < smile["teeth"].sum() / smile["mouth"].sum() < 1.0


def test_the_lamp_is_far_above_one_and_the_grain_goes_below_zero(truths: dict[int, Truth]) -> None:
    plate = truths[1001].plate
    assert np.isfinite(plate).all()
    assert plate.max() > 20.0
    assert plate.min() < 0.0
    assert truths[1001].clean.min() > 0.0


def test_the_microphone_crosses_the_face_and_leaves(truths: dict[int, Truth]) -> None:
    occluded = [frame for frame, truth in truths.items() if truth.occluded]
    assert occluded == [1004, 1005]
    hidden = truths[1004].masks["occluder"] > 0.99
    assert np.array_equal(truths[1004].clean[hidden], truths[1004].young[hidden])


def test_the_eyes_close_in_the_blink() -> None:
    """24 frames sample the blink well: open, closed, open."""
    performance = Performance()
    opening = [performance.moment(index, 24).eyes.opening for index in range(24)]
    assert opening[0] == opening[-1] == 1.0
    assert min(opening) < 0.15


def test_a_head_turned_away_shows_no_face() -> None:
    performer = Performer(**SMALL, performance=Performance(microphone=False, away=(2, 3)))
    truth = performer.truth(1003)
    assert not truth.has_face
    assert truth.masks["head"].sum() > 1000  # pixels: the head is still there
    assert truth.masks["eyes"].sum() + truth.masks["lips"].sum() < 3.0
    assert not performer.face_is_free(1003)
    assert performer.face_is_free(1002)


def test_points_lie_on_what_they_name(truths: dict[int, Truth]) -> None:
    truth = truths[1001]
    at = dict(zip(POINT_NAMES, truth.points, strict=True))

    def mask_at(name: str, point: str) -> float:
        x, y = at[point]
        return float(truth.masks[name][int(y), int(x)])

    assert mask_at("nose", "nose_tip") > 0.9
    assert mask_at("lips", "lip_bow_l") + mask_at("lips", "lip_bow_r") > 0.4
    assert mask_at("brows", "brow_peak_l") > 0.9
    assert at["eye_outer_l"][0] < at["eye_inner_l"][0] < at["nose_tip"][0] < at["eye_inner_r"][0] < at["eye_outer_r"][0]
    assert at["forehead"][1] < at["eye_upper_l"][1] < at["eye_lower_l"][1] < at["nose_tip"][1] < at["lip_inner_top"][1]


def test_points_do_not_depend_on_the_size_of_the_picture(truths: dict[int, Truth]) -> None:
    """A plate twice as large has its points at twice the place; the coarser grid bends by a tenth of a pixel."""
    large = Performer(width=320, height=240, count=6).truth(1001)
    np.testing.assert_allclose(large.points / 2.0, truths[1001].points, atol=0.15)
