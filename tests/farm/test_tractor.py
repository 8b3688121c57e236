"""Tractor's job file, read back by a real Tcl interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.farm.engines import ODD_NAMES, program
from tests.farm.jobs import GOLDEN, decoded_job, golden_job, write_shot
from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends import tractor
from vfx_deepfake.farm.decoded import Decoded
from vfx_deepfake.progress import Silent

pytest.importorskip("tkinter", reason="this Python was built without Tcl")
from tests.farm.tcl_alf import Node, read_alf


@pytest.fixture
def job(tmp_path: Path) -> Decoded:
    return decoded_job(write_shot(tmp_path / "sh0010"), shown="/shows/north/sh0010", overrides=["train.steps=800"])


def tasks(node: Node) -> Iterator[Node]:
    """Every Task below, outer ones first."""
    for child in node.options.get("-subtasks", []):
        if child.operator == "Task":
            yield child
            yield from tasks(child)


def commands(node: Node) -> list[Node]:
    return [command for task in tasks(node) for command in task.options.get("-cmds", [])]


def waits_for(node: Node, title: str) -> set[str]:
    """Titles of all tasks with commands that Tractor runs before the commands of a task: those inside it, and those that come first
    in a serial task around it."""
    by_title = {task.words[0]: task for task in tasks(node)}

    def inside(task: Node) -> set[str]:
        found = set()
        for child in task.options.get("-subtasks", []):
            target = by_title[child.words[0]]
            found |= inside(target) | ({child.words[0]} if "-cmds" in target.options else set())
        return found

    found = inside(by_title[title])
    for task in by_title.values():
        children = [child.words[0] for child in task.options.get("-subtasks", [])]
        if task.options.get("-serialsubtasks") == "1":
            for place, child in enumerate(children):
                below = {child} | {each.words[0] for each in tasks(by_title[child])}
                if title in below:
                    for earlier in children[:place]:
                        found |= inside(by_title[earlier])
    return found


def test_the_file_is_the_golden_one() -> None:
    # made by: tractor.alf(golden_job(), hold=True)
    assert tractor.alf(golden_job(), hold=True) == (GOLDEN / "sh0010.alf").read_text(encoding="utf-8")


def test_every_task_runs_its_command_line(job: Decoded) -> None:
    read = read_alf(tractor.alf(job))
    variable = ["env", "OMP_NUM_THREADS=2", "OCIO=/show/config with space.ocio"]
    assert sorted(command.words for command in commands(read)) == sorted(
        [*variable, *task.argv] for step in job.steps for task in step.tasks
    )
    assert read.options["-title"] == "north sh0010"
    assert {command.options["-retryrc"] for command in commands(read)} == {"75"}
    for step in job.steps:
        limits = {c.options["-maxrunsecs"] for c in commands(read) if step.name in c.words}
        assert limits == {str(step.timeout_s)}
        services = {c.options["-service"] for c in commands(read) if step.name in c.words}
        assert services == {"gpu" if step.needs.gpus else ""}


def test_what_waits_for_what_is_what_the_job_says(job: Decoded) -> None:
    read = read_alf(tractor.alf(job))
    titles = {step.name: [task.words[0] for task in tasks(read) if task.words[0].split()[0] == step.name and "-cmds" in task.options]
              for step in job.steps}  # fmt: skip
    needed: dict[str, set[str]] = {}
    for step in job.steps:
        needed[step.name] = set(step.after).union(*(needed[name] for name in step.after))
        for title in titles[step.name]:
            assert waits_for(read, title) == {each for name in needed[step.name] for each in titles[name]}, title
    assert len(titles["render"]) == 3


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_through(tmp_path: Path, name: str) -> None:
    job = decoded_job(write_shot(tmp_path / name), overrides=[f"shot.note={name}"])
    file = str(tmp_path / name / "shot.toml")
    for command in commands(read_alf(tractor.alf(replace(job, name=name)))):
        assert file in command.words and f"shot.note={name}" in command.words


def test_any_text_is_one_word() -> None:
    import tkinter

    tcl = tkinter.Tcl()
    for text in ["", "\n", "a\\\nb", "\t", "\x01", "{", "}{", "\\", "\\{", *map(chr, range(32, 127))]:
        assert tcl.splitlist(tractor.braced(["a", text, "z"])[1:-1]) == ("a", text, "z"), repr(text)
        assert tcl.eval(f"set x {{\n {tractor.word(text)} }}; lindex $x 0") == text, repr(text)


def test_a_percent_sign_is_refused(tmp_path: Path) -> None:
    job = decoded_job(write_shot(tmp_path / "100%h"))
    with pytest.raises(
        FarmError, match=r"track: '.*100%h/shot.toml' holds '%', which Tractor would replace or cut; rename it"
    ):
        tractor.alf(job)


def test_it_is_spooled_and_waits_for_the_model_shot(
    job: Decoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = program(tmp_path / "bin", "tractor-spool", 'echo "$@" >> "$CALLS"; echo "{\\"jid\\": 1234}"', monkeypatch)
    waiting = replace(job, outside={"train": ("77", "78")}, queue="faces")
    submitted = tractor.submit(waiting, hold=False, dry_run=False, folder=tmp_path, progress=Silent())
    assert set(submitted.job_ids.values()) == {"1234"} and set(submitted.job_ids) == {step.name for step in job.steps}
    assert calls.read_text().split() == [str(tmp_path / "job.alf")]
    options = read_alf((tmp_path / "job.alf").read_text(encoding="utf-8")).options
    assert options["-afterjids"] == "77 78" and options["-projects"] == "faces" and "-paused" not in options


def test_a_spooler_that_fails_or_is_missing(job: Decoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = {"hold": False, "dry_run": False, "folder": tmp_path, "progress": Silent()}
    with pytest.raises(
        FarmError,
        match="tractor-spool: is not on the PATH of this host; submit where it is, or spool .*job.alf by hand",
    ):
        tractor.submit(job, **spool)
    program(tmp_path / "bin", "tractor-spool", 'echo "no engine at tractor-engine:80" >&2; exit 3', monkeypatch)
    with pytest.raises(FarmError, match=r"tractor-spool: no engine at tractor-engine:80 \(exit code 3\)"):
        tractor.submit(job, **spool)
    program(tmp_path / "bin", "tractor-spool", "echo all is well", monkeypatch)
    with pytest.raises(FarmError, match=r"tractor-spool: named no job \(all is well\); look for it"):
        tractor.submit(job, **spool)


def test_a_dry_run_writes_nothing(job: Decoded, tmp_path: Path) -> None:
    submitted = tractor.submit(job, hold=False, dry_run=True, folder=tmp_path / "new", progress=Silent())
    assert submitted.files == (tmp_path / "new" / "job.alf",) and not (tmp_path / "new").exists()
