"""The one description of a farm job: a shot's stages as an Open Job Description template.

The template is plain data and holds no path of the host that made it: the shot's folder and the virtual environment are parameters of
type PATH, which engines map to the worker's own (``job_parameters`` gives their values here). Every task runs ``vfx-deepfake work``,
so time limits and retries by the second, log lines and the record of the outcome are the same whatever the engine.

Training on several hosts at once is left out: the trainer works on one device, and a shot's network takes minutes.

Source: Open Job Description, Template Schemas 2023-09, with the extension TASK_CHUNKING.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from vfx_deepfake.errors import FarmError, ShotError
from vfx_deepfake.frames import format_frames
from vfx_deepfake.settings.farm import FarmSpec
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.pipeline import Stage, stages
from vfx_deepfake.steps.render_stage import chosen_frames

REVISION = "jobtemplate-2023-09"
EXTENSIONS = ["TASK_CHUNKING"]
LICENCE = "amount.licence."  # before the name of a licence token
NOTIFY_S = 30  # between the request to stop and the kill; a stage puts its work down within a frame or a step
START_S = 60  # assumed: resolving the environment and importing the libraries on a busy file server, on top of the task's own limit
MIN_CHUNK_S = 60  # a chunk of one frame still opens plate, track and network


def plan_job(
    opened: OpenShot, *, frames: str = "", chunk: int | None = None, overrides: Iterable[str] = ()
) -> dict[str, Any]:
    """The job of one shot as a template.

    frames: part of the range; empty takes the whole shot. A part is rendered, not published: a version holds every frame. chunk: frames a
    task; None takes the shot's ``[farm].chunk_frames``. overrides: the ``--set`` texts that the shot was opened with; every task gets them.
    Raises: ShotError for frames outside the shot; FarmError for overrides that a template can't carry.
    """
    spec = opened.settings.farm
    wanted = chosen_frames(opened, frames)
    size = spec.chunk_frames if chunk is None else chunk
    if size < 1:
        raise ShotError(f"chunk: is {size}; give the number of frames a task takes, at least 1")
    overrides = [text for text in overrides if not text.startswith("farm.")]  # they have done their work in the plan
    _require_plain(overrides)
    needed = stages(opened)
    listed = needed if set(wanted) == set(opened.frames) else _for_part(needed)
    names = {stage.name for stage in listed}
    return {
        "specificationVersion": REVISION,
        "extensions": EXTENSIONS,
        "name": _job_name(opened),
        "description": f"{opened.settings.model.method} of {format_frames(wanted)}, {size} frames a task",
        "parameterDefinitions": _parameters(opened, wanted, size),
        "jobEnvironments": [{"name": "Studio", "variables": _variables(spec)}],
        "steps": [_step(stage, names, spec, size, wanted, overrides) for stage in listed],
    }


def job_parameters(opened: OpenShot) -> dict[str, str]:
    """The values of the template's PATH parameters on this host; the engine maps them to the worker's."""
    venv = opened.settings.farm.venv
    return {"ShotFolder": str(opened.shot.paths.folder), **({"Environment": venv} if venv else {})}


def _variables(spec: FarmSpec) -> dict[str, str]:
    """Environment of every task: as many threads as cores are asked for, and what the studio wants."""
    return {"OMP_NUM_THREADS": str(spec.cores), **dict(text.split("=", 1) for text in spec.variables)}


def openjd_range(frames: Iterable[int]) -> str:
    """Frames in Open Job Description's own range grammar, ``1001-1009:2,1015``."""
    return format_frames(frames).replace("x", ":")


def _job_name(opened: OpenShot) -> str:
    show = opened.settings.shot.show
    return f"{show} {opened.name}" if show else opened.name


def _for_part(needed: list[Stage]) -> list[Stage]:
    """The stages that can be done when only part of the frames is: those that need every frame are left out."""
    kept: list[Stage] = []
    whole = {stage.name for stage in needed if stage.in_chunks}
    left_out: set[str] = set()
    for stage in needed:
        if not stage.in_chunks and (whole | left_out) & set(stage.after):
            left_out.add(stage.name)
        else:
            kept.append(stage)
    return kept


def _require_plain(overrides: Iterable[str]) -> None:
    for text in overrides:
        if "{{" in text or "\n" in text:
            raise FarmError(
                f"--set {text}: holds '{{{{' or a line end, which a farm job can't carry; put it into the shot file"
            )


def _parameters(opened: OpenShot, frames: tuple[int, ...], chunk: int) -> list[dict[str, Any]]:
    spec = opened.settings.farm
    found: list[dict[str, Any]] = [
        {"name": "ShotFolder", "type": "PATH", "objectType": "DIRECTORY", "dataFlow": "INOUT",
         "description": "The shot's folder, as this host sees it"},
        {"name": "ShotFile", "type": "STRING", "default": opened.shot.file.name},
        {"name": "Frames", "type": "STRING", "default": openjd_range(frames)},
        {"name": "ChunkFrames", "type": "INT", "default": chunk, "minValue": 1},
        {"name": "Queue", "type": "STRING", "default": spec.queue},
        {"name": "Retries", "type": "INT", "default": spec.retries, "minValue": 0},
    ]  # fmt: skip
    if spec.venv:
        found.append({"name": "Environment", "type": "PATH", "objectType": "DIRECTORY", "dataFlow": "IN",
                      "description": "Virtual environment with vfx-deepfake, as the worker sees it"})  # fmt: skip
    return found


def _step(stage: Stage, names: set[str], spec: FarmSpec, chunk: int, frames: tuple[int, ...],
          overrides: Iterable[str]) -> dict[str, Any]:  # fmt: skip
    """One stage as a step; ``names`` are the steps of the job."""
    limit = (
        max(MIN_CHUNK_S, min(chunk, len(frames)) * spec.frame_timeout_s) if stage.in_chunks else spec.stage_timeout_s
    )
    words = [*_launcher(spec), "work", "--timeout", str(limit), "--retries", "{{Param.Retries}}",
             "--path-mapping", "{{Session.PathMappingRulesFile}}",
             stage.name, "{{Param.ShotFolder}}/{{Param.ShotFile}}"]  # fmt: skip
    if stage.in_chunks:
        words += ["--frames", "{{Task.Param.Frames}}"]
    words += [word for text in overrides for word in ("--set", text)]
    cancelation = {"mode": "NOTIFY_THEN_TERMINATE", "notifyPeriodInSeconds": NOTIFY_S}
    attempts = spec.retries + 1
    action = {"command": words[0], "args": words[1:], "timeout": math.ceil((limit + NOTIFY_S) * attempts) + START_S}
    step: dict[str, Any] = {
        "name": stage.name,
        "hostRequirements": _host_needs(stage, spec),
        "script": {"actions": {"onRun": {**action, "cancelation": cancelation}}},
    }
    after = [name for name in stage.after if name in names]
    if after:
        step["dependencies"] = [{"dependsOn": name} for name in after]
    if stage.in_chunks:
        step["parameterSpace"] = {"taskParameterDefinitions": [_chunks(frames)]}
    return step


def _launcher(spec: FarmSpec) -> list[str]:
    """The words before the subcommand: how the worker comes to the package."""
    if spec.rez:
        return ["rez-env", *spec.rez, "--", "vfx-deepfake"]
    return ["{{Param.Environment}}/bin/vfx-deepfake" if spec.venv else "vfx-deepfake"]


def _chunks(frames: tuple[int, ...]) -> dict[str, Any]:
    """The frames as one task parameter. Chunks are evened out: 10 frames by 4 are 4, 3 and 3."""
    whole = len(frames) == frames[-1] - frames[0] + 1
    chunks = {
        "defaultTaskCount": "{{Param.ChunkFrames}}",
        "rangeConstraint": "CONTIGUOUS" if whole else "NONCONTIGUOUS",
    }
    return {"name": "Frames", "type": "CHUNK[INT]", "range": "{{Param.Frames}}", "chunks": chunks}


def _host_needs(stage: Stage, spec: FarmSpec) -> dict[str, Any]:
    """What a host must have. A licence is an amount of its own, as farms that count licences name them."""
    amounts = [
        {"name": "amount.worker.vcpu", "min": spec.cores},
        {"name": "amount.worker.memory", "min": spec.memory_mib},
    ]
    if stage.on_gpu and spec.gpus:
        amounts.append({"name": "amount.worker.gpu", "min": spec.gpus})
    amounts += [{"name": f"{LICENCE}{name}", "min": 1} for name in spec.licences]
    return {"amounts": amounts, "attributes": [{"name": "attr.worker.os.family", "anyOf": ["linux"]}]}
