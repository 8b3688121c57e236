"""Values that change over time, as the shot file says them."""

from __future__ import annotations

import numpy as np
import pytest

from vfx_deepfake.errors import ShotError
from vfx_deepfake.settings import BeautySpec
from vfx_deepfake.settings.keyed import Curve, Slider
from vfx_deepfake.tables import build


def test_a_number_is_a_constant():
    curve = Curve.from_value(0.25)
    assert [curve.at(frame) for frame in (-5, 0, 1001)] == [0.25] * 3


def test_a_curve_meets_its_keys_is_held_outside_and_never_leaves_the_range_between_two():
    rng = np.random.default_rng(3)
    for _ in range(50):
        frames = np.cumsum(rng.integers(1, 12, 6)) + 1000
        values = np.round(rng.uniform(-1, 1, 6), 2)
        curve = Curve.from_value([[int(f), float(v)] for f, v in zip(frames, values, strict=True)])
        assert [curve.at(int(frame)) for frame in frames] == pytest.approx(values.tolist(), abs=1e-12)
        assert curve.at(int(frames[0]) - 7) == values[0]
        assert curve.at(int(frames[-1]) + 7) == values[-1]
        for start, end, low, high in zip(frames, frames[1:], values, values[1:], strict=False):
            between = np.array([curve.at(frame) for frame in range(start, end + 1)])
            assert between.min() >= min(low, high)
            assert between.max() <= max(low, high)
            assert (np.diff(between) * np.sign(high - low) >= -1e-12).all(), "it runs one way between two keys"


def test_a_curve_has_no_kink_where_it_meets_a_key():
    curve = Curve.from_value([[0, 0.0], [100, 0.3], [200, 1.0], [260, 1.0]])
    steps = np.diff([curve.at(frame) for frame in range(-10, 271)])
    assert np.abs(np.diff(steps)).max() < 4e-4  # straight lines would bend by 0.004 at frame 100 and by 0.007 at 200


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"lift": {"jaw": [[1005, 1], [1004, 0]]}}, "jaw: frame 1004 comes after frame 1005; keys must rise"),
        (
            {"lift": {"jaw": [[1005, 1], [1005, 0]]}},
            "jaw: frame 1005 comes after frame 1005; keys must rise, each frame once",
        ),
        ({"lift": {"jaw": []}}, r"jaw: holds no key; give a number, or \[\[frame, value\], ...\]"),
        ({"lift": {"jaw": [[1005]]}}, r"jaw: has the key \[1005\]; want \[frame, value\]"),
        ({"lift": {"jaw": [[1005.5, 1]]}}, "jaw: has a key at frame 1005.5; frames are whole numbers"),
        ({"lift": {"jaw": "up"}}, r"jaw: is 'up'; want a number, or .* or \{ left = \.\.\., right = \.\.\. \}"),
        ({"lift": {"jaw": True}}, "jaw: is True; want a number"),
        ({"lift": {"jaw": {"top": 1}}}, "jaw: has the side 'top'; sides are left and right, the person's own"),
        ({"lift": {"jaw": {"left": "x"}}}, "jaw: left: is 'x'; want a number"),
        ({"lift": {"jaw": 1.5}}, r"\[lift\]: jaw is 1.5; it must lie between -1.0 and 1.0"),
        ({"lift": {"jaw": [[1, 0], [9, -2]]}}, "jaw is -2.0; it must lie between -1.0 and 1.0"),
        ({"light": {"elevation": 120}}, "elevation is 120.0; it must lie between -90.0 and 90.0"),
        ({"expression": {"lips": {"left": 1}}}, "lips: is {'left': 1}; want a number"),
        ({"wrinkles": {"forhead": 1}}, r"\[wrinkles\].forhead: unknown key; did you mean 'forehead'\?"),
    ],
)
def test_what_can_not_be_said_is_answered(table, message):
    with pytest.raises(ShotError, match=message):
        build(BeautySpec, table, "shot.toml")


def test_sides_are_apart_and_one_value_is_both():
    both, apart = Slider.from_value([[1, 0.0], [3, 1.0]]), Slider.from_value({"left": 0.5})
    assert both.at(2) == (0.5, 0.5)
    assert apart.at(2) == (0.5, 0.0)


def test_at_rest_is_every_value_of_every_key_zero():
    assert BeautySpec().at_rest
    assert build(BeautySpec, {"light": {"azimuth": 40.0}, "lift": {"jaw": [[1, 0], [5, 0]]}}, "x").at_rest
    assert not build(BeautySpec, {"lift": {"jaw": [[1, 0], [5, 0.1]]}}, "x").at_rest
    assert not build(BeautySpec, {"light": {"fill": -0.1}}, "x").at_rest
