"""The demo shot on disk: what the stages read, whole, repeatable and told from its answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.demo.performer.performer import Performer
from vfx_deepfake.demo.shot import IDENTITY, SHOW, DemoShot, spread_key_frames
from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import hash_file, read_json
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.media.metadata import frame_rate, timecode
from vfx_deepfake.naming import frame_path
from vfx_deepfake.provenance.gate import Use, require
from vfx_deepfake.provenance.register import load_releases
from vfx_deepfake.shot import load_shot


def hashes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hash_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_plate_is_a_film_plate(small_shot: DemoShot) -> None:
    frame = read_exr(small_shot.plate_frame(1003))
    assert frame.half and frame.channels == ("R", "G", "B")
    assert timecode(frame.metadata) == "01:00:00:02"
    assert frame_rate(frame.metadata) == 24
    assert frame.metadata["reelName"] == "DEMO_A001"
    assert frame.metadata["chromaticities"].value[0] == pytest.approx(0.713)  # ACEScg
    assert frame.pixels.max() > 20.0 and frame.pixels.min() < 0.0


def test_the_shot_file_loads_and_names_everything(small_shot: DemoShot) -> None:
    shot = load_shot(small_shot.file)
    assert shot.name == "small"
    assert shot.settings.plate.frames == "1001-1006"
    assert shot.settings.consent.identity == IDENTITY
    assert shot.settings.train.steps == 30
    painted = shot.paths.source(shot.settings.keyframes.pattern)
    assert all(frame_path(painted, frame).is_file() for frame in small_shot.key_frames)


def test_the_release_covers_the_demo_and_nobody_else(small_shot: DemoShot) -> None:
    releases = load_releases(small_shot.folder / "releases")
    for operation in ("train", "render"):
        use = Use(identity=IDENTITY, operation=operation, show=SHOW, shot="small", date=dt.date(2026, 11, 21))
        assert require(releases, use).id == "performer"


def test_a_painted_frame_is_the_exact_change_on_the_plate(small_shot: DemoShot) -> None:
    """All four files are half: each rounds by at most 2**-11 of its value, the answer's sum by as much again."""
    for frame in small_shot.key_frames:
        plate = read_exr(small_shot.plate_frame(frame)).pixels
        young, clean = (read_exr(small_shot.truth_frame(kind, frame)).pixels for kind in ("young", "clean"))
        painted = read_exr(frame_path(small_shot.painted, frame)).pixels
        limit = 2.0**-11 * (np.abs(painted) + np.abs(young) + np.abs(clean)) + 1e-6
        assert (np.abs(painted - (plate + young - clean)) <= limit).all()
        masks = read_exr(small_shot.truth_frame("masks", frame), channels=("head.Y", "occluder.Y")).pixels
        nowhere = masks.sum(-1) == 0
        assert np.array_equal(painted[nowhere], plate[nowhere])  # bit for bit where nothing is painted


def test_key_frames_avoid_the_microphone_and_the_turned_head() -> None:
    performer = Performer(width=160, height=120, count=24)
    keys = spread_key_frames(performer, 5)
    assert keys[0] == 1001 and keys[-1] == 1024 and len(keys) == 5
    assert all(performer.face_is_free(frame) for frame in keys)
    assert any(not performer.face_is_free(frame) for frame in performer.frames)


def test_a_second_call_writes_nothing(own_shot: Callable[[], Path]) -> None:
    folder = own_shot()
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    make_performer_shot(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_missing_frames_come_back_as_they_were(own_shot: Callable[[], Path]) -> None:
    folder = own_shot()
    before = hashes(folder)
    (folder / "plate" / "small.1002.exr").unlink()
    (folder / "keyframes" / "small.1001.exr").unlink()
    make_performer_shot(folder)
    assert hashes(folder) == before


def test_a_folder_with_another_shot_is_left_alone(own_shot: Callable[[], Path]) -> None:
    folder = own_shot()
    before = hashes(folder)
    with pytest.raises(DeliveryError, match="holds a demo shot with other settings; choose another folder"):
        make_performer_shot(folder, seed=2)
    assert hashes(folder) == before


def test_truth_file_says_what_is_known(small_shot: DemoShot) -> None:
    truth = read_json(small_shot.truth_file)
    facts = truth["frames"]["1004"]
    assert facts["occluded"] and facts["has_face"]
    assert len(facts["points"]) == len(truth["point_names"])
    assert truth["grain"]["level"] == [0.03, 0.026, 0.042]
