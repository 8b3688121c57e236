"""A template with its parameters filled in: the job that every engine is told of.

:func:`decode` lets openjd-model validate the template, fill in the parameters, order the steps and cut the chunks. What comes out names
every task with its whole command line, so that a backend has nothing to decide about the work itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.plan import EXTENSIONS, LICENCE
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.naming import mapped


@dataclass(frozen=True, slots=True)
class HostNeeds:
    """What a host must have for a task."""

    cores: int = 1
    memory_mib: int = 0
    gpus: int = 0
    licences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """One command line on one host. ``frames`` is empty where the step works on the whole shot."""

    argv: tuple[str, ...]
    frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the shot. It may begin when every task of every step in ``after`` has succeeded.

    timeout_s: the engine's limit of one task, worker's retries included. model, parameter_sets: the same for openjd-sessions.
    """

    name: str
    after: tuple[str, ...]
    tasks: tuple[Task, ...]
    timeout_s: int
    needs: HostNeeds
    model: Any = field(repr=False, compare=False)
    parameter_sets: tuple[Any, ...] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A job: steps in an order in which they can run, one after the other.

    retries: further attempts of a task, which the worker makes itself. environment: variables to be set for every task. template,
    parameters, model, values: what it was decoded from, for engines that read Open Job Description. outside: step -> ids of steps of
    other jobs, as the engine named them, that it waits for too.
    """

    name: str
    steps: tuple[Step, ...]
    retries: int
    queue: str
    environment: Mapping[str, str]
    rules: Mapping[str, str]
    template: Mapping[str, Any] = field(repr=False)
    parameters: Mapping[str, str]
    model: Any = field(repr=False, compare=False)
    values: Any = field(repr=False, compare=False)
    outside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def num_tasks(self) -> int:
        """Tasks of all steps."""
        return sum(len(step.tasks) for step in self.steps)


def decode(
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    *,
    rules: Mapping[str, str] | None = None,
    rules_file: str = "",
) -> Decoded:
    """The job of a template.

    parameters: values of its parameters, as text; what has a default may be left out. rules: folder here -> folder on the worker, for
    engines that do not map paths themselves; rules_file: where the worker finds the same rules, for the paths in the shot file.
    Raises: FarmError with openjd-model's own words.
    """
    from openjd.model import (  # fmt: skip
        DecodeValidationError,
        StepDependencyGraph,
        StepParameterSpaceIterator,
        create_job,
        decode_job_template,
        preprocess_job_parameters,
    )

    try:
        checked = decode_job_template(template=dict(template), supported_extensions=EXTENSIONS)
        values = preprocess_job_parameters(job_template=checked, job_parameter_values=dict(parameters),
                                           job_template_dir=Path(), current_working_dir=Path(),
                                           allow_job_template_dir_walk_up=True)  # fmt: skip
        job = create_job(job_template=checked, job_parameter_values=values)
    except (DecodeValidationError, ValueError) as error:
        raise FarmError(
            f"{template.get('name', 'job')}: is no valid job: {_one_line(error)}; change [farm] or --frames"
        ) from error
    symbols = _symbols(values, rules or {}, rules_file)
    steps = []
    for each in StepDependencyGraph(job=job).topo_sorted():
        sets = tuple(StepParameterSpaceIterator(space=each.parameterSpace))
        action: Any = each.script.actions.onRun
        tasks = tuple(_task(action, {**symbols, **_task_symbols(chosen)}, chosen) for chosen in sets)
        after = tuple(dependency.dependsOn for dependency in each.dependencies or ())
        steps.append(Step(str(each.name), after, tasks, int(action.timeout), _needs(each.hostRequirements), each, sets))
    environment = {
        name: str(value) for part in job.jobEnvironments or () for name, value in (part.variables or {}).items()
    }
    return Decoded(
        name=str(job.name), steps=tuple(steps), retries=int(values["Retries"].value), queue=str(values["Queue"].value),
        environment=environment, rules=rules or {}, template=template, parameters=dict(parameters), model=job, values=values,
    )  # fmt: skip


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _symbols(values: Mapping[str, Any], rules: Mapping[str, str], rules_file: str) -> dict[str, str]:
    """The job's own symbols; PATH parameters mapped as an engine would map them."""
    found = {"Session.PathMappingRulesFile": rules_file, "Session.HasPathMappingRules": str(bool(rules)).lower()}
    for name, value in values.items():
        text = str(value.value)
        found[f"RawParam.{name}"] = text
        found[f"Param.{name}"] = mapped(text, rules) if value.type.name == "PATH" else text
    return found


def _task_symbols(chosen: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{kind}.{name}": str(value.value) for name, value in chosen.items() for kind in ("Task.Param", "Task.RawParam")
    }


def _task(action: Any, symbols: Mapping[str, str], chosen: Mapping[str, Any]) -> Task:
    from openjd.model import SymbolTable

    table = SymbolTable(source=dict(symbols))
    argv = tuple(str(word.resolve(symtab=table)) for word in (action.command, *(action.args or ())))
    frames = chosen["Frames"].value if "Frames" in chosen else ""
    return Task(argv, parse_frames(str(frames).replace(":", "x")) if frames else ())


def _needs(wanted: Any) -> HostNeeds:
    amounts = {str(each.name): int(each.min or 0) for each in (wanted.amounts or ())} if wanted else {}
    return HostNeeds(
        cores=amounts.get("amount.worker.vcpu", 1),
        memory_mib=amounts.get("amount.worker.memory", 0),
        gpus=amounts.get("amount.worker.gpu", 0),
        licences=tuple(name.removeprefix(LICENCE) for name in amounts if name.startswith(LICENCE)),
    )
