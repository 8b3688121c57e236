"""QC finds what was planted and nothing else: every fault on real files of a version of the performer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.qc import faults
from tests.qc.faults import Planted
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.files import read_json
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.progress import Silent
from vfx_deepfake.qc.summary import summarise
from vfx_deepfake.qc.verdict import FAIL, LOOK, UNKNOWN
from vfx_deepfake.steps.detect import detect
from vfx_deepfake.steps.pipeline import run_shot
from vfx_deepfake.steps.qc_stage import qc_stage

OVERRIDES = ("model.method=propagate", "review.movie=false", "qc.enabled=false")
MEASURED = "1006-1008"
BAD = 1007


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published version; slow enough for texture to be followed at this size; read only."""
    folder = tmp_path_factory.mktemp("qc") / "sh"
    shot = make_performer_shot(folder, width=320, height=240, count=10, microphone=False, overrides=OVERRIDES)
    run_shot(str(shot.file), (), Silent())
    return folder


def verdicts(planted: Planted, frames: str = MEASURED) -> tuple[dict[str, str], set[str]]:
    """Measure the frames; returns the verdict of every measure, and those that look or fail."""
    qc_stage(planted.opened, Silent(), version="v001", frames=frames)
    folder = planted.opened.shot.paths.published_qc(1) / "frames"
    records = [read_json(folder / f"{frame}.json") for frame in parse_frames(frames)]
    summary = summarise(records, planted.opened.settings.qc.limits)
    found = {name: row["verdict"] for name, row in summary["measures"].items()}
    return found, {name for name, verdict in found.items() if verdict in (LOOK, FAIL)}


def every_frame(change: Callable[[Planted], faults.Change]) -> Callable[[Planted], None]:
    """The same change on all frames."""

    def plant(planted: Planted) -> None:
        made = change(planted)
        for frame in range(1001, 1011):
            planted.change(frame, made)

    return plant


def one_frame(change: faults.Change) -> Callable[[Planted], None]:
    return lambda planted: planted.change(BAD, change)


FAULTS: dict[str, tuple[Callable[[Planted], None], set[str]]] = {
    "frozen grain": (
        lambda planted: planted.change(BAD, faults.with_held_grain(planted, BAD - 1)),
        {"grain_frozen"},
    ),
    "no grain": (
        every_frame(lambda p: faults.without_grain),
        {"grain_level", "grain_bands", "grain_new"},
    ),
    "8-bit round trip": (one_frame(faults.through_8_bits), {"depth"}),
    "one-pixel shift": (one_frame(faults.shifted), {"outside", "delivery", "registration"}),
    "seam": (every_frame(lambda p: faults.graded(0.03, hard=True)), {"seam"}),
    "flickering colour match": (one_frame(faults.graded(0.008)), {"colour_jump", "flicker"}),
    "changed pixel outside the matte": (one_frame(faults.one_pixel_outside), {"outside"}),
    "swapped frame": (lambda planted: planted.swap(BAD - 1, BAD), {"order", "outside", "delivery"}),
    "wrong delivery code": (lambda planted: planted.one_code_off(BAD), {"delivery"}),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(finished: Path, tmp_path: Path, fault: str) -> None:
    plant, expected = FAULTS[fault]
    planted = Planted(finished, tmp_path / "sh")
    plant(planted)
    _, flagged = verdicts(planted)
    assert flagged == expected


def test_an_untouched_version_passes_everything(finished: Path, tmp_path: Path) -> None:
    found, flagged = verdicts(Planted(finished, tmp_path / "sh"))
    assert flagged == set()
    pytest.importorskip("mediapipe", reason="landmarks and gaze need mediapipe")
    assert {name for name, verdict in found.items() if verdict == UNKNOWN} <= {
        "grain_skin"
    }  # the neck is darker than the face


def detected(planted: Planted, report: Path) -> set[str]:
    """What the forensic report calls notable or striking, without a plate and with it."""
    files = planted.paths.exr_frame(BAD), planted.opened.plate.path(BAD)
    pattern, photographed = (str(file).replace(str(BAD), "####") for file in files)
    found = []
    for name, plate in (("alone", ""), ("beside", photographed)):
        detect(pattern, Silent(), plate=plate, colorspace="ACEScg", frames=MEASURED, report=str(report / name))
        measures = read_json(report / name / "detect.json")["measures"]
        found.append({measure for measure, row in measures.items() if row["verdict"] in (LOOK, FAIL)})
    assert found[0] == found[1]
    return found[0]


FAKES: dict[str, tuple[Callable[[Planted], None], set[str]]] = {
    "nothing": (lambda planted: None, set()),
    "8-bit face": (lambda planted: planted.change(BAD, faults.through_8_bits), {"face_tones"}),
    "frozen grain": (
        lambda planted: planted.change(BAD, faults.with_held_grain(planted, BAD - 1)),
        {"face_frozen"},
    ),
}


@pytest.mark.parametrize("fake", FAKES)
def test_a_forensic_look_finds_a_planted_fake_without_its_plate(finished: Path, tmp_path: Path, fake: str) -> None:
    pytest.importorskip("mediapipe", reason="finding the face needs mediapipe")
    plant, expected = FAKES[fake]
    planted = Planted(finished, tmp_path / "sh")
    plant(planted)
    assert detected(planted, tmp_path / "report") == expected
