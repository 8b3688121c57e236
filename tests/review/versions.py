"""Published versions on disk as :func:`version_record` writes them, without the frames: the store reads records only."""

from __future__ import annotations

import json
from pathlib import Path

from vfx_deepfake.provenance.record import version_record
from vfx_deepfake.review.evidence import Evidence, read_evidence
from vfx_deepfake.review.find import VersionName

CHECKPOINT = "c" * 64
QC = {
    "verdict": "look",
    "measures": {
        "seam": {"verdict": "look", "worst": 0.02, "worst_frame": 1002, "median": 0.01, "note": "jaw"},
        "gaze": {"verdict": "not measured", "limits": [1, 2]},
    },
}


def make_version(root: Path, version: int = 1, *, shot: str = "sh0010", show: str = "demo", strength: float = 1.0, keyframes=None,
                 plate: str = "a", code: str = "0.1.0", run: bool = False, record: dict | None = None, **more) -> Path:  # fmt: skip
    """Write a shot's ``version.json`` (and a run's record); returns its file. ``more`` and
    ``record`` go into the record."""
    folder = root / shot
    settings = {
        "shot": {"name": shot, "show": show},
        "render": {"strength": strength},
        "track": {"method": "mediapipe"},
    }
    inputs = {
        "plate": {f"plate.{frame}.exr": plate * 64 for frame in (1001, 1002, 1003)},
        "frames": "1001-1003",
        "code": {"version": code},
        "color_config": "aces",
        "track": "7" * 64,
        "keyframes": keyframes if keyframes is not None else {"sh.1001.exr": "k" * 64},
        "shot": settings["shot"],
        "render": settings["render"],
        **({"checkpoint": CHECKPOINT} if run else {}),
    }
    whole = version_record(shot=shot, version=version, inputs=inputs, settings=settings, timings_s={"render": 1.0}, release="ana_2026",
                            frames={"1001": {"exr/x.1001.exr": "f" * 64}})  # fmt: skip
    file = folder / "versions" / f"v{version:03d}" / "version.json"
    write(file, {**whole, "made_at": f"2026-03-{version:02d}T10:00:00+00:00", **more, **(record or {})})
    (folder / "shot.toml").write_text(
        f'schema = 2\n[shot]\nname = "{shot}"\nshow = "{show}"\n[plate]\npattern = "p.####.exr"\ncolorspace = "ACEScg"\n'
    )
    if run:
        write(folder / "runs/run_0001/run.json", {
            "checkpoint_hash": CHECKPOINT, "inputs_hash": "9" * 64, "finished_at": "2026-03-01T09:00:00+00:00", "seconds": 61.5,
            "release": "ana_2026", "inputs": {"keyframes": {"sh.1001.exr": "k" * 64}},
        })  # fmt: skip
    return file


def write(file: Path, data: dict) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data), encoding="utf-8")


def evidence(file: Path, root: Path) -> Evidence:
    return read_evidence(file, file.parents[2], root)


def name(version: int = 1, shot: str = "sh0010", show: str = "demo") -> VersionName:
    return VersionName(show, shot, f"v{version:03d}")
