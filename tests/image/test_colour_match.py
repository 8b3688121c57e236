"""Colour match: known casts are found, nothing jumps in time."""

import numpy as np
import pytest

from vfx_deepfake.image.colour_match import (
    MOST_RATIO,
    Moments,
    Pair,
    at_frame,
    colour_map,
    measure_pair,
)

MATRIX = np.array([[1.1, 0.1, 0.0], [0.1, 0.9, -0.05], [0.0, -0.05, 1.2]])  # symmetric: what a transport map can be
OFFSET = np.array([0.03, -0.02, -0.05])


def skin(seed: int = 0, count: int = 4000) -> np.ndarray:
    """Skin-like colours in log RGB, channels correlated."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, 1)) * 0.04 + rng.normal(size=(count, 3)) * 0.01 + (0.48, 0.42, 0.38)).astype(
        np.float32
    )


def pair_of(face: np.ndarray, plate: np.ndarray) -> Pair:
    return Pair(Moments.of(face), Moments.of(plate))


def test_a_symmetric_cast_is_undone_by_transport_and_a_plain_one_by_deviation() -> None:
    plate = skin()
    twisted = (plate - OFFSET) @ np.linalg.inv(MATRIX).T
    found = colour_map("linear_transport", pair_of(twisted, plate))
    assert found is not None
    # NOISE_LOG on the covariance's diagonal bends the thin directions (deviation 0.01) by a few hundredths
    np.testing.assert_allclose(found.matrix, MATRIX, atol=0.03)
    plain = (plate - OFFSET) / (1.3, 0.8, 1.1)
    found = colour_map("mean_deviation", pair_of(plain, plate))
    assert found is not None
    np.testing.assert_allclose(np.diag(found.matrix), (1.3, 0.8, 1.1), rtol=5e-3)
    np.testing.assert_allclose(
        found.apply(plain[None].astype(np.float32))[0].mean(axis=0), plate.mean(axis=0), atol=1e-5
    )


@pytest.mark.parametrize("method", ["mean_deviation", "linear_transport"])
def test_the_matched_face_has_the_plate_s_statistics(method: str) -> None:
    plate, face = skin(0), skin(1) * (0.8, 1.2, 1.0) + OFFSET
    found = colour_map(method, pair_of(face, plate))
    assert found is not None
    matched = found.apply(face[None].astype(np.float32))[0]
    np.testing.assert_allclose(matched.mean(axis=0), plate.mean(axis=0), atol=1e-5)  # float32 sums
    np.testing.assert_allclose(matched.std(axis=0), plate.std(axis=0), rtol=0.01)
    if method == "linear_transport":
        np.testing.assert_allclose(np.cov(matched.T), np.cov(plate.T), atol=2e-5)  # NOISE_LOG squared is 4e-6


@pytest.mark.parametrize("method", ["mean_deviation", "linear_transport"])
def test_equal_statistics_give_the_identity_and_flat_or_wild_ones_stay_in_bounds(method: str) -> None:
    same = colour_map(method, pair_of(skin(), skin()))
    assert same is not None
    np.testing.assert_allclose(same.matrix, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(same.offset, 0, atol=1e-6)
    for face in (np.full((100, 3), 0.4, np.float32), skin() * 9):
        found = colour_map(method, pair_of(face, skin()))
        assert found is not None
        held = np.linalg.eigvalsh(found.matrix)
        assert held.min() >= 1 / MOST_RATIO - 1e-9 and held.max() <= MOST_RATIO + 1e-9


def test_no_method_or_nothing_seen_gives_no_map_and_an_unknown_one_is_refused() -> None:
    assert colour_map("none", pair_of(skin(), skin())) is None
    assert colour_map("linear_transport", Pair()) is None
    with pytest.raises(
        ValueError, match="colour match 'rct' is unknown; known: none, mean_deviation, linear_transport"
    ):
        colour_map("rct", Pair())


def flickering(frames: range) -> dict[int, Pair]:
    """Faces whose colour jumps by 0.02 log (a third of a stop) from frame to frame."""
    jump = {frame: np.random.default_rng(frame).normal(0, 0.02, 3) for frame in frames}
    return {frame: pair_of(skin() + jump[frame], skin()) for frame in frames}


def offsets(pairs: dict[int, Pair], frames: range, window: float) -> np.ndarray:
    """What the match does to one skin colour, over time (N, 3)."""
    found = [colour_map("linear_transport", at_frame(pairs, frame, window)) for frame in frames]
    return np.array([each.matrix @ (0.48, 0.42, 0.38) + each.offset for each in found if each is not None])


def test_a_flickering_face_does_not_make_the_match_flicker() -> None:
    frames = range(1001, 1061)
    pairs = flickering(frames)
    alone = np.abs(
        np.diff([offsets({frame: pairs[frame]}, range(frame, frame + 1), 0)[0] for frame in frames], axis=0)
    ).max()
    assert alone > 0.04  # a match of each frame alone would jump
    assert not np.ptp(offsets(pairs, frames, 0), axis=0).any()  # one match for the shot
    for window in (4.0, 8.0, 16.0):
        steps = np.abs(np.diff(offsets(pairs, frames, window), axis=0)).max()
        # a Gaussian's mean of N(0, 0.02) moves by 0.02 / (window sqrt(2 window sqrt pi)) a frame; five of those
        assert steps < 5 * 0.02 / (window * np.sqrt(2 * window * np.sqrt(np.pi)))
        every_second = {frame: pairs[frame] for frame in frames if frame % 2}
        assert np.abs(np.diff(offsets(every_second, frames, window), axis=0)).max() < alone / 6


def test_a_slow_change_of_light_is_followed_with_a_window_only() -> None:
    frames = range(1001, 1101)
    pairs = {frame: pair_of(skin() + (frame - 1051) * 0.001, skin()) for frame in frames}
    followed = offsets(pairs, range(1021, 1081), 8.0)
    np.testing.assert_allclose(np.diff(followed, axis=0), -0.001, rtol=0.05)  # covariance within the window bends it
    assert not np.ptp(offsets(pairs, frames, 0.0), axis=0).any()


def test_frames_without_statistics_are_passed_over() -> None:
    pairs = {1001: pair_of(skin() + 0.1, skin()), 1002: Pair()}
    np.testing.assert_array_equal(offsets(pairs, range(1500, 1501), 4.0), offsets(pairs, range(1001, 1002), 0.0))
    assert at_frame({1002: Pair()}, 1002, 0.0) == Pair()


def test_statistics_add_up_and_survive_a_file() -> None:
    values = skin()
    halves = Moments.of(values[:1000]) + Moments.of(values[1000:])
    np.testing.assert_allclose(halves.mean, values.mean(axis=0, dtype=np.float64), rtol=1e-9)
    np.testing.assert_allclose(halves.covariance, np.cov(values.T, bias=True), atol=5e-6)  # NOISE_LOG squared
    pair = pair_of(skin(1), skin(2))
    assert Pair.from_data(pair.to_data()) == pair
    with pytest.raises(ValueError, match="want 13 numbers"):
        Pair.from_data({"face": [1.0], "plate": [1.0]})


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A plate with skin in the middle half and green round it, a matte on its inner part, and the skin's mask."""
    plate = np.full((80, 120, 3), (0.2, 0.5, 0.2), np.float32)
    plate[20:60, 20:100] = skin(0, 3200).reshape(40, 80, 3)
    matte, where = np.zeros((80, 120), np.float32), np.zeros((80, 120), np.float32)
    matte[25:55, 35:85] = 1
    where[20:60, 20:100] = 1
    return plate, matte, where


def test_only_skin_inside_the_matte_is_measured_and_only_skin_beside_it_in_the_ring() -> None:
    plate, matte, where = pictures()
    face = plate + 0.1
    own = measure_pair(face, plate, matte, where, "face", 1.0)
    np.testing.assert_allclose(own.face.mean - own.plate.mean, 0.1, atol=1e-6)
    assert 0.85 * 1500 < own.face.count < 1500  # without the tails
    beside = measure_pair(face, plate, matte, where, "ring", 1.0)
    # the ring's skin is other pixels of the same kind; the green beside it would pull the mean by far more
    np.testing.assert_allclose(beside.plate.mean, (0.48, 0.42, 0.38), atol=0.01)
    assert measure_pair(face, plate, np.zeros_like(matte), where, "face", 1.0) == Pair()
    plate[matte == 0] = (0.2, 0.5, 0.2)
    assert measure_pair(face, plate, matte, where, "ring", 1.0) == Pair()
