"""``slurm``: a batch script a step, submitted with ``sbatch``; chunks are array tasks.

Maps: dependencies to ``--dependency=afterok`` with ``--kill-on-invalid-dep`` (when a task fails, what waits for it is cancelled); chunks to
``--array``; cores, memory, GPUs and licences to ``--cpus-per-task``, ``--mem``, ``--gres=gpu`` and ``--licenses``; queue to
``--partition``; hold to ``--hold`` on the steps that wait for nothing. A task may be requeued at any time (``--requeue``), and log files
are appended to. The job's environment is the worker's own (login shell, ``--export=NIL``) with the job's variables.

Lossy: time limits are rounded up to whole minutes; the worker keeps the seconds. Half a minute before the limit the task is asked to stop.
Retries are the worker's; a worker that was itself killed is started again in the same job. Steps of more than a thousand tasks become
several arrays, because Slurm's ``MaxArraySize`` is 1001 unless the site changed it.

Not mapped: the operating system's family; progress in per cent, which Slurm has no place for (it is in the log).

Source: sbatch(1), Slurm 22.05.
"""

from __future__ import annotations

import math
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends.submitted import Submitted
from vfx_deepfake.farm.decoded import Decoded, Step, Task
from vfx_deepfake.files import write_text
from vfx_deepfake.naming import mapped
from vfx_deepfake.progress import Progress

TASKS_PER_ARRAY = 1000
ANSWER_S = 60.0  # for one command of Slurm's
NOTICE_S = 30  # before the time limit


def submit(decoded: Decoded, *, hold: bool, dry_run: bool, folder: Path, progress: Progress) -> Submitted:
    """Write the scripts and submit them in the order of their dependencies; all or none.

    Raises: FarmError where Slurm's commands are missing or Slurm refuses, with its own words.
    """
    scripts = step_scripts(decoded, mapped(str(folder), decoded.rules))
    files = tuple(folder / name for name in scripts)
    if dry_run:
        return Submitted({}, files)
    if not shutil.which("sbatch"):
        raise FarmError("slurm: sbatch is not on this host; submit from one that has Slurm's commands")
    (folder / "logs").mkdir(exist_ok=True)
    for name, text in scripts.items():
        write_text(folder / name, text)
    ids: dict[str, list[str]] = {}
    try:
        for step in decoded.steps:
            waits_for = [number for name in step.after for number in ids[name]]
            waits_for += decoded.outside.get(step.name, ())
            options = [f"--dependency=afterok:{':'.join(waits_for)}"] if waits_for else ["--hold"] if hold else []
            progress.say(f"submitting {step.name}")
            ids[step.name] = [_submitted(folder / name, options) for name in scripts if _step_of(name) == step.name]
    except FarmError:
        if ids:
            with suppress(FarmError):  # what was refused first is what counts
                _slurm("scancel", *(number for numbers in ids.values() for number in numbers))
        raise
    return Submitted(
        {name: ":".join(numbers) for name, numbers in ids.items()}, files, tuple(_notes(decoded, ids, hold))
    )


def step_scripts(decoded: Decoded, folder: str) -> dict[str, str]:
    """Batch scripts by file name, in the order of the steps; ``folder`` is where the worker finds the submission."""
    scripts = {}
    for step in decoded.steps:
        for start in range(0, len(step.tasks), TASKS_PER_ARRAY):
            part = step.tasks[start : start + TASKS_PER_ARRAY]
            scripts[f"{step.name}.{start // TASKS_PER_ARRAY}.sh"] = _script(decoded, step, part, folder)
    return scripts


def _step_of(script: str) -> str:
    return script.rsplit(".", 2)[0]


def _script(decoded: Decoded, step: Step, tasks: Sequence[Task], folder: str) -> str:
    """One batch script: the options, the environment, and which command each array index runs."""
    array = len(step.tasks) > 1
    log = f"{folder}/logs/{step.name}-%A_%a.log" if array else f"{folder}/logs/{step.name}-%j.log"
    options = {
        "job-name": f"{decoded.name} {step.name}",
        "chdir": folder,
        "output": log,
        "open-mode": "append",
        "export": "NIL",
        "requeue": "",
        "kill-on-invalid-dep": "yes",
        "time": str(math.ceil(step.timeout_s / 60)),
        "signal": f"B:TERM@{NOTICE_S}",
        "nodes": "1",
        "ntasks": "1",
        "cpus-per-task": str(step.needs.cores),
        "mem": f"{step.needs.memory_mib}M",
        **({"array": f"0-{len(tasks) - 1}"} if array else {}),
        **({"gres": f"gpu:{step.needs.gpus}"} if step.needs.gpus else {}),
        **({"licenses": ",".join(f"{name}:1" for name in step.needs.licences)} if step.needs.licences else {}),
        **({"partition": decoded.queue} if decoded.queue else {}),
    }
    lines = [
        f"#SBATCH --{name}={shlex.quote(value)}" if value else f"#SBATCH --{name}" for name, value in options.items()
    ]
    exports = [f"export {name}={shlex.quote(value)}" for name, value in decoded.environment.items()]
    cases = [f"    {index}) task=({shlex.join(task.argv)}) ;;" for index, task in enumerate(tasks)]
    return "\n".join(["#!/bin/bash -l", *lines, "", *exports, 'case "${SLURM_ARRAY_TASK_ID:-0}" in', *cases, "esac",
                      RUN.format(starts=decoded.retries + 1)])  # fmt: skip


# The stop signal reaches only this shell, so it is passed on; a worker that was itself killed is started again.
RUN = """
stop() {{ trap '' TERM; kill -TERM "$worker"; wait "$worker"; exit 75; }}
trap stop TERM
for start in $(seq {starts}); do
    "${{task[@]}}" &
    worker=$!
    wait "$worker"
    code=$?
    [ "$code" -le 128 ] && break
    echo "worker ended by signal $((code - 128)), start $start of {starts}"
done
exit "$code"
"""


def _submitted(script: Path, options: Sequence[str]) -> str:
    """The number that Slurm gave the job."""
    return _slurm("sbatch", "--parsable", *options, str(script)).split(";")[0]


def _slurm(*command: str) -> str:
    """What a command of Slurm's prints.

    Raises: FarmError with Slurm's own words.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FarmError(f"slurm: {command[0]} does not answer ({error}); is the controller up?") from error
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise FarmError(f"slurm: {command[0]} refused: {said}; change [farm] or ask the farm's people")
    return done.stdout.strip()


def _notes(decoded: Decoded, ids: dict[str, list[str]], hold: bool) -> list[str]:
    numbers = [number for each in ids.values() for number in each]
    first = [number for step in decoded.steps if not step.after for number in ids[step.name]]
    held = [f"held; release it with: scontrol release {','.join(first)}"] if hold else []
    return [*held, f"follow it with: squeue -j {','.join(numbers)}", f"cancel it with: scancel {' '.join(numbers)}"]
