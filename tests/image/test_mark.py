"""A mark is read from what copies go through, by its key alone, and hardly changes the picture."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from vfx_deepfake.image.mark import FLOOR, LEAST_PX, MOST, Marker, read_mark, strength
from vfx_deepfake.image.mark_code import CODED_BITS, ID_BYTES, decode, encode, version_id

KEY, OTHER = b"a" * 32, b"b" * 32
IDENTITY = version_id("show/sh0010/v003", KEY)


def drawn(seed: int, height: int = 360, width: int = 640) -> np.ndarray:
    """Soft shades, hard edges and grain of two codes, (H, W, 3)."""
    rng = np.random.default_rng(seed)
    shade = cv2.resize(
        rng.uniform(0.2, 0.8, (6, 9, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    for _ in range(12):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(shade, (x, y), int(rng.integers(8, 60)), rng.uniform(0.1, 0.9, 3).tolist(), -1, cv2.LINE_AA)
    return np.clip(shade + rng.normal(0, 2 / 255, shade.shape), 0, 1).astype(np.float32)


def codes8(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    data = cv2.imencode(".jpg", codes8(picture), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.float32) / 255


@pytest.fixture(scope="module")
def marked() -> np.ndarray:
    return Marker(IDENTITY, KEY).mark(drawn(1))


@pytest.mark.parametrize(
    ("change", "tile"),
    (
        (lambda p: codes8(p).astype(np.float32) / 255, 1 / 3),
        (lambda p: jpeg(p, 85), 1 / 3),
        (lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 1 / 3),
        (lambda p: cv2.resize(p, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC), 1 / 3),
        (lambda p: p[40:328, 100:612], 1 / 3 / 0.8),
        (lambda p: p[100:280, 17:337], 2 / 3),
        (
            lambda p: cv2.resize(jpeg(p[40:328, 100:612], 90), None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA),
            1 / 3 / 0.8,
        ),
        (lambda p: p**1.25, 1 / 3),
        (lambda p: 0.1 + 0.7 * p, 1 / 3),
        (lambda p: cv2.copyMakeBorder(p, 45, 45, 80, 80, cv2.BORDER_CONSTANT), 1 / 3 * 0.8),
    ),
    ids=("8 bits", "jpeg", "half", "larger", "crop 80", "crop 50", "crop, jpeg, scale", "gamma", "flatter", "borders"),
)
def test_read_from_one_frame(marked: np.ndarray, change: Callable[[np.ndarray], np.ndarray], tile: float) -> None:
    found = read_mark([change(marked)], KEY)
    assert found.identity == IDENTITY
    assert found.confidence > 0.8  # 0.5 is chance
    assert found.tile == pytest.approx(
        tile, rel=0.01
    )  # the first size that gives a payload is taken; they lie 0.0025 apart


def test_frames_add_up() -> None:
    """Noise that hides the mark in one frame does not in many."""
    marker, rng = Marker(IDENTITY, KEY), np.random.default_rng(4)
    frames = [marker.mark(drawn(seed)) + rng.normal(0, 4 / 255, (360, 640, 3)).astype(np.float32) for seed in range(4)]
    one, all_of_them = read_mark(frames[:1], KEY), read_mark(frames, KEY)
    assert all_of_them.identity == IDENTITY and all_of_them.peak > one.peak
    assert all_of_them.frames == 4


def test_nothing_is_read_without_the_key_or_the_mark(marked: np.ndarray) -> None:
    small = cv2.resize(drawn(2), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    for number in range(2):
        found = read_mark([small], b"nobody %d" % number)
        assert found.identity is None and found.confidence == 0
    assert read_mark([marked], OTHER).identity is None


def test_the_change_is_small(marked: np.ndarray) -> None:
    plain = drawn(1)
    change = marked - plain
    assert np.sqrt((change**2).mean()) < MOST
    assert np.allclose(change, change[..., :1], atol=1e-6)  # float32 sums; luma alone changes, no colour does
    flat = np.full((360, 640, 3), 0.5, np.float32)
    assert np.sqrt(((Marker(IDENTITY, KEY).mark(flat) - flat) ** 2).mean()) == pytest.approx(
        FLOOR, rel=0.02
    )  # tiles cut off
    assert marked.min() >= 0 and marked.max() <= 1


def test_an_edge_hides_nothing_but_close_to_it() -> None:
    picture = np.full((360, 640), 0.2, np.float32)
    picture[:, 320:] = 0.8
    found = strength(picture)
    assert found[:, :304].max() == pytest.approx(
        FLOOR, rel=1e-3
    )  # blurs end in float32; 16 px are three periods of the finest cosine
    assert found.max() < MOST


def test_values_outside_the_display_stay_where_they_are() -> None:
    picture = np.zeros((144, 256, 3), np.float32)
    picture[0, 0], picture[0, 1] = -0.5, 1.5
    found = Marker(IDENTITY, KEY).mark(picture)
    assert found.min() >= -0.5 and found.max() <= 1.5 and (found[1:] >= 0).all()


def test_what_can_not_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="no picture"):
        read_mark([], KEY)
    with pytest.raises(ValueError, match=f"a mark can be read from {LEAST_PX} px on"):
        read_mark([np.zeros((40, 64, 3), np.float32)], KEY)
    with pytest.raises(ValueError, match="want one size"):
        read_mark([np.zeros((120, 160, 3), np.float32), np.zeros((120, 164, 3), np.float32)], KEY)


def test_black_is_no_mark() -> None:
    assert read_mark([np.zeros((120, 160, 3), np.float32)], KEY).identity is None


def test_the_code_mends_a_tenth_of_its_bits() -> None:
    rng = np.random.default_rng(3)
    for number in range(20):
        identity = version_id(f"show/sh{number:04d}/v001", KEY)
        soft = encode(identity, KEY)
        soft[
            rng.choice(CODED_BITS, CODED_BITS // 10, replace=False)
        ] *= -0.5  # what is wrong is also weaker, as in pictures
        assert decode(soft, KEY) == identity
        assert decode(soft, OTHER) is None


def test_the_id_is_keyed_and_of_one_length() -> None:
    assert len(IDENTITY) == ID_BYTES and version_id("show/sh0010/v003", OTHER) != IDENTITY
    with pytest.raises(ValueError, match="has 5 bytes, got 4"):
        encode(b"1234", KEY)
