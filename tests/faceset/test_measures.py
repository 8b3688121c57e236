"""Measures of a crop against heads drawn with known turns, openings, light and blur."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.face.normals import normal_texture
from vfx_deepfake.face.pose import rotation
from vfx_deepfake.face.slider_regions import coordinates, lay_on
from vfx_deepfake.face.topology import canonical_vertices_cm
from vfx_deepfake.faceset.measures import FACE_CM, NAMES, expression, measure, on_head
from vfx_deepfake.image.crop import Window

SIZE, PX_PER_CM = 192, 8.0
WINDOW = Window(0, 0, SIZE, SIZE)


def head(
    yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0, change: dict[int, tuple[float, ...]] | None = None
) -> np.ndarray:
    """(478, 2) crop px of the canonical head, turned, after moving points by cm (x to image right, y up)."""
    placed = canonical_vertices_cm()
    for point, by in (change or {}).items():
        placed[point, :2] += by
    seen = (placed * (1, -1, -1)) @ rotation(yaw, pitch, roll).T
    return np.asarray(seen[:, :2] * PX_PER_CM + SIZE / 2)


def opened(cm: float) -> dict[int, tuple[float, ...]]:
    """Lips apart by so much more than the canonical head's."""
    return {**dict.fromkeys((82, 13, 312), (0.0, cm / 2)), **dict.fromkeys((87, 14, 317), (0.0, -cm / 2))}


def lit(points: np.ndarray, slope: tuple[float, float, float], stops: float = 0.0) -> np.ndarray:
    """(S, S, 3) log: grey skin whose light falls off by ``slope`` stops along the head's normals."""
    uv, inside = coordinates(points, WINDOW)
    normals = np.stack([lay_on(normal_texture()[..., axis], uv, inside) for axis in range(3)], axis=-1)
    linear = np.where(inside, 0.18 * 2.0 ** (stops + normals @ np.asarray(slope)), 0.02)
    return np.asarray(encode_log(np.repeat(linear[..., None], 3, axis=2)), np.float32)


def of(points: np.ndarray, image: np.ndarray | None = None, **more: float) -> dict[str, float]:
    picture = lit(points, (0, 0, 0)) if image is None else image
    return measure(picture, points, np.zeros(3, np.float32), **more)


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (30, 0, 0), (-35, 10, 5), (0, -20, 0), (10, 15, -20)])
def test_a_turned_head_shows_the_same_face_from_the_front(yaw: float, pitch: float, roll: float) -> None:
    straight, turned = on_head(head()), on_head(head(yaw, pitch, roll))
    np.testing.assert_allclose(turned, straight, atol=1e-6)  # exact: the head is the canonical one
    before, after = expression(head(change=opened(1.2))), expression(head(yaw, pitch, roll, opened(1.2)))
    assert after == pytest.approx(
        before, abs=0.005
    )  # the nearer eye weighs more, and the canonical irises squint a little


def test_gaze_follows_the_irises_to_image_right_and_up() -> None:
    irises = (468, 473)
    still = expression(head())
    looks = expression(head(yaw=20, change=dict.fromkeys(irises, (0.3, 0.2))))
    width = 1.3  # half an eye of the canonical head, 2.59 cm from corner to corner
    assert looks["gaze_x"] - still["gaze_x"] == pytest.approx(0.3 / width, rel=0.01)
    assert looks["gaze_y"] - still["gaze_y"] == pytest.approx(0.2 / width, rel=0.01)


def test_shut_eyes_are_shut_and_look_nowhere() -> None:
    neutral = canonical_vertices_cm()
    pairs = ((160, 144), (159, 145), (158, 153), (387, 373), (386, 374), (385, 380))
    shut = {upper: (0.0, 0.999 * float(neutral[lower, 1] - neutral[upper, 1])) for upper, lower in pairs}
    values = of(head(change=shut))
    assert values["eye_left"] == pytest.approx(
        0, abs=0.001
    )  # a thousandth of the opening is left, so that no triangle is flat
    assert values["eye_right"] == pytest.approx(0, abs=0.001)
    assert "gaze_x" not in values
    assert of(head())["eye_left"] > 0.2


def test_one_eye_shut_leaves_the_gaze_of_the_other() -> None:
    neutral = canonical_vertices_cm()
    wink = {
        upper: (0.0, float(neutral[lower, 1] - neutral[upper, 1]))
        for upper, lower in ((160, 144), (159, 145), (158, 153))
    }
    values = expression(head(change={**wink, 473: (0.3, 0.0)}))
    assert values["eye_left"] < 0.01 < 0.2 < values["eye_right"]  # left in the picture: the person's right
    assert values["gaze_x"] == pytest.approx(
        expression(head(change={473: (0.3, 0.0), 468: (0.3, 0.0)}))["gaze_x"], abs=0.02
    )


@pytest.mark.parametrize("gap", [0.5, 1.0, 2.0])
def test_an_open_mouth_is_measured_in_cm_and_is_not_shut(gap: float) -> None:
    closed, wide = expression(head()), expression(head(15, 5, 0, opened(gap)))
    assert wide["mouth_open"] - closed["mouth_open"] == pytest.approx(gap, abs=1e-6)
    assert wide["lips_closed"] == 0


def test_a_smile_raises_the_corners() -> None:
    raised = expression(head(change=dict.fromkeys((61, 291), (0.0, 0.5))))
    assert raised["smile"] - expression(head())["smile"] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("slope", [(1.5, 0.0, 0.3), (-2.0, 1.0, 0.5), (0.0, 1.5, 0.0), (0.7, -0.7, 0.7)])
@pytest.mark.parametrize("yaw", [0, 25])
def test_the_light_is_found_on_the_head(slope: tuple[float, float, float], yaw: float) -> None:
    points = head(yaw)
    values = of(points, lit(points, slope))
    length = float(np.linalg.norm(slope))
    # the ridge holds back what points out of the face; the picture is half as fine as the crop
    assert values["light_x"] == pytest.approx(slope[0] / length, abs=0.12)
    assert values["light_y"] == pytest.approx(slope[1] / length, abs=0.12)
    assert values["light_share"] == pytest.approx(1 - 2**-length, abs=0.1)


def test_even_light_is_not_directed_and_exposure_counts_stops_over_grey() -> None:
    points = head()
    values = of(points, lit(points, (0, 0, 0), stops=1.5))
    assert values["light_share"] < 0.05  # the mesh's rim is averaged with the dark behind it
    assert values["exposure"] == pytest.approx(1.5, abs=0.02)
    assert values["contrast"] < 0.1


def test_sharpness_falls_with_every_blur_and_counts_pixels() -> None:
    points = head()
    edges = (
        lit(points, (0, 0, 0))
        + 0.1 * np.max([region_mask(points, WINDOW, name) for name in ("eyes", "brows", "lips")], axis=0)[..., None]
    )
    found = [of(points, cv2.GaussianBlur(edges, (0, 0), px))["sharpness"] for px in (0.8, 1.6, 3.2)]
    assert found[0] > found[1] > found[2]
    width = FACE_CM * PX_PER_CM
    # edges of a drawing are no exact power law: a third is what can be asked
    assert found[1] == pytest.approx(width * 0.6 / 1.7, rel=0.35)


def test_teeth_are_seen_in_an_open_mouth() -> None:
    points = head(change=opened(1.5))
    skin = lit(points, (0, 0, 0)) + np.log2(np.array([1.3, 1.0, 0.8], np.float32)) / np.float32(17.52)
    mouth = region_mask(points, WINDOW, "mouth")[..., None]
    pale = np.asarray(encode_log(np.full(3, 0.25, np.float32)), np.float32)
    dark = np.asarray(encode_log(np.full(3, 0.002, np.float32)), np.float32)
    assert of(points, skin * (1 - mouth) + pale * mouth)["teeth"] > 0.2
    assert of(points, skin * (1 - mouth) + dark * mouth)["teeth"] < 0.02


def test_the_size_counts_pixels_of_the_source_and_not_of_the_turn() -> None:
    assert of(head(), source_px=2.0)["face_px"] == pytest.approx(2 * FACE_CM * PX_PER_CM, rel=1e-6)
    assert of(head(40))["face_px"] == pytest.approx(FACE_CM * PX_PER_CM, rel=0.12)  # an affine fit's mean scale


def test_a_crop_outside_the_picture_says_what_it_can() -> None:
    points = head()
    values = measure(
        lit(points, (0, 0, 0)), points, np.array([1, 2, 3], np.float32), np.zeros((SIZE, SIZE), np.float32)
    )
    assert (values["yaw"], values["pitch"], values["roll"]) == (1, 2, 3)
    assert "level" not in values and "light_x" not in values
    assert set(of(points)) == set(NAMES)
