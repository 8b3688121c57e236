"""``status``: how shots stand, from what is on disk, and from the queue where the engine's commands are at hand.

Read only, and cheap: what is up to date is told by records and remembered hashes, and a shot without any is not looked at closer.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.farm.job import RECORD
from vfx_deepfake.farm.outcome import read_outcomes
from vfx_deepfake.farm.queue import QUEUES
from vfx_deepfake.files import read_json
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.pipeline import Stage, stages
from vfx_deepfake.steps.render_stage import published_version

DONE, FAILED, RUNNING, WAITING, TO_DO = "done", "failed", "running", "waiting", "to do"
WORST_FIRST = (FAILED, RUNNING, WAITING, TO_DO)


@dataclass(frozen=True, slots=True)
class StageStatus:
    """One stage. why: of failed and waiting, one line. done, tasks: of its farm tasks, 0 where none was submitted."""

    name: str
    state: str
    why: str = ""
    done: int = 0
    tasks: int = 0


@dataclass(frozen=True, slots=True)
class ShotStatus:
    """One shot. version: the published one of its present inputs. job: the newest submission's folder, and where it went."""

    shot: str
    file: str
    state: str
    why: str = ""
    version: str = ""
    farm: str = ""
    job: str = ""
    stages: tuple[StageStatus, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def line(self) -> str:
        """One line for people: shot, state, and what that means."""
        under_way = next((one for one in self.stages if one.state == self.state and self.state != DONE), None)
        tasks = f"{under_way.name} {under_way.done}/{under_way.tasks} tasks" if under_way and under_way.tasks else ""
        return "  ".join(
            part for part in (f"{self.shot:16}", f"{self.state:8}", self.why or self.version or tasks) if part
        ).rstrip()


def shot_status(file: Path | str, overrides: Iterable[str] = ()) -> ShotStatus:
    """How one shot stands. A shot that can't be read has failed, with the reason; nothing is raised for it."""
    try:
        opened = open_shot(file, overrides)
        needed = stages(opened)
    except ArtistError as error:
        place = Path(file)
        name = place.parent.name if place.suffix else place.name
        return ShotStatus(name, str(file), FAILED, "; ".join(str(error).splitlines()))
    job, record = _newest_job(opened)
    outcomes = [one for one in read_outcomes(opened.shot.paths) if one.get("at", "") >= record.get("submitted_at", "")]
    queue = QUEUES[record["engine"]](record["job_ids"]) if record.get("engine") in QUEUES else {}
    found = tuple(_stage_status(opened, stage, record, outcomes, queue) for stage in needed)
    state, why = _summary(found, record)
    if state == TO_DO:  # nothing was sent; say so if nothing can be
        problems = check_shot(file, overrides).problems
        state, why = (FAILED, "; ".join(problems)) if problems else (state, why)
    version = _published(opened) if state == DONE else ""
    return ShotStatus(opened.name, str(opened.shot.file), state, why, version, record.get("engine", ""), job, found)


def _newest_job(opened: OpenShot) -> tuple[str, Mapping[str, Any]]:
    """Folder and record of the newest submission; empty without one."""
    for number in reversed(opened.shot.paths.job_numbers()):
        folder = opened.shot.paths.job(number)
        try:
            return str(folder), read_json(folder / RECORD)
        except ArtistError:
            continue
    return "", {}


def _stage_status(
    opened: OpenShot,
    stage: Stage,
    record: Mapping[str, Any],
    outcomes: Sequence[Mapping[str, Any]],
    queue: Mapping[str, tuple[str, str]],
) -> StageStatus:
    """What the stage's output says, else its tasks, else the queue."""
    mine = [one for one in outcomes if one.get("stage") == stage.name]
    num_tasks = int(record.get("tasks", {}).get(stage.name, 0))
    num_done = sum(one["state"] == "done" for one in mine)
    if _is_fresh(opened, stage) or (num_tasks and num_done >= num_tasks):
        return StageStatus(stage.name, DONE, "", num_tasks, num_tasks)
    state, why = _from_tasks(mine)
    if state != FAILED and stage.name in queue:
        state, why = queue[stage.name]
    if state == TO_DO and record.get("job_ids", {}).get(stage.name):
        state = WAITING
    return StageStatus(stage.name, state, why, num_done, num_tasks)


def _is_fresh(opened: OpenShot, stage: Stage) -> bool:
    """Is the stage's output up to date? A shot whose files were never hashed has none, and is not hashed for the question."""
    if not opened.hashes_known:
        return False
    try:
        return stage.is_fresh(opened)
    except ArtistError:  # an earlier stage is missing
        return False


def _from_tasks(mine: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """State and reason by the tasks' own words; the first that failed speaks for the stage."""
    for one in mine:
        task = f"{one['stage']} {one.get('frames', '')}".rstrip()
        if one["state"] in ("failed", "stopped"):
            return FAILED, f"{task}: {one.get('why') or one['state']}"
        if one["state"] == "running" and _is_gone(one):
            return FAILED, f"{task}: its worker on {one['host']} is gone without a word; killed, or the host went down"
    if any(one["state"] == "running" for one in mine):
        return RUNNING, ""
    return TO_DO, ""


def _is_gone(outcome: Mapping[str, Any]) -> bool:
    """A running task of this host whose process is not there any more; of other hosts only the queue knows."""
    if outcome.get("host") != socket.gethostname():
        return False
    return not os.path.exists(f"/proc/{outcome.get('process')}")


def _summary(found: Sequence[StageStatus], record: Mapping[str, Any]) -> tuple[str, str]:
    """The shot's state and the one line of why: those of the worst stage."""
    if all(one.state == DONE for one in found):
        return DONE, ""
    for state in WORST_FIRST:
        for one in found:
            if one.state == state:
                if state in (TO_DO, WAITING) and record.get("why"):
                    return FAILED, "; ".join(str(record["why"]).splitlines())
                return state, one.why
    return TO_DO, ""


def _published(opened: OpenShot) -> str:
    published = published_version(opened)
    return published.folder.name if published else ""


def summary(found: Sequence[ShotStatus]) -> dict[str, Any]:
    """For the command line: counts, and one line a shot."""
    counts = {state: sum(one.state == state for one in found) for state in (DONE, *WORST_FIRST)}
    return {
        **{state: count for state, count in counts.items() if count},
        "shots": [one.as_data() for one in found],
        "lines": [one.line for one in found],
    }
