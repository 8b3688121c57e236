"""What farm tasks say of themselves: one small file a task beside the shot's work, the same whatever engine ran it."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError, DeliveryError, ShotError
from vfx_deepfake.files import read_json, write_json
from vfx_deepfake.naming import ShotPaths
from vfx_deepfake.provenance.record import now
from vfx_deepfake.shot import load_shot

# what engines call the task, where they say so: it leads to the engine's own log
ENGINE_IDS = ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID")


@dataclass(frozen=True, slots=True)
class FarmTask:
    """A stage of a shot, or some frames of it. ``file`` is where its outcome is written; None for a shot that can't be read."""

    shot: str
    stage: str
    frames: str = ""
    file: Path | None = None

    def __str__(self) -> str:
        return " ".join(word for word in (self.shot, self.stage, self.frames) if word)


def farm_task(words: Sequence[str]) -> FarmTask:
    """The task of a command line such as ``render /shots/sh0010/shot.toml --frames 1001-1010 --set render.strength=0.8``.

    Raises: ShotError where stage or shot file is missing.
    """
    if len(words) < 2 or words[0].startswith("-"):
        raise ShotError(f"work: got '{' '.join(words)}'; give a stage, its shot file and its options, after the limits")
    stage, shot_file, options = words[0], Path(words[1]), list(words[2:])
    values = {
        name: [options[i + 1] for i, word in enumerate(options[:-1]) if word == name] for name in ("--frames", "--set")
    }
    frames = values["--frames"][-1] if values["--frames"] else ""
    try:
        shot = load_shot(shot_file, values["--set"])
    except ArtistError:  # the stage will say what is wrong
        return FarmTask(shot_file.parent.name, stage, frames)
    name = f"{stage}.{frames}.json" if frames else f"{stage}.json"
    return FarmTask(shot.name, stage, frames, shot.paths.tasks / name)


def write_outcome(task: FarmTask, *, state: str, attempt: int, why: str = "", **more: Any) -> None:
    """Say how a task stands: ``running``, ``done``, ``stopped`` or ``failed``, and in one line why. A full disk does not end the task."""
    if task.file is None:
        return
    ids = {name: os.environ[name] for name in ENGINE_IDS if name in os.environ}
    outcome = {"stage": task.stage, "frames": task.frames, "state": state, "why": why, "attempt": attempt, "at": now(),
               "host": socket.gethostname(), "process": os.getpid(), **ids, **more}  # fmt: skip
    try:
        write_json(task.file, outcome)
    except DeliveryError:
        pass


def read_outcomes(paths: ShotPaths) -> list[dict[str, Any]]:
    """What every task of a shot said last, by stage and frames; damaged files are left out."""
    found = []
    for file in sorted(paths.tasks.glob("*.json")) if paths.tasks.is_dir() else []:
        try:
            found.append(read_json(file))
        except ArtistError:
            continue
    return found
