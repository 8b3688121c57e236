"""QC of an untouched version of the digital actor, whose skin, motion and grain are not the performer's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.media.outside import material
from vfx_deepfake.demo.shot import IDENTITY, SHOW, release_table
from vfx_deepfake.files import read_json
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, read_exr, write_exr
from vfx_deepfake.progress import Silent
from vfx_deepfake.provenance.register import add_release
from vfx_deepfake.qc.summary import summarise
from vfx_deepfake.qc.verdict import FAIL
from vfx_deepfake.steps.init import InitRequest, init_shot
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.qc_stage import qc_stage
from vfx_deepfake.steps.render_stage import plan_render, render_stage
from vfx_deepfake.steps.track import track_stage

SPACE = "Linear Rec.709 (sRGB)"
PLATE, PAINTED = range(1001, 1006), (1001, 1005)
MEASURED = "1002-1004"


def paint(clean: Path, grained: Path, path: Path) -> None:
    """A grained truth as a painted frame, less what is black in the clean one, outside a box round the face."""
    lit = read_exr(clean).pixels[..., :3].max(axis=2) > 1e-3
    rows, columns = (np.flatnonzero(lit.mean(axis=axis) > 0.5 * lit.mean(axis=axis).max()) for axis in (1, 0))
    frame = read_exr(grained)
    full = Window(int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    box = full.expand(-8)  # compression leaves a dirty rim
    pixels = np.ascontiguousarray(frame.pixels[box.slices(frame.data_window)])
    write_exr(path, [Part("", pixels, frame.channels, box)], frame.display_window)


def grained_shot(bench: Path, folder: Path) -> OpenShot:
    """Five frames with known grain, the first and the last painted young: the exact young face under the same grain."""
    for name, frames in (("plate_old", PLATE), ("truth_young", PAINTED)):
        (clean := folder / "clean" / name).mkdir(parents=True)
        for frame in frames:
            shutil.copy(bench / "digital_actor" / name / f"{name}.{frame}.exr", clean)
        subprocess.run([sys.executable, bench / "add_grain.py", clean, folder / name], check=True, capture_output=True)
    for frame in PAINTED:
        name = f"truth_young.{frame}.exr"
        paint(folder / "clean" / "truth_young" / name, folder / "truth_young" / name, folder / "painted" / name)
    own = (f"color.working={SPACE}", f"keyframes.pattern={folder}/painted/truth_young.####.exr", f"shot.show={SHOW}",
           f"consent.identity={IDENTITY}", "model.method=propagate")  # fmt: skip
    plate = str(folder / "plate_old" / "plate_old.####.exr")
    init_shot(
        InitRequest(folder=folder / "shot", template="keyframe_deage", plate=plate, colorspace=SPACE, overrides=own)
    )
    add_release(folder / "shot" / "releases", release_table())
    return open_shot(folder / "shot")


@pytest.mark.slow
def test_no_measure_fails_an_untouched_version(tmp_path: Path) -> None:
    pytest.importorskip("mediapipe", reason="tracking needs mediapipe")
    opened = grained_shot(material("digital_actor").parent, tmp_path)
    track_stage(opened, Silent())
    render_stage(opened, Silent(), frames=MEASURED)
    qc_stage(opened, Silent(), frames=MEASURED)
    folder = plan_render(opened).paths.qc / "frames"
    records = [read_json(folder / f"{frame}.json") for frame in parse_frames(MEASURED)]
    measures = summarise(records, opened.settings.qc.limits)["measures"]
    assert {name: row["worst"] for name, row in measures.items() if row["verdict"] == FAIL} == {}
    assert {name for name, row in measures.items() if "worst" not in row} == set()
