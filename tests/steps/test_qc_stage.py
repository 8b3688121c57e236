"""The stage: records that survive, chunks that add up, a page that opens anywhere, and a gate that can be shut."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import DeliveryError, ShotError
from vfx_deepfake.files import read_json
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.progress import Silent
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.pipeline import run_shot
from vfx_deepfake.steps.qc_stage import qc_stage
from vfx_deepfake.steps.render_stage import plan_render, render_stage
from vfx_deepfake.steps.review import review_stage
from vfx_deepfake.steps.track import load_track, track_stage
from vfx_deepfake.steps.version import version_stage

OVERRIDES = ("track.max_gap_frames=0", "model.method=propagate", "review.movie=false", "delivery.profile=exr")


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered version under way of four frames, the third without a face; tests share it and add to it."""
    folder = tmp_path_factory.mktemp("stage") / "sh"
    made = make_performer_shot(
        folder, width=160, height=120, count=4, key_frames=(1001, 1004), away=(2,), overrides=OVERRIDES
    )
    opened = open_shot(made.file)
    track_stage(opened, Silent())
    render_stage(opened, Silent())
    return folder


@pytest.fixture
def own(shot: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shot, tmp_path / "sh"))


def test_chunks_add_up_and_nothing_is_measured_twice(own: Path) -> None:
    opened = open_shot(own)
    first = qc_stage(opened, Silent(), frames="1001-1002")
    assert first == {"measured": "1001-1002", "qc": "1003-1004 are not measured yet"}
    records = plan_render(opened).paths.qc / "frames"
    stamp = (records / "1001.json").stat().st_mtime_ns
    (records / "1002.json").write_text("{}")  # as if of other files
    done = qc_stage(open_shot(own), Silent())
    assert (records / "1001.json").stat().st_mtime_ns == stamp
    assert read_json(records / "1002.json")["frame"] == 1002
    summary = read_json(plan_render(opened).paths.qc / "qc.json")
    assert summary["frames"] == [1001, 1002, 1003, 1004] and summary["verdict"] == done["qc"]


def test_a_frame_alone_gets_the_figures_of_a_whole_run(own: Path) -> None:
    opened = open_shot(own)
    qc_stage(opened, Silent())
    record = plan_render(opened).paths.qc / "frames" / "1002.json"
    whole = record.read_bytes()
    record.unlink()
    qc_stage(open_shot(own), Silent(), frames="1002")
    assert record.read_bytes() == whole


def test_a_frame_without_a_face_says_so(own: Path) -> None:
    opened = open_shot(own)
    record = next(frame for frame in opened.frames if not load_track(opened).has_face(frame))
    qc_stage(opened, Silent(), frames=str(record))
    found = read_json(plan_render(opened).paths.qc / "frames" / f"{record}.json")
    assert found["values"]["outside"] == 0 and found["values"]["order"] == 0
    assert found["why"]["seam"] == "no face" and found["values"]["seam"] is None


def test_the_summary_goes_into_the_version_s_record(own: Path) -> None:
    run_shot(str(own), (), Silent())
    version = own / "versions" / "v001"
    kept, summary = read_json(version / "version.json")["qc"], read_json(version / "qc" / "qc.json")
    assert kept["verdict"] == summary["verdict"]
    assert {name: row["verdict"] for name, row in kept["measures"].items()} == {
        name: row["verdict"] for name, row in summary["measures"].items()
    }
    before = {path: path.read_bytes() for path in version.rglob("*") if path.is_file()}
    again = qc_stage(open_shot(own), Silent(), version="v001")
    assert Path(again["qc_page"]) == own / "work" / "qc" / "v001" / "index.html"
    assert before == {
        path: path.read_bytes() for path in version.rglob("*") if path.is_file()
    }  # published: never touched


def test_a_failing_version_is_held_back_only_where_the_shot_file_says_so(own: Path) -> None:
    strict = ("qc.stop_on_fail=true", "qc.confidence=[2.0, 1.5]")
    opened = open_shot(own, strict)
    qc_stage(opened, Silent())
    review_stage(opened, Silent())
    with pytest.raises(DeliveryError, match=r"QC says 'fail', and \[qc\].stop_on_fail is set"):
        version_stage(opened, Silent())
    assert version_stage(open_shot(own, strict[1:]), Silent())["version"].endswith("v001")


def test_a_version_that_is_not_there_is_named(own: Path) -> None:
    with pytest.raises(ShotError, match="--version v009: no such version; there are: none"):
        qc_stage(open_shot(own), Silent(), version="v009")


def test_the_page_needs_nothing_but_itself(own: Path) -> None:
    opened = open_shot(own)
    page = Path(qc_stage(opened, Silent())["qc_page"]).read_text(encoding="utf-8")
    assert not re.search(r"https?://|<script|<link|url\(", page)
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            values = dict(attrs)
            if tag == "img":
                assert (values["src"] or "").startswith("data:image/png;base64,") and values["alt"]
            seen.append(tag)

    Reader().feed(page)
    assert seen.count("img") > 12 and seen.count("table") == 1


def test_a_browser_shows_the_page(own: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("needs Chromium, which is not installed here")
    page = qc_stage(open_shot(own), Silent())["qc_page"]
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]  # fmt: skip
    shown = subprocess.run(
        [browser, *flags, "--dump-dom", f"file://{page}"], capture_output=True, text=True, timeout=90, check=True
    )
    assert "Changed outside the matte" in shown.stdout and "How to read this" in shown.stdout


def test_detect_reports_on_any_sequence_and_claims_no_proof(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("mediapipe", reason="finding the face needs mediapipe")
    pattern = str(own / "plate" / "sh.####.exr")
    report = tmp_path / "report"
    command = ["detect", pattern, "--plate", pattern, "--colorspace", "ACEScg", "--frames", "1001-1002", "--json"]
    command += ["--report", str(report)]
    assert main(command) == 0
    said = json.loads(capsys.readouterr().out)
    assert "pixels unlike the plate: 0 at most in a frame" in said["lines"]
    assert any("evidence, not proof" in line for line in said["lines"])
    figures = read_json(report / "detect.json")
    assert figures["frames"] == [1001, 1002] and figures["colorspace"] == "ACEScg"
    page = (report / "index.html").read_text(encoding="utf-8")
    assert ("evidence, not proof" in page and "Innocent causes" in page) or "Nothing stands out" in page


def test_detect_without_a_face_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mediapipe", reason="finding the face needs mediapipe")
    wall, window = np.full((96, 128, 3), 0.18, np.float32), Window(0, 0, 128, 96)
    write_exr(tmp_path / "wall.1001.exr", [Part("rgba", wall, ("R", "G", "B"), window)], window)
    assert main(["detect", str(tmp_path / "wall.####.exr"), "--colorspace", "ACEScg"]) == 2
    assert "no face was found in 1001; there is nothing to compare" in capsys.readouterr().err
