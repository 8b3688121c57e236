"""Paintings made by a recipe: the same on every frame, and carried like an artist's."""

import numpy as np

from tests.model.scene import FIRST, disc_scene
from vfx_deepfake.model.rehearsal import Recipe, make_recipe, painted_by, rehearse

PLAIN = Recipe(0.0, ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), (0.0, 0.0, 0.0))


def test_an_empty_recipe_changes_nothing():
    source = disc_scene().source([FIRST])
    np.testing.assert_allclose(painted_by(PLAIN, source, FIRST), source.crop(FIRST).image_log, atol=2e-6)  # sampling


def test_a_tint_changes_the_face_and_not_the_wall():
    source = disc_scene().source([FIRST])
    crop = source.crop(FIRST)
    change = painted_by(Recipe(0.0, PLAIN.push, (0.05, 0.0, -0.02)), source, FIRST) - crop.image_log
    x, y = (crop.points[0] - (crop.window.x, crop.window.y)).astype(int)
    np.testing.assert_allclose(change[y, x], (0.05, 0, -0.02), atol=1e-3)  # the matte is 1 there but for its blur
    assert np.abs(change[0, 0]).max() < 0.01


def test_the_recipe_follows_the_face():
    source = disc_scene(step_px=2).source([FIRST, FIRST + 8])
    recipe = make_recipe(np.random.default_rng(3))
    one, two = (painted_by(recipe, source, frame) - source.crop(frame).image_log for frame in (FIRST, FIRST + 4))
    shift = source.window(FIRST + 4).x - source.window(FIRST).x
    assert shift == 8
    middle = slice(30, -30), slice(30, -30)
    # crops follow the disc, so the change sits at the same place in both
    np.testing.assert_allclose(one[middle], two[middle], atol=2e-3)


def test_carried_paintings_come_close_to_the_known_answer():
    source = disc_scene(step_px=2).source([FIRST, FIRST + 8])
    stack, painted = rehearse(source, make_recipe(np.random.default_rng(4)), FIRST + 4)
    before = np.abs(stack.crop.image_log - painted.painted).mean()
    assert np.abs(stack.base - painted.painted).mean() < 0.4 * before
    assert painted.support.min() == 1


def test_recipes_depend_on_the_seed_alone():
    assert make_recipe(np.random.default_rng(9)) == make_recipe(np.random.default_rng(9))
    assert make_recipe(np.random.default_rng(9)) != make_recipe(np.random.default_rng(10))
