"""The finish in its shot: off it is not there, on it changes what it should, and one frame alone is that of a whole run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from tests.image.test_sharpness import texture
from vfx_deepfake.errors import ShotError
from vfx_deepfake.face.topology import canonical_uv
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.grain import NO_GRAIN
from vfx_deepfake.image.matte import feather
from vfx_deepfake.image.sharpness import local_sharpness
from vfx_deepfake.media.exr import Part, read_exr, write_exr
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.predict import Prediction
from vfx_deepfake.progress import Silent
from vfx_deepfake.settings import NameSpec, PlateSpec, Settings
from vfx_deepfake.settings.finish import BlendSpec, ColorMatchSpec, TextureSpec
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.finish import Finish, face_motion, measured_frames, open_finish
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.render_stage import plan_render, render_inputs, render_stage
from vfx_deepfake.steps.shot_crops import ShotCrops
from vfx_deepfake.steps.track import track_stage

FRAMES = tuple(range(1001, 1013))
FACE = Window(0, 0, 320, 300)
EVERYTHING = {
    "texture": TextureSpec(strength=1.0, expression=1.0),
    "colormatch": ColorMatchSpec(method="linear_transport"),
    "blend": BlendSpec(seam=1.0, soften=1.0, restore=1.0),
}


def plate_log(frame: int, window: Window) -> np.ndarray:
    """Skin that shimmers a little from frame to frame."""
    return cut(texture(7, FACE.shape) + np.float32(0.001) * texture(frame, FACE.shape), FACE, window)


class Colourist:
    """A model whose face is the plate in another colour, softer, a different one on each frame."""

    def __init__(self, source: CropSource, change: float = 1.0) -> None:
        self.source, self.change, self.asked = source, np.float32(change), []

    def predict(self, frame: int) -> Prediction:
        self.asked.append(frame)
        crop = self.source.crop(frame)
        jump = np.random.default_rng(frame).normal(0, 0.01, 3) + (0.05, -0.02, -0.03)
        face = cv2.GaussianBlur(crop.image_log, (0, 0), 1.2) + jump.astype(np.float32)
        oval = np.zeros(crop.window.shape, np.float32)
        middle = crop.window.width // 2, crop.window.height // 2
        cv2.ellipse(oval, middle, (90, 100), 0, 0, 360, 1.0, -1)
        return Prediction(self.change * (face - crop.image_log), feather(oval, 6), oval, crop.window)


def shot(tmp_path: Path, change: float = 1.0, **tables: Any) -> tuple[Any, ShotCrops, Colourist]:
    """A face of 160 px that sways by 2 px a frame."""
    settings = replace(Settings(shot=NameSpec(name="s"), plate=PlateSpec(pattern="", colorspace="")), **tables)
    shape = canonical_uv() * (160, 190) + (60, 50)
    points = np.stack([shape + (2.0 * index, 0.5 * index) for index in range(len(FRAMES))]).astype(np.float32)
    track = FaceTrack(
        np.array(FRAMES), points, np.ones(len(FRAMES), np.float32), np.zeros((len(FRAMES), 3), np.float32)
    )
    source = CropSource(track, (), plate_log, lambda frame, window: (None, None))
    roto = lambda pattern, frame: tmp_path / f"{pattern}.{frame}.exr"  # noqa: E731
    paths = SimpleNamespace(colour_match=lambda identity: tmp_path / f"colour_{identity}.json")
    opened = SimpleNamespace(
        settings=settings, frames=FRAMES, shot=SimpleNamespace(paths=paths), roto_file=roto,
        plate=SimpleNamespace(display_window=FACE),
    )  # fmt: skip
    return opened, ShotCrops(track, NO_GRAIN, None, source), Colourist(source, change)


def faces(opened: Any, crops: ShotCrops, model: Colourist, frame: int, identity: str = "") -> tuple[np.ndarray, ...]:
    """F before, F after, D and the matte of one frame, by a finish opened anew."""
    finish = open_finish(opened, crops, model, identity)
    assert finish is not None
    made, clean = model.predict(frame), crops.source.crop(frame).image_log
    face = clean + made.delta_log
    return face, finish(frame, made.window, face, clean, made.matte), clean, made.matte


def test_everything_off_is_no_finish(tmp_path) -> None:
    assert open_finish(*shot(tmp_path)) is None
    assert open_finish(*shot(tmp_path, colormatch=ColorMatchSpec(method="mean_deviation", strength=0.0))) is None


def test_a_face_that_is_the_plate_keeps_every_bit(tmp_path) -> None:
    face, finished, _, _ = faces(*shot(tmp_path, change=0.0, **EVERYTHING), 1004)
    assert finished is face


def test_an_empty_matte_changes_no_bit(tmp_path) -> None:
    opened, crops, model = shot(tmp_path, **EVERYTHING)
    face, _, clean, matte = faces(opened, crops, model, 1004)
    finish = open_finish(opened, crops, model)
    assert finish is not None
    assert finish(1004, crops.source.window(1004), face, clean, 0 * matte) is face


@pytest.mark.parametrize("name", ["texture", "colormatch", "blend"])
def test_where_the_face_is_the_plate_it_stays_and_the_change_begins_softly(tmp_path, name: str) -> None:
    opened, crops, model = shot(tmp_path, **{name: EVERYTHING[name]})
    face, _, clean, matte = faces(opened, crops, model, 1004)
    ramp = np.clip((np.arange(face.shape[1], dtype=np.float32) - 139) / 20, 0, 1)[None, :, None]
    face = np.where(ramp > 0, clean + ramp * (face - clean), clean)  # painted on one side only
    finish = open_finish(opened, crops, model)
    assert finish is not None
    finished = finish(1004, crops.source.window(1004), face, clean, matte)
    assert np.array_equal(finished[:, :140], clean[:, :140])
    change = np.abs(finished - face).max(axis=2)
    assert change[:, 140:].max() > 0 and change[:, 140].mean() < 0.1 * change[:, 160:].mean(axis=0).max()


def test_each_part_does_its_own(tmp_path) -> None:
    face, coloured, clean, matte = faces(*shot(tmp_path, colormatch=EVERYTHING["colormatch"]), 1004)
    inside = matte > 0.5
    off = lambda image: np.abs((image - clean)[inside].mean(axis=0)).max()  # noqa: E731
    # one match for the shot leaves this frame's own jump (deviation 0.01, less the shot's mean)
    assert off(face) > 0.04 and off(coloured) < 0.025
    _, closed, _, _ = faces(*shot(tmp_path, blend=BlendSpec(seam=1.0)), 1004)
    assert off(closed) < 0.005
    sharp = {
        name: local_sharpness(faces(*shot(tmp_path, **tables), 1004)[1], inside)
        for name, tables in {"restore": {"blend": BlendSpec(restore=1.0)}, "soften": {"blend": BlendSpec(soften=1.0)},
                             "texture": {"texture": TextureSpec(strength=1.0, wrinkles=0.0)}}.items()
    }  # fmt: skip
    soft, plate = local_sharpness(face, inside), local_sharpness(clean, inside)
    assert sharp["soften"] == soft and soft < 0.7 * plate
    assert soft + 0.25 * (plate - soft) < sharp["restore"] < 1.1 * plate  # bounded: CORRECTIONS
    assert soft + 0.3 * (plate - soft) < sharp["texture"] < 1.1 * plate


def test_the_wrinkle_roto_spares_what_it_covers(tmp_path) -> None:
    texture_on = TextureSpec(strength=1.0, wrinkles=0.0)
    _, whole, _, _ = faces(*shot(tmp_path, texture=texture_on), 1004)
    roto = np.zeros((*FACE.shape, 1), np.float32)
    roto[:, : FACE.width // 2] = 1
    write_exr(tmp_path / "lines.1004.exr", [Part("", roto, ("A",), FACE)], FACE)
    opened, crops, model = shot(tmp_path, texture=replace(texture_on, wrinkle_matte="lines"))
    face, spared, _, _ = faces(opened, crops, model, 1004)
    split = FACE.width // 2 - crops.source.window(1004).x
    assert np.array_equal(spared[:, :split], face[:, :split])
    # what is covered does not count for how rough the plate's skin is either, so beside it a little changes
    off, added = (np.abs(one - whole)[:, split:].mean() for one in (spared, face))
    assert off < 0.1 * added


@pytest.mark.parametrize("window", [0.0, 4.0])
def test_one_frame_alone_is_that_of_a_whole_run(tmp_path, window: float) -> None:
    tables = {**EVERYTHING, "colormatch": ColorMatchSpec(method="linear_transport", window_frames=window, frames=4)}
    opened, crops, model = shot(tmp_path, **tables)
    finish = open_finish(opened, crops, model, "one")
    assert finish is not None
    whole = {}
    for frame in FRAMES[:9]:
        made, clean = model.predict(frame), crops.source.crop(frame).image_log
        whole[frame] = finish(frame, made.window, clean + made.delta_log, clean, made.matte)
    for frame, identity in ((1009, "one"), (1002, "")):
        alone = faces(*shot(tmp_path, **tables), frame, identity)[1]
        assert np.array_equal(alone, whole[frame])


@pytest.mark.parametrize(
    ("step", "expected"), [(1, range(1001, 1041, 6)), (2, range(1001, 1041, 6)), (5, range(1001, 1041, 10))]
)
def test_a_range_with_a_step_is_measured_as_often_in_time_as_a_whole_one(step: int, expected: range) -> None:
    frames = tuple(range(1001, 1041, step))
    opened = SimpleNamespace(frames=frames, settings=SimpleNamespace(colormatch=ColorMatchSpec(window_frames=24)))
    crops = SimpleNamespace(track=SimpleNamespace(face_frames=np.array(frames)))
    assert measured_frames(opened, crops) == list(expected)


def test_what_is_measured_for_the_shot_is_kept_by_identity_and_made_again_where_damaged(tmp_path) -> None:
    tables = {"colormatch": ColorMatchSpec(method="mean_deviation", frames=3)}
    opened, crops, model = shot(tmp_path, **tables)
    first = open_finish(opened, crops, model, "a")
    assert model.asked == measured_frames(opened, crops) == [1003, 1007, 1011]
    again = open_finish(opened, crops, model, "a")
    assert len(model.asked) == 3 and again is not None and first is not None and again.colours == first.colours
    (tmp_path / "colour_a.json").write_text('{"frames": {"1003": 7}}')
    mended = open_finish(opened, crops, model, "a")
    assert len(model.asked) == 6 and mended is not None and mended.colours == first.colours
    open_finish(opened, crops, model, "b")
    assert len(model.asked) == 9


def test_bad_pixels_stay_where_they_are(tmp_path) -> None:
    opened, crops, model = shot(tmp_path, **EVERYTHING)
    face, good, clean, matte = faces(opened, crops, model, 1004)
    face[100, 120], face[101, 121, 1] = np.nan, np.inf
    finish = open_finish(opened, crops, model)
    assert isinstance(finish, Finish)
    bad = finish(1004, crops.source.window(1004), face, clean, matte)
    assert (~np.isfinite(bad).all(axis=2)).sum() == 2
    far = np.hypot(*(np.mgrid[: matte.shape[0], : matte.shape[1]] - np.array([100, 120])[:, None, None])) > 60
    # the picture far from them differs by what two pixels weigh in the shot-wide measures
    assert np.abs(bad - good)[far].max() < 1e-3


def test_the_head_s_motion_is_its_track_s(tmp_path) -> None:
    _, crops, _ = shot(tmp_path)
    for frame in (1001, 1006, 1012):
        motion = face_motion(crops.track, frame, crops.source.window(frame))
        np.testing.assert_allclose(motion, [[0, 0, 2.0], [0, 0, 0.5]], atol=1e-4)  # float32 points
    lone = FaceTrack(crops.track.frames[:1], crops.track.points[:1], crops.track.confidence[:1], crops.track.pose[:1])
    assert not face_motion(lone, 1001, FACE).any()


BAD = [
    ("texture.strength=3", "strength is 3.0; it must lie between 0.0 and 2.0"),
    ("texture.lips=-1", "lips is -1.0; it must lie between 0.0 and 2.0"),
    ('colormatch.method="rct"', "method is 'rct'; choose one of none, mean_deviation, linear_transport"),
    ('colormatch.against="neck"', "against is 'neck'; choose one of face, ring"),
    ("colormatch.window_frames=1", "window_frames is 1.0; it must lie between 4.0 and 1000.0"),
    ("blend.seam=2", "seam is 2.0; it must lie between 0.0 and 1.0"),
    ("blend.shutter_degrees=400", "shutter_degrees is 400.0; it must lie between 0.0 and 360.0"),
]


@pytest.mark.parametrize(("override", "message"), BAD)
def test_wrong_settings_are_named(small_shot, override: str, message: str) -> None:
    with pytest.raises(ShotError, match=message.replace(".", r"\.")):
        load_shot(small_shot.file, [override])


def test_wrinkle_roto_that_is_not_there_is_named(small_shot) -> None:
    problems = check_shot(small_shot.file, ['texture.wrinkle_matte="mattes/lines.####.exr"']).problems
    assert any("[texture].wrinkle_matte: no roto at" in each and "lines.####.exr" in each for each in problems)


def test_a_farm_host_s_single_frame_is_the_whole_run_s_file(own_shot) -> None:
    settings = ('model.method="propagate"', "texture.strength=1.0", "texture.expression=1.0", "blend.seam=1.0",
                "blend.soften=1.0", "blend.restore=1.0", 'colormatch.method="linear_transport"', "colormatch.window_frames=4",
                'delivery.profile="exr"')  # fmt: skip
    folder = own_shot()
    opened = open_shot(folder, settings)
    track_stage(opened, Silent())
    assert render_inputs(opened)["blend"]["seam"] == 1.0
    plan = plan_render(opened)
    render_stage(opened, Silent(), frames="1003")
    place = plan.paths.exr_frame(1003)
    alone = place.read_bytes()
    measured = list((folder / "work").glob("colour_match_*.json"))
    assert len(measured) == 1
    place.unlink()
    measured[0].unlink()
    render_stage(open_shot(folder, settings), Silent())
    assert place.read_bytes() == alone
    off = open_shot(folder, settings[:1] + settings[-1:])
    render_stage(off, Silent(), frames="1003")
    plain = plan_render(off).paths.exr_frame(1003)
    assert plain != place and not np.array_equal(read_exr(plain).pixels, read_exr(place).pixels)
