"""What the gizmo's graph shows on a real version: the rule at rest, the plate at mix 0, and each knob as its help says."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.nuke.images import Picture
from tests.nuke.versions import GRAIN, D, F, Shown, half_bound, planes
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.media.exr import Part, read_exr, write_exr
from vfx_deepfake.naming import frame_path
from vfx_deepfake.nuke.gizmo_knobs import CHECKBOX, COLOUR, MATTE_VIEWS, MENU, NUMBER, REGIONS, SIDES, VIEWS, knobs

FRAME = 1002
SURE = 0.999  # of a matte, from which a pixel is wholly inside: half floats step by 0.0005 there


@pytest.fixture(scope="module")
def shown(published: Path, small_shot: DemoShot) -> Shown:
    return Shown(str(published.parent / "versions/v001/exr/sh0010_v001.####.exr"), small_shot.plate)


@pytest.fixture(scope="module")
def version(shown: Shown) -> Picture:
    return shown.version(FRAME)


@pytest.fixture(scope="module")
def result(shown: Shown) -> np.ndarray:
    """The gizmo at rest."""
    return shown.look(FRAME).rgb()


def matte_of(shown: Shown, **dialled) -> np.ndarray:
    """M' as the gizmo shows it."""
    return shown.look(FRAME, view="mattes", **dialled).get("rgba.red")


def face_of(shown: Shown, **dialled) -> np.ndarray:
    """F' as the gizmo shows it."""
    return shown.look(FRAME, view="face element", **dialled).rgb()


def inside(version: Picture) -> np.ndarray:
    return version.get("matte.applied") > SURE


def solid(like: Picture, alpha: np.ndarray, red: np.ndarray | None = None) -> Picture:
    """A drawn input, all of the canvas."""
    channels = {"rgba.alpha": alpha.astype(np.float32)} | ({} if red is None else {"rgba.red": red.astype(np.float32)})
    return Picture(like.canvas, like.canvas, channels)


# --- the rule --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", (1001, 1002, 1003))
def test_every_knob_at_rest_gives_the_version_within_half_precision(shown, frame):
    out, version = shown.look(frame), shown.version(frame)
    assert out.box == version.box
    apart = np.abs(out.rgb() - version.rgb())
    assert (apart <= half_bound(version)).all()
    changed = (version.rgb() != shown.plate_of(frame).rgb()).any(axis=-1)
    assert changed.mean() > 0.02  # there is a face to speak of
    outside = version.get("matte.applied") == 0
    assert np.array_equal(out.rgb()[outside], version.rgb()[outside])


@pytest.mark.parametrize("dial", ({"mix": 0}, dict.fromkeys(REGIONS, 0)), ids=("mix", "every region"))
def test_at_0_it_is_the_plate_bit_for_bit(shown, dial):
    assert np.array_equal(shown.look(FRAME, **dial).rgb().view(np.uint32), shown.plate_of(FRAME).rgb().view(np.uint32))


def test_half_the_mix_is_halfway(shown, result):
    plate = shown.plate_of(FRAME).rgb()
    # linear in the mix: float32 sums, a few units in the last place of values up to 10
    np.testing.assert_allclose(shown.look(FRAME, mix=0.5).rgb(), (plate + result) / 2, atol=1e-5)


def test_without_a_plate_the_version_stands_in_for_it(shown, version):
    out = shown.look(FRAME, inputs={0: None})
    assert (np.abs(out.rgb() - version.rgb()) <= half_bound(version)).all()
    back = shown.look(FRAME, inputs={0: None}, mix=0).rgb()
    wanted = planes(version, D) + planes(version, GRAIN)
    touched = version.get("matte.applied") > 0
    np.testing.assert_array_equal(back[touched], wanted[touched])
    np.testing.assert_array_equal(back[~touched], version.rgb()[~touched])


def test_without_a_version_and_outside_its_range_the_plate_passes(shown):
    plate = shown.plate_of(FRAME).rgb()
    assert np.array_equal(shown.look(FRAME, version_dir="").rgb(), plate)
    assert np.array_equal(shown.look(FRAME, first_frame=1003).rgb(), plate)
    assert np.array_equal(shown.look(FRAME, exr="gone.####.exr").rgb(), plate)


def test_the_frames_are_found_by_shot_and_version_where_nothing_else_is_said(shown, result):
    folder = str(Path(shown.exr).parents[1])
    rest = next(knob.value for knob in knobs() if knob.name == "exr")
    out = shown.look(FRAME, version_dir=folder, exr=rest, shot="sh0010", version="v001")
    assert np.array_equal(out.rgb(), result)


# --- view ------------------------------------------------------------------------------------------------------------


def test_the_view_menu_shows_what_it_says(shown, version, result):
    plate = shown.plate_of(FRAME).rgb()
    views = {view: shown.look(FRAME, view=view).rgb() for view in VIEWS}
    assert np.array_equal(views["result"], result)
    assert np.array_equal(views["plate"], plate)
    assert np.array_equal(views["face element"], planes(version, F))
    assert np.array_equal(views["mattes"], planes(version, ("matte.applied",) * 3))
    np.testing.assert_array_equal(views["difference gained"], np.abs(result - plate) * 8)
    assert np.array_equal(views["confidence"], planes(version, ("confidence.Y",) * 3))
    marked = (views["QC overlay"] != result).any(axis=-1)
    matte = version.get("matte.applied")
    reason = (
        (version.get("confidence.Y") < 1) & (matte > 0) | (matte > 0) & (matte < 1) | (version.get("matte.holdout") > 0)
    )
    assert marked.any() and not (marked & ~reason).any()


def test_the_difference_gain_multiplies(shown, result):
    np.testing.assert_array_equal(
        shown.look(FRAME, view="difference gained", view_gain=2).rgb(), np.abs(result - shown.plate_of(FRAME).rgb()) * 2
    )


def test_the_menu_of_mattes(shown, version):
    look = {name: shown.look(FRAME, view="mattes", matte_view=name, mix=0.5) for name in MATTE_VIEWS}
    np.testing.assert_array_equal(look["as dialled"].get("rgba.red"), version.get("matte.applied") / 2)
    np.testing.assert_array_equal(look["as rendered"].get("rgba.red"), version.get("matte.applied"))
    np.testing.assert_array_equal(look["holdout and garbage"].get("rgba.red"), version.get("matte.holdout"))
    colour = {"mouth": (1, 0, 0), "nose": (1.25, 1.25, 0.25), "eyes": (0, 1, 0), "brows": (0, 0, 1)}
    for region, wanted in colour.items():
        most = np.unravel_index(version.get(f"matte.{region}").argmax(), version.canvas.shape)
        np.testing.assert_allclose(
            look["regions"].rgb()[most], wanted, atol=0.5
        )  # its own colour leads; others overlap


# --- strength by region ----------------------------------------------------------------------------------------------


def region_masks(version: Picture, region: str) -> np.ndarray:
    """Where a region's knob acts, 0..1."""
    if region == "mouth":
        return np.maximum(version.get("matte.lips"), version.get("matte.mouth"))
    others = [np.maximum(version.get("matte.lips"), version.get("matte.mouth"))]
    others += [version.get(f"matte.{name}") for name in ("nose", "brows", "eyes")]
    return 1 - np.max(others, axis=0) if region == "skin" else version.get(f"matte.{region}")


@pytest.mark.parametrize("region", REGIONS)
def test_a_regions_strength_acts_there_and_nowhere_else(shown, version, region):
    matte, dialled = version.get("matte.applied"), matte_of(shown, **{region: 0})
    acts = region_masks(version, region)
    assert (dialled <= matte).all()
    np.testing.assert_array_equal(dialled[acts == 0], matte[acts == 0])
    most = acts == acts.max()
    assert dialled[most].mean() <= (1 - acts.max()) * matte[most].mean() + 1e-6  # the share of it that is this region's
    assert (dialled < matte).any()
    out, plate = shown.look(FRAME, **{region: 0}), shown.plate_of(FRAME).rgb()
    assert np.array_equal(out.rgb()[dialled == 0], plate[dialled == 0])


def test_strength_may_pass_1(shown, version):
    np.testing.assert_allclose(
        matte_of(shown, **dict.fromkeys(REGIONS, 1.5)), 1.5 * version.get("matte.applied"), rtol=1e-6
    )


# --- the face --------------------------------------------------------------------------------------------------------


def test_identity_mix_does_nothing_where_the_version_has_no_second_face(shown, result):
    assert np.array_equal(shown.look(FRAME, identity_mix=1).rgb(), result)


def test_identity_mix_goes_to_the_second_face(shown, tmp_path):
    source = frame_path(shown.exr, FRAME)
    names = [f"{layer}.{c}" for layer in ("face", "clean", "grain") for c in "RGB"]
    names += [
        "matte.applied",
        *(f"matte.{each}" for each in ("skin", "eyes", "brows", "nose", "lips", "mouth", "holdout", "garbage")),
    ]
    rgba, elements = read_exr(source, part="rgba"), read_exr(source, part="elements", channels=names)
    second = elements.pixels[..., :3] * 2
    parts = [
        Part("rgba", rgba.pixels, rgba.channels, rgba.data_window),
        Part("elements", np.concatenate([elements.pixels, second], -1), (*names, "face_b.R", "face_b.G", "face_b.B"), elements.data_window),
    ]  # fmt: skip
    write_exr(tmp_path / f"two.{FRAME}.exr", parts, rgba.display_window)
    two = Shown(str(tmp_path / "two.####.exr"), shown.plate)
    first = face_of(two)
    assert np.array_equal(face_of(two, has_face_b=True), first)
    np.testing.assert_array_equal(face_of(two, has_face_b=True, identity_mix=1), 2 * first)
    np.testing.assert_allclose(face_of(two, has_face_b=True, identity_mix=0.25), 1.25 * first, rtol=1e-6)


def test_colour_match_brings_broad_colour_to_the_plates(shown, version):
    where = inside(version)
    clean = planes(version, D)
    matched = face_of(shown, match=1, match_size=20)
    broad = [cv2.GaussianBlur(image, (0, 0), 20 / 3) for image in (planes(version, F), clean, matched)]
    before, after = (np.abs(np.log(broad[i] + 0.01) - np.log(broad[1] + 0.01))[where].mean() for i in (0, 2))
    assert after < 0.35 * before  # not 0: light that is blurred before and after division differs at edges
    assert np.array_equal(face_of(shown, match_size=20), planes(version, F))
    half = face_of(shown, match=0.5, match_size=20)
    np.testing.assert_allclose(half, (matched + planes(version, F)) / 2, atol=1e-5)


def test_a_wider_match_leaves_more(shown, version):
    near, wide = (np.abs(face_of(shown, match=1, match_size=size) - planes(version, D)) for size in (6, 60))
    assert near[inside(version)].mean() < wide[inside(version)].mean()


def test_exposure_is_in_stops_and_saturation_grey_at_0(shown, version):
    np.testing.assert_array_equal(face_of(shown, exposure=-1), planes(version, F) / 2)
    grey = face_of(shown, saturation=0)
    assert np.ptp(grey, axis=-1).max() < 1e-6
    luminance = planes(version, F) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    np.testing.assert_allclose(grey[..., 0], luminance, rtol=1e-6)


def test_trims_change_nothing_outside_the_matte(shown, version, result):
    out = shown.look(FRAME, exposure=1, saturation=0, match=1, detail=1).rgb()
    untouched = version.get("matte.applied") == 0
    assert np.array_equal(out[untouched], shown.plate_of(FRAME).rgb()[untouched])
    assert not np.array_equal(out, result)


def test_detail_return_puts_the_plates_fine_detail_on_skin_and_nose(shown, version):
    fine = lambda image: image - cv2.GaussianBlur(image, (9, 9), 4 / 3, borderType=cv2.BORDER_CONSTANT)  # noqa: E731
    face, clean, out = planes(version, F), planes(version, D), face_of(shown, detail=1)
    features = np.max([version.get(f"matte.{name}") for name in ("eyes", "brows", "lips", "mouth")], axis=0)
    skin = (np.maximum(version.get("matte.skin"), version.get("matte.nose")) > SURE) & (features == 0)
    away = cv2.erode(skin.astype(np.uint8), np.ones((11, 11))) > 0  # where the whole filter is on skin
    before, after = (np.abs(fine(image) - fine(clean))[away].mean() for image in (face, out))
    assert after < 0.3 * before  # not 0: taking detail off once leaves the filter's own transition
    off = features > SURE
    assert off.any() and np.array_equal(out[off], face[off])
    assert np.abs(face_of(shown, detail=1, detail_size=12) - face).mean() > np.abs(out - face).mean()


# --- the matte's edge ------------------------------------------------------------------------------------------------


def test_erode_shrinks_and_below_0_grows_but_never_past_what_was_rendered(shown, version):
    matte = version.get("matte.applied")
    assert (matte_of(shown, erode=3) <= matte).all()
    assert matte_of(shown, erode=3).sum() < 0.95 * matte.sum()
    grown = matte_of(shown, erode=-3)
    held = np.maximum(version.get("matte.holdout"), version.get("matte.garbage"))
    known = (planes(version, D) != 0).any(axis=-1)
    assert grown.sum() > 1.02 * matte.sum()
    assert (grown <= np.where(known, 1 - held, 0) + 1e-6).all()
    out = shown.look(FRAME, erode=-3).rgb()
    assert np.array_equal(out[grown == 0], shown.plate_of(FRAME).rgb()[grown == 0])


def test_feathers_keep_to_their_side(shown, version):
    matte = version.get("matte.applied")
    inwards, outwards = matte_of(shown, feather_in=6), matte_of(shown, feather_out=6)
    assert (inwards <= matte).all() and (inwards < matte).any()
    assert (outwards[matte > SURE] >= matte[matte > SURE]).all() and outwards.sum() > matte.sum()
    deep = cv2.erode((matte > SURE).astype(np.uint8), np.ones((15, 15))) > 0  # farther inside than the feather reaches
    np.testing.assert_allclose(inwards[deep], matte[deep], atol=2e-3)


def extent(matte: np.ndarray) -> dict[str, float]:
    """First and last row and column of a matte's body."""
    rows, columns = np.flatnonzero((matte > 0.5).any(axis=1)), np.flatnonzero((matte > 0.5).any(axis=0))
    return {"left": columns[0], "right": columns[-1], "top": rows[0], "bottom": rows[-1]}


@pytest.mark.parametrize("side", SIDES)
def test_one_side_is_eroded_and_feathered_alone(shown, version, side):
    before = extent(version.get("matte.applied"))
    after = extent(matte_of(shown, **{f"erode_{side}": 5}))
    sign = 1 if side in ("left", "top") else -1
    assert after[side] == before[side] + 5 * sign
    soft = matte_of(shown, **{f"feather_{side}": 8})
    assert (soft <= version.get("matte.applied") + 1e-6).all()
    softer = extent(soft)
    assert sign * (softer[side] - before[side]) > 0
    across = {"left": ("top", "bottom"), "right": ("top", "bottom")}.get(side, ("left", "right"))
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[side]
    assert after[opposite] == softer[opposite] == before[opposite]
    # the tip of a round matte gets a little shorter when its side is moved under it, by less than half the move
    assert all(abs(after[other] - before[other]) <= 2 for other in across)


# --- holdout and paint -----------------------------------------------------------------------------------------------


def test_the_holdout_input_stays_in_front(shown, version, result):
    half = np.zeros(version.canvas.shape)
    half[:, : version.canvas.width // 2] = 1
    plate = shown.plate_of(FRAME).rgb()
    out = shown.look(FRAME, inputs={1: solid(version, half)}).rgb()
    assert np.array_equal(out[half == 1], plate[half == 1])
    assert np.array_equal(out[half == 0], result[half == 0])
    assert np.array_equal(shown.look(FRAME, inputs={1: solid(version, half)}, holdout=0).rgb(), result)
    red = solid(version, np.zeros_like(half), half)
    assert np.array_equal(shown.look(FRAME, inputs={1: red}).rgb(), result)
    assert np.array_equal(shown.look(FRAME, inputs={1: red}, holdout_channel="red").rgb(), out)
    small = Picture(version.canvas, version.box, {})  # a roto without a pixel anywhere keeps nothing back
    assert np.array_equal(shown.look(FRAME, inputs={1: small}).rgb(), result)


def test_paint_is_shown_only_where_it_is_asked_for(shown, version, result):
    dab = np.zeros(version.canvas.shape)
    dab[60:80, 60:80] = 1
    paint = solid(version, dab, np.full(dab.shape, 5.0))
    assert np.array_equal(shown.look(FRAME, inputs={2: paint}).rgb(), result)
    out = shown.look(FRAME, inputs={2: paint}, paint_in=True).rgb()
    assert np.array_equal(out[dab == 0], result[dab == 0])
    assert np.array_equal(out[dab == 1], np.tile([5, 0, 0], (400, 1)))
    assert np.array_equal(shown.look(FRAME, paint_in=True).rgb(), result)


# --- grain -----------------------------------------------------------------------------------------------------------


def clean_comp(version: Picture) -> np.ndarray:
    d, f = planes(version, D), planes(version, F)
    return d + version.get("matte.applied")[..., None] * (f - d)


def grain_in(shown: Shown, version: Picture, **dialled) -> np.ndarray:
    """What lies on the clean comp wholly inside the matte, (N, 3)."""
    return (shown.look(FRAME, **dialled).rgb() - clean_comp(version))[inside(version)]


# float32 sums and differences of values up to 10
CLOSE = {"atol": 1e-5}


def test_grain_off_leaves_the_changed_face_clean_and_the_amount_scales_it(shown, version):
    matte = version.get("matte.applied")[inside(version)][:, None]
    grain = planes(version, GRAIN)[inside(version)]
    assert np.abs(grain).mean() > 1e-3
    np.testing.assert_allclose(grain_in(shown, version, grain_on=False), grain * (1 - matte), **CLOSE)
    np.testing.assert_allclose(grain_in(shown, version, grain_amount=0), grain * (1 - matte), **CLOSE)
    np.testing.assert_allclose(grain_in(shown, version, grain_amount=2), grain * (1 + matte), **CLOSE)
    plate, outside = shown.plate_of(FRAME).rgb(), version.get("matte.applied") == 0
    assert np.array_equal(shown.look(FRAME, grain_on=False).rgb()[outside], plate[outside])


def test_grain_from_the_plate_is_its_own_at_the_faces_light(shown, version):
    where = inside(version)
    own = (shown.plate_of(FRAME).rgb() - planes(version, D))[where]
    got = grain_in(shown, version, grain_source="plate", synth_power=0)
    full = version.get("matte.applied")[where] == 1
    np.testing.assert_allclose(got[full], own[full], **CLOSE)
    ratio = (np.maximum(clean_comp(version), 0) + 0.01) / (np.maximum(planes(version, D), 0) + 0.01)
    got = grain_in(shown, version, grain_source="plate", synth_power=1, synth_offset=0.01)
    np.testing.assert_allclose(got[full], (own * ratio[where])[full], **CLOSE)


def test_synthetic_grain_has_the_level_that_the_knobs_say(shown, version):
    where = version.get("matte.applied") == 1
    dial = {"grain_source": "synth", "synth_offset": 0.02, "synth_power": 0.5}
    level = np.array([0.02, 0.02, 0.02])  # at rest
    wanted = level * np.sqrt(np.maximum(clean_comp(version), 0)[where] + 0.02)
    num = int(where.sum())
    for softness in (0, 0.5, 1):
        made = (shown.look(FRAME, **dial, synth_softness=softness).rgb() - clean_comp(version))[where] / wanted
        # a deviation from N values scatters by 1 / sqrt(2 N), times 3 for softened noise, whose 9 px hang together; four of those
        np.testing.assert_allclose(made.std(axis=0), 1, atol=4 * 3 / np.sqrt(2 * num))
        assert np.abs(np.corrcoef(made.T) - np.eye(3)).max() < 4 * 3 / np.sqrt(num)  # channels are made one by one


def test_synthetic_grain_is_new_in_every_frame_and_softer_on_demand(shown):
    looks = {}
    for frame, softness in ((1001, 0), (1002, 0), (1002, 1)):
        version = shown.version(frame)
        grain = shown.look(frame, grain_source="synth", synth_softness=softness).rgb() - clean_comp(version)
        looks[frame, softness] = np.where(version.get("matte.applied")[..., None] == 1, grain, np.nan)[..., 1]
    first, second, soft = looks.values()
    both = np.isfinite(first) & np.isfinite(second)
    assert abs(np.corrcoef(first[both], second[both])[0, 1]) < 4 / np.sqrt(both.sum())
    neighbours = []
    for grain in (second, soft):
        pair = np.isfinite(grain[:, 1:]) & np.isfinite(grain[:, :-1])
        neighbours.append(np.corrcoef(grain[:, 1:][pair], grain[:, :-1][pair])[0, 1])
    # white noise has none; under (1 2 1) neighbours share (2 1 + 1 2) / (1 + 4 + 1) = 2/3
    assert abs(neighbours[0]) < 0.1 and abs(neighbours[1] - 2 / 3) < 0.1


def test_every_knob_that_changes_the_picture_was_dialled_here():
    """A knob that is added needs a test of what its help says."""
    text = Path(__file__).read_text(encoding="utf-8")
    dialled = [knob.name for knob in knobs() if knob.kind in (NUMBER, CHECKBOX, COLOUR, MENU)]
    stems = {f"{what}_{side}" for what in ("erode", "feather") for side in SIDES} | set(REGIONS) | {"synth_level"}
    assert [name for name in dialled if name not in stems and f"{name}=" not in text and f'"{name}"' not in text] == []
