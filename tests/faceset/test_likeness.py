"""Features: a person's in every pose, light and softness; what is not seen does not count; another file is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.numpy import load, save_file

from tests.face.posed_heads import posed
from tests.faceset.painted import painted
from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.likeness import NUM_SHAPE, WEIGHTS, describe, distances, embed, likeness, matrix, num_values

SIZE = 128


def points(yaw: float = 0.0) -> np.ndarray:
    return (posed(yaw) - 128) * (SIZE / 256) + SIZE / 2


def seen(person: int, yaw: float = 0.0, gain: float = 0.0) -> np.ndarray:
    return embed([painted(person, points(yaw), SIZE, gain)], [points(yaw)])


@pytest.mark.parametrize(
    ("name", "yaw", "gain", "softer", "offset"),
    [("turned", 20, 0, 0, 0), ("lit from the side", -5, 0.3, 0, 0), ("soft", 0, 0, 1.0, 0), ("darker", 5, 0, 0, -0.2)],
)
def test_a_person_stays_near_and_another_is_far(
    name: str, yaw: float, gain: float, softer: float, offset: float
) -> None:
    crop = painted(0, points(yaw), SIZE, gain) + np.float32(offset)
    if softer:
        crop = cv2.GaussianBlur(crop, (0, 0), softer)
    same = distances(seen(0), embed([crop], [points(yaw)]))[0, 0]
    other = distances(seen(0), seen(1))[0, 0]
    assert same < 0.5 * other, name


def test_level_and_tint_of_the_light_are_not_seen() -> None:
    crop = painted(0, points(), SIZE)
    tinted = crop + np.array((0.3, 0.2, 0.1), np.float32)
    np.testing.assert_allclose(embed([tinted], [points()]), embed([crop], [points()]), atol=2e-3)  # sums in float32


def test_what_the_picture_does_not_show_is_the_average_face() -> None:
    crop, nowhere = painted(0, points(), SIZE), np.zeros((SIZE, SIZE), np.float32)
    values, share = describe(crop, points(), nowhere)
    assert not values[:-NUM_SHAPE].any() and not share[:-NUM_SHAPE].any()
    other = describe(painted(1, points(), SIZE), points(), nowhere)[0]
    np.testing.assert_array_equal(values, other)  # of nothing but equal landmarks
    crop = (crop + crop[:, ::-1]) / 2
    whole, half = np.ones_like(nowhere), np.ones_like(nowhere)
    half[:, SIZE // 2 :] = 0  # the other half of an even face stands for it
    full, left = (embed([crop], [points()], [valid]) for valid in (whole, half))
    assert distances(full, left)[0, 0] < 0.5 * distances(full, embed([crop], [points()], [nowhere]))[0, 0]


def test_a_mirrored_face_has_the_same_texture() -> None:
    """Folding: brows of unequal height aside, a face turned to either side is the same."""
    crop = painted(0, points(), SIZE)
    # the mesh itself is mirrored but for the numbers of its points, so its picture is looked up by the same ones
    there, _ = describe(crop, points())
    back, _ = describe(np.ascontiguousarray(crop[:, ::-1]), points())
    texture, flipped = there[:-NUM_SHAPE], back[:-NUM_SHAPE]
    assert np.corrcoef(texture, flipped)[0, 1] > 0.95  # the canonical head is even to a pixel or so


def test_distances_are_root_mean_squares_of_two_pictures() -> None:
    left, right = np.zeros((1, 8)), np.full((2, 8), np.sqrt(2.0))
    np.testing.assert_allclose(distances(left, right), [[1.0, 1.0]])
    assert embed([], []).shape == (0, matrix().directions.shape[1])


def test_a_likeness_holds_a_small_picture_too() -> None:
    crop = painted(0, points(), SIZE)
    found = likeness(crop, points(), np.ones((SIZE, SIZE), np.float32))
    np.testing.assert_array_equal(found.features, embed([crop], [points()])[0])
    assert found.thumb.mean() == pytest.approx(crop.mean(), abs=0.02)  # weighted by channel


def test_the_file_that_ships_is_small_and_another_is_refused(tmp_path: Path) -> None:
    assert WEIGHTS.stat().st_size < 1 << 20
    tensors = load(WEIGHTS.read_bytes())
    assert tensors["mean"].shape == (num_values(),)
    wrong = tmp_path / "likeness.safetensors"
    save_file({**tensors, "mean": tensors["mean"][:-1]}, str(wrong))
    with pytest.raises(FacesetError, match="its numbers do not fit this version; install the package again"):
        matrix(wrong)
    for content in (b"torn", b"\x80\x04" + b"\xff" * 64):
        wrong.write_bytes(content)
        with pytest.raises(FacesetError, match=r"likeness\.safetensors: can't be read"):
            matrix(wrong)
    with pytest.raises(FacesetError, match="can't be read"):
        matrix(tmp_path / "gone.safetensors")
