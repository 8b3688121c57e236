"""Normals read from light, and what stays on a performer's face, against heads whose normals and light are known."""

from collections.abc import Sequence

import numpy as np
import pytest

from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.light import basis, basis_slope, light_of
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.relief import NORMAL_TEXELS, Lit, shaped
from vfx_deepfake.model.identity.skin import Skin, mixed, mixed_known
from vfx_deepfake.model.identity.standing import PERSON_LOG, TEXELS, lighting, standing_part

SIDE = NORMAL_TEXELS
LAMPS = [(1, 0, -0.5), (-1, 0.2, -0.5), (0, -1, -0.6), (0.3, 0.8, -0.8), (0, 0, -1)]
FACE = canonical.oval(SIDE) > 0.5


def leaning(up: float, across: float) -> np.ndarray:
    """Normals with a bump of one centimetre on each cheek."""
    at = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    bump = sum(np.exp(-((at[None] - x) ** 2 + (at[:, None] - 0.05) ** 2) / (2 * 0.03**2)) for x in (-0.15, 0.15))
    lean = np.stack([across * bump, up * bump, np.zeros_like(bump)], axis=-1)
    normals = canonical.normals(SIDE) + lean
    return np.asarray(normals / np.linalg.norm(normals, axis=-1, keepdims=True), np.float32)


def crops(normals: np.ndarray, colour: np.ndarray, lamps: Sequence[tuple[float, ...]]) -> list[Lit]:
    """What is left of crops in these lamps once the light on the canonical head is off."""
    made = []
    for number, lamp in enumerate(lamps):
        coefficients = np.zeros((9, 3))
        coefficients[1:4] = 0.1 * np.array(lamp)[:, None]
        pose = np.array((3.0 * number - 6, 2.0, 0.0))
        both = [basis(canonical.seen_normals(one, pose)) @ coefficients for one in (normals, canonical.normals(SIDE))]
        planes = np.concatenate([colour + both[0] - both[1], np.ones((SIDE, SIDE, 1))], axis=2).astype(np.float32)
        made.append(Lit(planes, coefficients, canonical.seen_turn(pose)))
    return made


def test_the_slope_of_the_light_is_its_derivative():
    rng = np.random.default_rng(2)
    normals, step = rng.normal(size=(50, 3)).astype(np.float64), 1e-4
    for axis in range(3):
        there, back = normals.copy(), normals.copy()
        there[:, axis] += step
        back[:, axis] -= step
        # of second order: central differences are exact but for rounding
        np.testing.assert_allclose(basis_slope(normals)[:, axis], (basis(there) - basis(back)) / (2 * step), atol=1e-8)


def test_normals_are_found_from_several_lights_and_colour_is_left():
    wanted, spot = leaning(0.2, -0.15), np.zeros((SIDE, SIDE, 3), np.float32)
    spot[90:100, 60:100] = -0.03
    many = crops(wanted, spot, LAMPS * 4)
    seen = np.mean([crop.planes[..., :3] for crop in many], axis=0)
    skin = shaped(many, seen)
    assert skin.normals is not None
    off = np.degrees(np.arccos(np.clip((skin.normals * wanted).sum(axis=-1), -1, 1)))[FACE]
    was = np.degrees(np.arccos(np.clip((canonical.normals(SIDE) * wanted).sum(axis=-1), -1, 1)))[FACE]
    there = was > 3
    # lamps this soft say half of it: the rest is held, and evened out over 2 mm of a bump of 5 mm
    assert off[there].mean() < 0.55 * was[there].mean()
    assert off[was < 0.1].max() < 2  # and nothing is invented beside it
    # the mean over lamps is not even: what the bump adds to it is off the colour, as far as the bump was found
    assert np.abs(skin.colour - spot)[FACE].mean() < 0.65 * np.abs(seen - spot)[FACE].mean()


def test_one_light_on_one_pose_says_nothing_of_normals():
    colour = np.zeros((SIDE, SIDE, 3), np.float32)
    one = crops(leaning(0.2, 0.2), colour, LAMPS[:1]) * 8
    skin = shaped(one, one[0].planes[..., :3])
    assert skin.normals is not None
    np.testing.assert_allclose(skin.normals, canonical.normals(SIDE), atol=1e-5)  # rounding: all of it is in the colour


def test_people_mixed_have_unit_normals():
    halves = mixed(
        [Skin(np.ones((4, 4, 3)), leaning(0.3, 0)), Skin(np.zeros((4, 4, 3)), leaning(-0.3, 0))], np.array((0.5, 0.5))
    )
    np.testing.assert_allclose(halves.colour, 0.5)
    assert halves.normals is not None
    np.testing.assert_allclose(np.linalg.norm(halves.normals, axis=-1), 1, atol=1e-6)
    assert mixed([Skin(np.ones((4, 4, 3)))], np.ones(1)).normals is None


def views(strength: float, moving: bool) -> list[View]:
    """A face with a soft dark patch, on its cheek or passing over it."""
    size, points = 96, canonical.texture_points(96).astype(np.float32)
    at = (np.arange(size) + 0.5) / size - 0.5
    made = []
    for number in range(6):
        x = 0.15 - 0.06 * number if moving else 0.15
        patch = -strength * np.exp(-((at[None] - x) ** 2 + (at[:, None] - 0.08) ** 2) / (2 * 0.06**2))
        picture = np.repeat(np.float32(0.4 + patch)[..., None], 3, axis=2)
        made.append(View(picture, points, np.zeros(3, np.float32), np.ones((size, size), np.float32)))
    return made


COLOUR = np.zeros((96, 96, 3), np.float32)


def strength(planes: np.ndarray, view: View) -> float:
    skin = canonical.skin(view.points, view.size)
    return float(np.sqrt((planes**2 * skin[..., None]).sum() / (3 * skin.sum())))


def test_what_stays_on_a_face_is_not_light():
    shot = views(0.03, moving=False)
    stays = standing_part(shot, COLOUR)
    assert stays.shape == (TEXELS, TEXELS, 3)
    left, all_of_it = lighting(shot[0], COLOUR, stays), light_of(shot[0], Skin(COLOUR))
    # sampled from 80 texels: a hundredth of what was there
    assert strength(left.remainder, shot[0]) < 0.05 * strength(all_of_it.remainder, shot[0])
    np.testing.assert_array_equal(left.coefficients, all_of_it.coefficients)


def test_a_shadow_that_passes_is_light():
    shot = views(0.03, moving=True)
    stays = standing_part(shot, COLOUR)
    kept, all_of_it = lighting(shot[1], COLOUR, stays), light_of(shot[1], Skin(COLOUR))
    assert strength(kept.remainder, shot[1]) > 0.6 * strength(
        all_of_it.remainder, shot[1]
    )  # a sixth of it on average stays anywhere


def test_no_more_is_taken_than_people_differ_by():
    deep = views(0.5, moving=False)  # nine stops: a hard shadow, not a cheek
    stays = standing_part(deep, COLOUR)
    there = canonical.sample(stays, canonical.place(deep[0].points, deep[0].size))
    assert strength(there, deep[0]) == pytest.approx(0, abs=PERSON_LOG)
    kept, all_of_it = lighting(deep[0], COLOUR, stays), light_of(deep[0], Skin(COLOUR))
    assert strength(kept.remainder, deep[0]) > 0.8 * strength(all_of_it.remainder, deep[0])


def test_who_has_no_numbers_takes_no_part_with_zeros() -> None:
    people = np.stack([np.full((2, 3), 0.4), np.zeros((2, 3)), np.full((2, 3), -0.2)])
    theirs = np.full((2, 3), 0.1)
    for shares, wanted in (((1, 0, 0), 0.4), ((0.5, 0.5, 0), 0.25), ((0, 1, 0), 0.1), ((0.25, 0, 0.75), -0.05)):
        found = mixed_known(people, np.array(shares), theirs)
        assert found.shape == (2, 3) and found == pytest.approx(wanted, abs=1e-12)
