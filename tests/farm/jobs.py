"""Decoded farm jobs without a plate: what translators are given, made by the planner from a shot file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from vfx_deepfake.farm.decoded import Decoded, decode
from vfx_deepfake.farm.plan import job_parameters, plan_job
from vfx_deepfake.steps.opened import open_shot

GOLDEN = Path(__file__).parent / "golden"
FARM = """
[farm]
chunk_frames = 4
gpus = 1
licences = ["vfx_deepfake"]
variables = ["OCIO=/show/config with space.ocio"]
"""


def write_shot(folder: Path, more: str = FARM, plate: str = "/plates/sh0010/sh0010.####.exr") -> Path:
    """A shot file of ten frames; its plate is nowhere, which plans do not mind."""
    folder.mkdir(parents=True)
    file = folder / "shot.toml"
    file.write_text(
        f'[shot]\nname = "sh0010"\nshow = "north"\n[plate]\npattern = "{plate}"\ncolorspace = "ACEScg"\n'
        f'frames = "1001-1010"\n[consent]\nreleases = "/releases"\n{more}',
        encoding="utf-8",
    )
    return file


def golden_job() -> Decoded:
    """A job from a template that never changes, so that golden files change with their translator alone.

    Made by: plan_job(open_shot(write_shot(FOLDER / "sh0010")), overrides=["train.steps=800"])
    """
    template = json.loads((GOLDEN / "template.json").read_text(encoding="utf-8"))
    return decode(template, {"ShotFolder": "/shows/north/sh0010"})


def decoded_job(
    file: Path, *, shown: str = "", overrides: Sequence[str] = (), rules: Mapping[str, str] | None = None
) -> Decoded:
    """The job of a shot; ``shown`` stands for its folder, so that what is made of it is the same everywhere."""
    opened = open_shot(file, overrides)
    parameters = {**job_parameters(opened), **({"ShotFolder": shown} if shown else {})}
    return decode(plan_job(opened, overrides=overrides), parameters, rules=rules)
