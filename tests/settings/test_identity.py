"""[identity] as the shot file says it."""

from __future__ import annotations

import pytest

from vfx_deepfake.errors import ShotError
from vfx_deepfake.settings import IdentitySpec, ModelSpec
from vfx_deepfake.tables import build


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"region": "nose"}, "region is 'nose'; choose one of face, mouth, upper"),
        ({"crop_px": 250}, "crop_px is 250; the networks halve it four times, so use a multiple of 16"),
        ({"mix": 0.5}, "mix is above 0 and mix_with names no faceset"),
        ({"mix": 1.5}, "mix is 1.5; it must lie between 0.0 and 1.0"),
        ({"mix_eyes": 0.5}, "mix is above 0 and mix_with names no faceset"),
        ({"mix_eyes": [[1, -1], [9, 0.5]], "mix_with": ["c"]}, r"mix_eyes is \[-1.0, 0.5\]; give -1 alone \(as mix\)"),
        (
            {"age": [[1, 0], [9, 50]]},
            r"age is \[0.0, 50.0\]; give 0 alone \(the faceset's own\), or years at every key",
        ),
        ({"age": 200}, "age is 200.0; it must lie between 0.0 and 120.0"),
        ({"faceset": "facesets/b"}, r"\[identity\].faceset: is 'facesets/b'; want a list"),
        ({"facesets": ["b"]}, "facesets: unknown key; did you mean 'faceset'"),
        ({"expression": {"smile": 2}}, "smile is 2.0; it must lie between -1.0 and 1.0"),
    ],
)
def test_what_can_not_be_said_is_answered(table, message):
    with pytest.raises(ShotError, match=message):
        build(IdentitySpec, table, "shot.toml [identity]" if "faceset" in table else "shot.toml")


def test_mix_over_time_and_by_region():
    spec = build(IdentitySpec, {"mix_with": ["c"], "mix": [[1001, 0], [1011, 1]], "mix_eyes": 0.25}, "x")
    assert spec.mix_at(1001) == {"all": 0.0, "eyes": 0.25}
    assert spec.mix_at(1006) == {"all": 0.5, "eyes": 0.25}
    assert spec.mixes
    assert not IdentitySpec().mixes


def test_age_is_none_until_one_is_wanted():
    assert IdentitySpec().age_at(1001) is None
    assert build(IdentitySpec, {"age": [[1001, 40], [1011, 60]]}, "x").age_at(1006) == 50


def test_an_identity_makes_faces_and_no_roto():
    with pytest.raises(ShotError, match="target is 'matte' and method is 'renderer', which makes faces"):
        build(ModelSpec, {"method": "renderer", "target": "matte"}, "x")
    with pytest.raises(ShotError, match="shared names a trained network and method is 'renderer'"):
        build(ModelSpec, {"method": "renderer", "shared": "../sh0010"}, "x")
