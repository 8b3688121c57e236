"""An identity's face laid into plate pixels: place, size, parts of the face, driving; with a method that paints a constant."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.face.posed_heads import posed, with_open_mouth
from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.topology import LIPS_INNER, POINTS, canonical_vertices_cm
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.faceset.align import warp_from_crop
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.identity.drive import Driving, Take, expression_cm, with_mouth
from vfx_deepfake.model.identity.method import Drive, Made, View
from vfx_deepfake.model.identity.predictor import IdentityModel
from vfx_deepfake.model.identity.regions import part_matte
from vfx_deepfake.model.identity.views import ALIGNED_MARGIN, PlateViews
from vfx_deepfake.settings import IdentitySpec
from vfx_deepfake.tables import build

PLATE = Window(0, 0, 256, 256)
FRAMES = (1001, 1002, 1003)
PAINT = 0.7


class Painter:
    """A method that paints one tone over a disc in the middle of its view, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[View, Drive]] = []

    def make(self, view: View, drive: Drive) -> Made:
        self.asked.append((view, drive))
        size = len(view.valid)
        centre = np.abs(np.arange(size) + 0.5 - size / 2) / (size / 2)
        disc = (np.hypot.outer(centre, centre) < 0.6).astype(np.float32)
        return Made(np.full((size, size, 3), PAINT, np.float32), disc, np.full((size, size), 0.8, np.float32))


class Copier(Painter):
    """A method that gives back what it sees."""

    def make(self, view: View, drive: Drive) -> Made:
        return replace(super().make(view, drive), picture_log=view.image_log)


def track_of(*shapes: np.ndarray, first: int = FRAMES[0]) -> FaceTrack:
    points = np.stack(shapes).astype(np.float32)
    count = len(points)
    return FaceTrack(
        np.arange(first, first + count), points, np.full(count, 0.9, np.float32), np.zeros((count, 3), np.float32)
    )


def plate() -> np.ndarray:
    """Smooth, so that resampling twice loses next to nothing."""
    rng = np.random.default_rng(4)
    return 0.4 + 6 * cv2.GaussianBlur(rng.standard_normal((256, 256, 3)).astype(np.float32), (0, 0), 12)


def views_of(track: FaceTrack, size: int = 128, reach: Window = PLATE) -> PlateViews:
    picture = plate()
    source = CropSource(
        track, (), lambda frame, window: cut(picture, PLATE, window), lambda f, w: (None, None), ALIGNED_MARGIN
    )
    return PlateViews(source, size, reach)


def model(
    track: FaceTrack, method: Painter, table: dict | None = None, driver: FaceTrack | None = None
) -> IdentityModel:
    spec = build(IdentitySpec, table or {}, "x")
    driving = Driving(spec, Take(track), None if driver is None else Take(driver))
    return IdentityModel(views_of(track), method, driving, spec.region)


def laid(of: IdentityModel, frame: int) -> np.ndarray:
    """The matte as the method makes it, in plate pixels."""
    matte = of.uncorrected(frame)[0].matte
    return warp_from_crop(matte[..., None], of.views.matrix(frame), of.source.crop(frame).window)[..., 0]


HEADS = [posed(px_per_cm=8), posed(yaw=20, roll=15, px_per_cm=8) + (7, -4), posed(pitch=12, px_per_cm=9)]


def test_what_is_made_lands_where_it_was_seen():
    track = track_of(*HEADS)
    copied, painted = model(track, Copier()), model(track, Painter())
    for frame in FRAMES:
        same, flat = copied.predict(frame), painted.predict(frame)
        under = laid(painted, frame) > 0.99999
        assert under.sum() > 2000
        assert same.matte[under].min() > 0.99 and same.matte.sum() > 1.02 * under.sum()  # it goes on over the rim
        # a smooth plate through a crop of about its own scale and back: interpolation error alone
        assert np.abs(same.delta_log[under]).max() < 0.004
        clean = painted.source.crop(frame).image_log
        np.testing.assert_allclose((clean + flat.delta_log)[under], PAINT, atol=1e-5)  # float32 rounding
        np.testing.assert_allclose(flat.confidence[under], 0.8 * 0.9, atol=1e-4)
        middle = track.points_at(frame)[[1, 6]].mean(axis=0) - (flat.window.x, flat.window.y)
        assert flat.matte[int(middle[1]), int(middle[0])] == 1


def test_outside_the_view_nothing_is_made():
    made = model(track_of(HEADS[1]), Painter()).predict(1001)
    corner = (slice(0, 3), slice(0, 3))
    assert not made.matte[corner].any() and not made.delta_log[corner].any() and not made.confidence[corner].any()


def test_a_view_knows_where_the_picture_ends():
    view = views_of(track_of(HEADS[0]), reach=Window(0, 0, 128, 256)).view(1001)
    assert view.valid[:, :60].mean() > 0.95 and not view.valid[:, 70:].any()
    assert np.isfinite(view.image_log).all()


def test_an_artists_points_are_refused():
    loose = FaceTrack(np.array([1001]), np.zeros((1, 5, 2), np.float32) + np.arange(10, dtype=np.float32).reshape(1, 5, 2) ** 2,
                      np.ones(1, np.float32), np.zeros((1, 3), np.float32), POINTS)  # fmt: skip
    with pytest.raises(TrackError, match="holds 5 points of an artist; an identity needs MediaPipe's 478"):
        views_of(loose)


def test_parts_share_the_face_out_between_them():
    points = HEADS[1]
    window = Window(20, 20, 220, 220)
    mouth, upper = (part_matte(points, window, part) for part in ("mouth", "upper"))

    def at(matte: np.ndarray, point: int) -> float:
        x, y = points[point] - (window.x, window.y)
        return float(matte[int(y), int(x)])

    assert [at(mouth, point) for point in (13, 17, 152, 61)] == [1, 1, 1, 1]  # lips, chin, corner
    assert [at(mouth, point) for point in (159, 105, 10)] == [0, 0, 0]  # lid, brow, forehead
    assert [at(upper, point) for point in (159, 105, 10)] == [1, 1, 1]
    assert [at(upper, point) for point in (13, 17, 152, 61)] == [0, 0, 0, 0]
    face = part_matte(points, window, "face")
    assert all(at(face, point) == 1 for point in range(468))
    assert not part_matte(points, Window(0, 0, 256, 8), "face").any()  # far past the outline
    assert (mouth <= face).all() and (upper <= face).all()
    with pytest.raises(ValueError, match="part of the face 'nose' is unknown; known: face, mouth, upper"):
        part_matte(points, window, "nose")


def test_a_forehead_comes_back_below_its_top_and_nowhere_else():
    points, window = HEADS[1], Window(20, 20, 220, 220)
    whole, soft = (part_matte(points, window, "face", forehead_cm) for forehead_cm in (0.0, 2.0))

    def at(point: int) -> float:
        x, y = points[point] - (window.x, window.y)
        return float(soft[int(y), int(x)])

    assert at(10) < 0.05  # the top of the outline; a pixel is 0.1 cm
    assert 0.1 < at(151) < 1  # between brows and top
    assert all(
        at(point) == 1 for point in (105, 159, 4, 13, 152, 234, 454)
    )  # brow, lid, nose, lips, chin, beside the ears
    assert (soft <= whole).all()


def test_only_the_asked_part_is_replaced():
    track = track_of(HEADS[0])
    whole = model(track, Painter()).predict(1001).matte
    mouth, upper = (model(track, Painter(), {"region": part}).predict(1001).matte for part in ("mouth", "upper"))
    assert 0 < mouth.sum() < whole.sum() and 0 < upper.sum() < whole.sum()
    assert (mouth <= whole).all() and (upper <= whole).all()


def test_mix_and_age_reach_the_method_frame_by_frame():
    method = Painter()
    table = {"mix_with": ["c"], "mix": [[1001, 0], [1003, 1]], "mix_eyes": 0.25, "age": [[1001, 40], [1003, 60]]}
    made = model(track_of(*HEADS), method, table)
    for frame in FRAMES:
        made.predict(frame)
    assert [drive.mix for _, drive in method.asked] == [
        {"eyes": 0.25},
        {"all": 0.5, "eyes": 0.25},
        {"all": 1.0, "eyes": 0.25},
    ]
    assert [drive.age for _, drive in method.asked] == [40, 50, 60]
    assert all(drive.points is None for _, drive in method.asked)


def test_expressions_do_not_know_where_and_how_large_the_head_is():
    change = canonical_vertices_cm()[:, :2] * 0
    change[list(LIPS_INNER)] = (0.2, -0.3)
    for head in (posed(), posed(px_per_cm=4, roll=25) * 1.5 + 30):
        moved = with_mouth(head, change)
        found = expression_cm(moved) - expression_cm(head)
        np.testing.assert_allclose(found[17], 0, atol=1e-9)
        inner = found[[78, 308]]  # corners, which have no partner to cross
        # the ridge that guards heads seen from the side takes about a thirtieth off
        np.testing.assert_allclose(inner, [(0.2, -0.3)] * 2, rtol=0.04)


def test_another_takes_mouth_drives_the_face_and_its_eyes_do_not():
    plate_track = track_of(*[posed(roll=5, px_per_cm=8)] * 3)
    driver = track_of(
        posed(px_per_cm=12), with_open_mouth(posed(px_per_cm=12), 9.0), posed(px_per_cm=12, shut=True), first=2001
    )
    driving = Driving(build(IdentitySpec, {"drive_offset": 1000}, "x"), Take(plate_track), Take(driver))
    rest, opened, blinking = (driving.points(frame) for frame in FRAMES)
    own = plate_track.points_at(1001)
    # 9 px of a head of 12 px a cm are 6 px of one of 8; the ridge takes a thirtieth off
    gap = np.linalg.norm(opened[13] - opened[14]) - np.linalg.norm(own[13] - own[14])
    assert gap == pytest.approx(6.0, rel=0.05)
    np.testing.assert_allclose(rest, own, atol=1e-3)
    np.testing.assert_allclose(blinking, own, atol=1e-3)  # the upper face is the plate's


def test_lips_never_cross():
    head = posed()
    change = np.zeros((478, 2))
    change[[191, 80, 81, 82, 13, 312, 311, 310, 415], 1] = -0.8
    driven = with_mouth(head, change)
    gaps = driven[[95, 88, 178, 87, 14, 317, 402, 318, 324], 1] - driven[[191, 80, 81, 82, 13, 312, 311, 310, 415], 1]
    assert gaps.min() > -1e-9


def test_a_take_without_a_face_there_leaves_the_plates_mouth_and_sliders_come_on_top():
    track = track_of(*HEADS)
    driver = track_of(posed(), first=5000)
    assert Driving(IdentitySpec(), Take(track), Take(driver)).points(1001) is None
    smiling = Driving(build(IdentitySpec, {"expression": {"smile": 0.5}}, "x"), Take(track)).points(1001)
    assert smiling[61, 1] < track.points_at(1001)[61, 1]  # a corner of the mouth went up
    method = Painter()
    model(track, method, {"expression": {"smile": 0.5}}).predict(1001)
    view, drive = method.asked[0]
    assert drive.points.shape == view.points.shape and drive.points[61, 1] < view.points[61, 1]


def test_correction_sees_the_performance_that_is_shown():
    track, seen = track_of(HEADS[0]), []

    def correct(frame: int, made: Made, view: View) -> Made:
        seen.append((frame, view))
        return replace(made, picture_log=made.picture_log * 0)

    plain = model(track, Painter(), {"expression": {"smile": 0.5}})
    made = replace(plain, correct=correct).predict(1001)
    (frame, view), (asked, drive) = seen[0], plain.method.asked[0]
    assert frame == 1001 and np.array_equal(view.points, drive.points) and view.image_log is asked.image_log
    under = laid(plain, 1001) > 0.999999
    np.testing.assert_allclose((plain.source.crop(1001).image_log + made.delta_log)[under], 0, atol=1e-6)
