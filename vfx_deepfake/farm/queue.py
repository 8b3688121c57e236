"""What an engine's queue says of a job, where its commands are at hand. Says nothing rather than something wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping

ANSWER_S = 20
States = Mapping[str, tuple[str, str]]  # step -> state as status words it, and why

_WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED"}
_RUNNING = {"RUNNING", "COMPLETING"}
_REASONS = {  # Slurm's words
    "JobHeldUser": "held; release it with: scontrol release {job}",
    "JobHeldAdmin": "held by the farm's people",
    "DependencyNeverSatisfied": "what it waits for has failed",
    "BeginTime": "requeued; Slurm starts it again in about two minutes",
}


def slurm_states(job_ids: Mapping[str, str]) -> States:
    """The steps that Slurm remembers; finished jobs it forgets after a while (MinJobAge)."""
    numbers = {number: step for step, joined in job_ids.items() for number in joined.split(":") if number}
    if not numbers:
        return {}
    command = ["squeue", "--noheader", "--states=all", "--array", "--format=%F|%T|%r", f"--jobs={','.join(numbers)}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, tuple[str, str]] = {}
    for line in done.stdout.splitlines():
        number, state, reason = (*line.split("|"), "", "")[:3]
        step = numbers.get(number)
        if step:
            found[step] = worse(found.get(step), _worded(number, state, reason))
    return {step: state for step, state in found.items() if state[0]}


def _worded(number: str, state: str, reason: str) -> tuple[str, str]:
    """One array task. Success is told by the shot's own records, so it says nothing here."""
    said = _REASONS.get(reason, "").format(job=number)
    if state in _RUNNING:
        return "running", ""
    if state in _WAITING:
        return ("failed" if reason == "DependencyNeverSatisfied" else "waiting"), said
    if state in ("COMPLETED", ""):
        return "", ""
    return "failed", said or f"Slurm says {state.lower()} of job {number}"


def worse(one: tuple[str, str] | None, other: tuple[str, str]) -> tuple[str, str]:
    """Of two tasks of a step the one that speaks for it."""
    order = ("failed", "running", "waiting", "")
    return other if one is None or order.index(other[0]) < order.index(one[0]) else one


QUEUES: dict[str, Callable[[Mapping[str, str]], States]] = {"slurm": slurm_states}
