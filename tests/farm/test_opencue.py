"""OpenCue's job specification: valid for lxml by the DTD, its commands run by a real shell."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.farm.engines import ODD_NAMES, words_of
from tests.farm.jobs import GOLDEN, decoded_job, golden_job, write_shot
from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends import opencue
from vfx_deepfake.farm.decoded import Decoded
from vfx_deepfake.progress import Silent

etree = pytest.importorskip("lxml.etree", reason="lxml is not installed (extra: dev)")

DTD_VARIABLE = "CJSL_DTD"  # OpenCue's own cuebot/src/main/resources/public/dtd/cjsl-1.15.dtd


@pytest.fixture
def job(tmp_path: Path) -> Decoded:
    return decoded_job(write_shot(tmp_path / "sh0010"), overrides=["train.steps=800"])


def read(text: str) -> Any:
    return etree.fromstring(text.encode())


def refusals(text: str, dtd: Path) -> list[str]:
    checker = etree.DTD(str(dtd))
    checker.validate(read(text))
    return [f"{error.line}: {error.message}" for error in checker.error_log]


def specifications(job: Decoded) -> list[str]:
    bare = replace(
        job, environment={}, steps=tuple(replace(s, needs=replace(s.needs, licences=(), gpus=0)) for s in job.steps)
    )
    return [
        opencue.spec_xml(each, hold=hold) for each in (job, replace(job, queue="faces"), bare) for hold in (False, True)
    ]


def test_the_specification_is_the_golden_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # made by: LOGNAME=artist, opencue.spec_xml(golden_job(), hold=True)
    monkeypatch.setenv("LOGNAME", "artist")
    assert opencue.spec_xml(golden_job(), hold=True) == (GOLDEN / "sh0010.xml").read_text(encoding="utf-8")


def test_it_is_valid_by_what_we_know_of_the_dtd(job: Decoded) -> None:
    for text in specifications(job):
        assert refusals(text, Path(__file__).parent / "cjsl_subset.dtd") == []


def test_it_is_valid_by_opencues_own_dtd(job: Decoded) -> None:
    if DTD_VARIABLE not in os.environ:
        pytest.skip(f"{DTD_VARIABLE} names no copy of OpenCue's cjsl-1.15.dtd")
    for text in specifications(job):
        assert refusals(text, Path(os.environ[DTD_VARIABLE])) == []


def test_the_dtd_does_refuse(job: Decoded) -> None:
    text = opencue.spec_xml(job)
    swapped = text.replace("<chunk>1</chunk>", "").replace("<cores>", "<chunk>1</chunk><cores>", 1)
    nameless = text.replace(' name="render"', "")
    for wrong in (swapped, nameless):
        assert refusals(wrong, Path(__file__).parent / "cjsl_subset.dtd")


def test_layers_wait_as_the_steps_do(job: Decoded) -> None:
    root = read(opencue.spec_xml(job))
    found = {(d.findtext("deplayer"), d.findtext("onlayer")) for d in root.iter("depend")}
    assert found == {(step.name, before) for step in job.steps for before in step.after}
    assert {d.findtext("depjob") for d in root.iter("depend")} == {"sh0010"} == {root.find("job").get("name")}


def test_host_needs_and_limits(job: Decoded) -> None:
    layers = {layer.get("name"): layer for layer in read(opencue.spec_xml(replace(job, queue="faces"))).iter("layer")}
    for step in job.steps:
        layer = layers[step.name]
        assert layer.findtext("gpus", "0") == str(step.needs.gpus)
        assert layer.findtext("memory") == f"{step.needs.memory_mib}m" and layer.findtext("cores") == "2.0"
        assert 0 <= 60 * int(layer.findtext("timeout")) - step.timeout_s < 60
        assert [each.text for each in layer.iter("limit")] == ["vfx_deepfake"] and layer.findtext("tags") == "faces"


@pytest.mark.parametrize("name", ["sh0010", *ODD_NAMES])
def test_every_frame_of_a_layer_runs_its_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    job = decoded_job(write_shot(tmp_path / name), overrides=[f"shot.note={name}"])
    layers = {layer.get("name"): layer for layer in read(opencue.spec_xml(job)).iter("layer")}
    for step in job.steps if name == "sh0010" else job.steps[-3:]:
        layer = layers[step.name]
        frames = layer.findtext("range").split(",")
        assert len(frames) == len(step.tasks)
        for frame, task in zip(frames, step.tasks, strict=True):
            command = layer.findtext("cmd").replace("#IFRAME#", frame)  # as Cuebot does
            assert words_of(["sh", "-c", command], tmp_path / "bin", monkeypatch) == list(task.argv)


def test_frames_that_are_no_first_one_do_nothing(job: Decoded) -> None:
    render = next(step for step in job.steps if len(step.tasks) > 1)
    command = opencue.layer_command(render).replace(opencue.FRAME, "1002")
    assert os.waitstatus_to_exitcode(os.system(command)) == 2


def test_what_cuebot_would_change_or_can_not_hold_is_refused(job: Decoded, tmp_path: Path) -> None:
    odd = decoded_job(write_shot(tmp_path / "a#IFRAME#b"))
    with pytest.raises(FarmError, match="holds '#IFRAME#', which OpenCue would replace or cut"):
        opencue.spec_xml(odd)
    render = next(step for step in job.steps if len(step.tasks) > 1)
    many = [replace(render.tasks[0], frames=(n,), argv=tuple(w.replace("1001-1004", str(n)) for w in render.tasks[0].argv))
            for n in range(400)]  # fmt: skip
    with pytest.raises(
        FarmError, match=r"render: 400 chunks make a command of \d+ characters and OpenCue takes 4000; make"
    ):
        opencue.layer_command(replace(render, tasks=tuple(many)))


def test_without_pycue_the_file_is_left(job: Decoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opencue", None)  # what import finds where it is not installed
    with pytest.raises(FarmError, match=f"pycue is not installed here; .* launch {tmp_path}/spec.xml by hand"):
        opencue.submit(job, hold=False, dry_run=False, folder=tmp_path, progress=Silent())
    assert read((tmp_path / "spec.xml").read_text(encoding="utf-8")).findtext("shot") == "sh0010"


def test_no_word_of_a_plain_command_is_cut(job: Decoded) -> None:
    for step in job.steps:
        if len(step.tasks) == 1:
            assert shlex.split(opencue.layer_command(step)) == list(step.tasks[0].argv)
