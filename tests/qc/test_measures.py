"""The measures on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.image.crop import Window
from vfx_deepfake.qc import forensic, grain, picture
from vfx_deepfake.qc.exact import MUCH_BETTER, changed_outside, order_ratio, wrong_codes
from vfx_deepfake.qc.performance import EYES, gaze_drift, landmark_drift
from vfx_deepfake.qc.tones import held_pixels, lost_tones
from vfx_deepfake.qc.verdict import FAIL, LOOK, MEASURES, PASS, UNKNOWN, verdict
from vfx_deepfake.settings import QcSpec
from vfx_deepfake.settings.qc import measure_names

RNG = np.random.default_rng(3)
SIZE = 128
EVERYWHERE = np.ones((SIZE, SIZE), bool)


def noise(seed: int, level: float = 0.003) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, (SIZE, SIZE, 3)).astype(np.float32)


def scene() -> np.ndarray:
    """Soft blobs, structure in every direction, log."""
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    waves = 0.4 + 0.05 * np.sin(21 * rows + 3 * columns) * np.cos(17 * columns - 5 * rows)
    return np.repeat(waves[..., None], 3, axis=2).astype(np.float32)


def test_every_measure_has_limits_and_words() -> None:
    assert tuple(MEASURES) == measure_names()
    assert set(forensic.EVIDENCE) == set(forensic.LIMITS)


@pytest.mark.parametrize(
    ("value", "limits", "expected"),
    [
        (None, (1, 2), UNKNOWN),
        (0.99, (1, 2), PASS),
        (1.0, (1, 2), LOOK),
        (2.0, (1, 2), FAIL),
        (1.0, (1, 1), FAIL),
        (0.6, (0.5, 0.2), PASS),
        (0.5, (0.5, 0.2), LOOK),
        (0.2, (0.5, 0.2), FAIL),
    ],
)
def test_limits_hold_their_own_value_and_may_run_down(value, limits, expected) -> None:
    assert verdict(value, limits) == expected


def test_limits_of_the_shot_file_are_checked() -> None:
    with pytest.raises(ValueError, match=r"seam is \[0.1\]; want two numbers, look and fail"):
        QcSpec(seam=(0.1,))
    with pytest.raises(ValueError, match="worst_frames is -1; it must lie between 0 and 48"):
        QcSpec(worst_frames=-1)


def test_one_bit_outside_the_matte_is_one_pixel_and_inside_none() -> None:
    plate = scene()
    matte, place = np.zeros((20, 30), np.float32), Window(40, 50, 30, 20)
    matte[5, 6] = 0.01
    whole = Window(0, 0, SIZE, SIZE)
    for row, column, count in ((55, 46, 0), (55, 47, 1), (0, 0, 1)):
        result = plate.copy()
        result[row, column, 2] = np.nextafter(result[row, column, 2], np.float32(2))
        found = changed_outside(plate, result, whole, matte, place)
        assert (found.count, found.window) == (count, Window(column, row, 1, 1) if count else Window(0, 0, 0, 0))


def test_minus_zero_and_alpha_count_as_changes() -> None:
    plate = np.zeros((4, 4, 4), np.float32)
    result = plate.copy()
    result[1, 1, 0] = -0.0
    result[2, 2, 3] = 0.5
    everywhere = np.ones((4, 4), np.float32)
    window = Window(0, 0, 4, 4)
    assert changed_outside(plate, result, window, 0 * everywhere, window).count == 2
    assert changed_outside(plate, result, window, everywhere, window).count == 1  # alpha, although the matte is 1


def test_codes_of_another_size_are_all_wrong() -> None:
    codes = np.zeros((4, 5, 3), np.uint16)
    assert wrong_codes(codes[:3], codes, Window(0, 0, 5, 4)).count == 20
    assert wrong_codes(codes, codes, Window(0, 0, 5, 4)).count == 0


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [(0.0, [0.1], 0.0), (0.2, [0.1, 0.4], 2.0), (0.1, [0.0], MUCH_BETTER), (0.1, [], None)],
)
def test_a_frame_belongs_to_the_plate_that_fits_it_best(own, others, expected) -> None:
    assert order_ratio(own, others) == expected


@pytest.mark.parametrize("level", [0.5, 1.0, 2.0])
def test_the_level_of_known_grain_is_found(level) -> None:
    light = np.full((SIZE, SIZE, 3), 0.4, np.float32)
    levels = [
        grain.measured_levels(noise(seed, 0.003 * scale), light, EVERYWHERE) for seed, scale in ((1, level), (2, 1.0))
    ]
    # a robust deviation of 16,384 pixels scatters by 0.9 %; over three channels and two pictures 0.75 %, times 2.7
    assert grain.level_ratio(*levels) == pytest.approx(level, rel=0.02)


@pytest.mark.parametrize(("held", "expected"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_the_share_of_frozen_grain_is_found(held, expected) -> None:
    before, fresh = noise(4), noise(5)
    now = held * before + np.sqrt(1 - held**2) * fresh
    found = grain.frozen_share((now, before), (noise(6), noise(7)), EVERYWHERE)
    # a correlation of N independent pixels scatters by 1 / sqrt(N) = 0.8 %; two of them over three channels 0.65 %, times four
    assert found == pytest.approx(expected, abs=0.026)


def test_a_face_without_grain_is_not_frozen() -> None:
    nothing = np.zeros((SIZE, SIZE, 3), np.float32)
    shared = noise(8)
    assert grain.frozen_share((nothing, nothing), (noise(9) + shared, noise(10) + shared), EVERYWHERE) == 0


def test_an_offset_is_no_grain() -> None:
    where = EVERYWHERE.copy()
    where[:, :40] = False
    own = grain.without_offset(noise(11), where)
    moved = grain.without_offset(noise(11) + np.float32(0.05), where)
    np.testing.assert_allclose(moved, own, atol=1e-6)  # float32 rounding of values near 0.05
    assert not moved[:, :40].any()


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, -1), (2, 1)])
def test_a_shift_is_found_through_grain(shift) -> None:
    plate = scene()
    moved = np.roll(plate, (shift[1], shift[0]), (0, 1)) + noise(12)
    where = EVERYWHERE.copy()
    where[:8], where[-8:], where[:, :8], where[:, -8:] = False, False, False, False
    found = picture.shift_px(moved, plate + noise(13), where)
    assert found == pytest.approx(np.hypot(*shift), abs=0.1)  # a quarter of the limit at which someone is asked to look


def test_a_blur_is_less_sharp_and_grain_is_not_sharper() -> None:
    import cv2

    plate = RNG.normal(0.4, 0.03, (SIZE, SIZE, 1)).astype(np.float32).repeat(3, axis=2)
    plate = cv2.GaussianBlur(plate, (0, 0), 0.8)
    others = [plate + noise(14), plate + noise(15)]
    assert picture.sharpness_ratio(plate + noise(16, 0.01), plate + noise(17), others, EVERYWHERE) == pytest.approx(
        1, abs=0.05
    )
    soft = cv2.GaussianBlur(plate, (0, 0), 1.0)
    assert picture.sharpness_ratio(soft + noise(18), plate + noise(17), others, EVERYWHERE) < 0.7


@pytest.mark.parametrize(
    ("blur_px", "boiling", "least", "most"),
    # twenty draws of pores: 0.97 to 1.08 whole, 0.49 to 0.54 soft, 0 to 0.72 soft below pores that are others in every frame
    [(0.0, 0.0, 0.9, 1.15), (1.0, 0.0, 0.4, 0.65), (1.0, 0.03, 0.0, 0.85)],
)
def test_another_face_is_as_sharp_as_its_own_detail(blur_px, boiling, least, most) -> None:
    """Other pores than the plate's, in every frame the same; grain of its own, ten times as strong as the plate's, counts for nothing."""
    import cv2

    draws = (RNG.normal(0.4, 0.03, (SIZE, SIZE, 1)).astype(np.float32).repeat(3, axis=2) for _ in range(2))
    own, theirs = (cv2.GaussianBlur(pores, (0, 0), 0.8) for pores in draws)
    made = cv2.GaussianBlur(theirs, (0, 0), blur_px) if blur_px else theirs
    results = [made + noise(20 + number, 0.01) + noise(40 + number, boiling) for number in range(3)]
    plates = [own + noise(30 + number, 0.001) for number in range(3)]
    found = picture.sharpness_of_another(results[0], results[1:], plates[0], plates[1:], EVERYWHERE)
    assert least <= found < most
    assert picture.sharpness_of_another(results[0], [], plates[0], [], EVERYWHERE) is None


def test_a_jump_of_colour_is_found_and_a_drift_is_not() -> None:
    drift = [np.array([0.01, 0, 0]) * step for step in range(3)]
    assert picture.colour_jump(drift[1], [drift[0], drift[2]]) == pytest.approx(0)
    assert picture.colour_jump(drift[2], [drift[0], drift[0]]) == pytest.approx(0.02)
    assert picture.colour_jump(drift[1], [drift[0], None]) is None


def test_eight_bits_lose_tones_and_float_does_not() -> None:
    plate = RNG.uniform(0.05, 0.6, (SIZE, SIZE, 3)).astype(np.float16).astype(np.float32)
    assert lost_tones((plate * 1.1).astype(np.float16).astype(np.float32), plate, EVERYWHERE) < 0.25
    assert lost_tones(np.rint(plate * 255) / 255, plate, EVERYWHERE) > 0.9
    assert lost_tones(plate, plate, np.zeros_like(EVERYWHERE)) is None


def test_a_clip_is_counted_where_the_plate_goes_on() -> None:
    plate = RNG.uniform(0.5, 1.5, (SIZE, SIZE, 3)).astype(np.float32)
    assert held_pixels(plate, plate, EVERYWHERE) == 0
    assert held_pixels(np.minimum(plate, 1.2), plate, EVERYWHERE) == int((plate > 1.2).sum())
    clipped = np.minimum(plate, 1.2)
    assert held_pixels(clipped, clipped, EVERYWHERE) == 0  # the plate has it too


def test_drift_of_features_and_gaze_is_measured_in_their_own_size() -> None:
    points = RNG.uniform(0, 200, (478, 2))
    for iris, outer, inner, upper, lower in EYES:
        points[[outer, inner]] = (100, 100), (140, 100)
        points[[upper, lower]] = (120, 95), (120, 105)
        points[iris] = 120, 100
    moved = points.copy()
    moved[[EYES[0][0], EYES[1][0]]] += (4, 0)
    size = np.ptp(points, axis=0).max()
    assert gaze_drift(moved, points) == pytest.approx(10)  # 4 of 40 pixels
    drift, part = landmark_drift(points + (0.02 * size, 0), points)
    assert drift == pytest.approx(2) and part in ("lids", "brows", "lips", "face")
    shut = points.copy()
    for _, _, _, upper, lower in EYES:
        shut[lower] = shut[upper]
    assert gaze_drift(shut, points) is None


def test_forensic_evidence_is_in_what_was_planted_only() -> None:
    import cv2

    plain = cv2.GaussianBlur(RNG.normal(0.4, 0.02, (SIZE, SIZE, 3)).astype(np.float32), (0, 0), 0.7)
    face = np.zeros((SIZE, SIZE), bool)
    face[32:96, 32:96] = True
    small = cv2.resize(plain[32:96, 32:96], (48, 48), interpolation=cv2.INTER_AREA)
    scaled = plain.copy()
    scaled[32:96, 32:96] = cv2.resize(small, (64, 64), interpolation=cv2.INTER_LINEAR)
    assert forensic.period_peak(plain, face) < forensic.LIMITS["face_resampled"][0]
    assert forensic.period_peak(scaled, face) > forensic.LIMITS["face_resampled"][0]
    pasted = plain.copy()
    pasted[face] += np.float32(0.1)
    matte = face.astype(np.float32)
    assert forensic.outline_peak(plain, matte) < forensic.LIMITS["face_edge"][0] < forensic.outline_peak(pasted, matte)
    other = cv2.GaussianBlur(RNG.normal(0.4, 0.02, (SIZE, SIZE, 3)).astype(np.float32), (0, 0), 0.7)
    held = other.copy()
    held[face] = plain[face]
    assert abs(forensic.standing_detail(other, plain, face, ~face)) < forensic.LIMITS["face_frozen"][0]
    assert forensic.standing_detail(held, plain, face, ~face) > forensic.LIMITS["face_frozen"][1]


def test_a_comb_counts_only_where_the_surroundings_have_none() -> None:
    face = np.zeros((SIZE, SIZE), bool)
    face[32:96, 32:96] = True
    plate = np.random.default_rng(9).uniform(0.1, 0.5, (SIZE, SIZE, 3)).astype(np.float16).astype(np.float32)
    eight_bits = (np.rint(plate ** (1 / 2.2) * 255) / 255) ** 2.2
    ten_bits = np.rint(plate * 1023) / 1023
    fake = np.where(face[..., None], eight_bits, plate)
    assert forensic.tone_gap(plate, face, ~face) == pytest.approx(1, abs=0.2)  # by chance
    assert forensic.tone_gap(ten_bits, face, ~face) == pytest.approx(1, abs=0.05)  # every code is there
    assert forensic.tone_gap(eight_bits, face, ~face) == pytest.approx(1, abs=0.05)  # the whole picture
    assert forensic.tone_gap(fake, face, ~face) > forensic.LIMITS["face_tones"][1]
    bright = plate + 2 * face[..., None]
    assert forensic.tone_gap(bright, face, ~face) is None  # nothing beside it is as bright
    assert forensic.tone_gap(plate, np.zeros_like(face), ~face) is None


def test_beside_a_plate_its_own_outlines_are_no_seam() -> None:
    face = np.zeros((SIZE, SIZE), bool)
    face[32:96, 32:96] = True
    jaw = scene() + np.float32(0.1) * face[..., None]  # the head before a dark wall
    pasted = jaw + np.float32(0.1) * face[..., None]
    matte = face.astype(np.float32)
    look, fail = forensic.LIMITS["face_edge"]
    assert forensic.outline_peak(jaw, matte) > look
    assert forensic.outline_peak(jaw, matte, jaw) == 1
    assert forensic.outline_peak(pasted, matte, jaw) > fail
