"""OpenCue: the job as spec XML (cjsl 1.15), launched through pycue where a Cuebot answers.

Maps: steps to layers, chunks to frames of the layer (a frame is called by the chunk's first frame; the layer's command knows how far
each goes, so the chunks stay the job's); dependencies to LAYER_ON_LAYER; cores, memory, GPUs; licences to limits; queue to tags;
variables to the job's environment; hold to paused; steps of other jobs to a dependency of layer on layer, made after the launch.
Lossy: the time limit counts whole minutes, rounded up, the exact one is the worker's own; retries are one number for the job.
Not mapped: priorities; GPU memory (Cuebot wants a number above 0 and gets 1g). Path mapping: OpenCue has none, the paths are mapped
by [farm].path_map before they are written. Cuebot replaces tokens such as ``#IFRAME#``, so a path with one is refused.

Where a Cuebot is: CUEBOT_HOSTS, as for every OpenCue tool. pycue (``pip install opencue-pycue``) asks for a newer protobuf than
mediapipe, so it lives in the submitter's environment and not in the worker's.

Source: OpenCue, cjsl-1.15.dtd; pycue 1.37.
"""

from __future__ import annotations

import getpass
import math
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends.commands import first_frames, require_plain, shell_command
from vfx_deepfake.farm.backends.submitted import Submitted
from vfx_deepfake.farm.decoded import Decoded, Step
from vfx_deepfake.files import write_text
from vfx_deepfake.progress import Progress

VERSION = "1.15"
DOCTYPE = (
    f'<!DOCTYPE spec PUBLIC "SPI Cue Specification Language" "http://localhost:8080/spcue/dtd/cjsl-{VERSION}.dtd">'
)
FRAME = "#IFRAME#"
TOKENS = (FRAME, "#ZFRAME#", "#FRAME_START#", "#FRAME_END#", "#FRAME_CHUNK#", "#LAYER#", "#JOB#", "#FRAME#")
MOST_COMMAND = 4000  # characters: what Cuebot's database holds; assumed from its schema
GPU_MEMORY = "1g"  # Cuebot takes no GPU without some; assumed not to limit where the job runs


def submit(decoded: Decoded, *, hold: bool, dry_run: bool, folder: Path, progress: Progress) -> Submitted:
    """Write ``spec.xml`` and launch it.

    Raises: FarmError without pycue, or with Cuebot's own words.
    """
    file = folder / "spec.xml"
    # a job that waits for others is let go when it knows of them
    text = spec_xml(decoded, hold=hold or bool(decoded.outside))
    if dry_run:
        return Submitted({}, (file,))
    write_text(file, text)
    try:
        import opencue
    except ImportError as error:
        raise FarmError(
            f"opencue: pycue is not installed here; install opencue-pycue and launch again, or launch {file} by hand"
        ) from error
    try:
        (job,) = opencue.api.launchSpecAndWait(text)
        for step, others in decoded.outside.items():
            layer = opencue.api.findLayer(job.name(), name_token(step))
            for other in others:
                layer.createDependencyOnLayer(opencue.api.findLayer(*other.split("/")))
        if decoded.outside and not hold:
            job.resume()
    except Exception as error:  # pycue lets gRPC's errors through, which share no class of their own with it
        raise FarmError(f"opencue: {_first_line(error)}; see CUEBOT_HOSTS, or launch {file} by hand") from error
    ids = {step.name: f"{job.name()}/{name_token(step.name)}" for step in decoded.steps}
    held = (f"let it go with: cueadmin -unpause {job.name()}",) if hold else ()
    return Submitted(ids, (file,), held)


def _first_line(error: Exception) -> str:
    details = getattr(error, "details", None)
    text = details() if callable(details) else str(error)
    return (str(text).splitlines() or [type(error).__name__])[0]


def spec_xml(job: Decoded, *, hold: bool = False) -> str:
    """The job's specification.

    Raises: FarmError for a command that Cuebot would change.
    """
    root = ElementTree.Element("spec")
    show, _, shot = job.name.rpartition(" ")
    for tag, text in (("show", show or "default"), ("shot", shot), ("user", getpass.getuser())):
        _add(root, tag, text)
    name = name_token(shot)
    element = ElementTree.SubElement(root, "job", {"name": name})
    _add(element, "paused", str(hold))
    _add(element, "maxretries", str(job.retries))
    environment = ElementTree.SubElement(element, "env")
    for key, value in job.environment.items():
        _add(environment, "key", value, name=key)
    layers, depends = ElementTree.SubElement(element, "layers"), ElementTree.SubElement(root, "depends")
    for step in job.steps:
        _layer(layers, step, job.queue)
        for before in step.after:
            depend = ElementTree.SubElement(depends, "depend", {"type": "LAYER_ON_LAYER", "anyframe": "False"})
            for tag, text in (("depjob", name), ("deplayer", step.name), ("onjob", name), ("onlayer", before)):
                _add(depend, tag, name_token(text))
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{DOCTYPE}\n{body}\n'


def _layer(layers: ElementTree.Element, step: Step, queue: str) -> None:
    """One step; children in the order of the DTD."""
    require_plain(step, TOKENS, "OpenCue")
    kind = "Render" if len(step.tasks) > 1 else "Util"
    layer = ElementTree.SubElement(layers, "layer", {"name": name_token(step.name), "type": kind})
    needs, frames = step.needs, first_frames(step)
    _add(layer, "cmd", layer_command(step))
    _add(layer, "range", ",".join(map(str, frames)))
    _add(layer, "chunk", "1")
    _add(layer, "cores", f"{needs.cores:.1f}")
    _add(layer, "threadable", str(needs.cores > 1))
    _add(layer, "memory", f"{needs.memory_mib}m")
    if needs.gpus:
        _add(layer, "gpus", str(needs.gpus))
        _add(layer, "gpu_memory", GPU_MEMORY)
    _add(layer, "timeout", str(math.ceil(step.timeout_s / 60)))
    if queue:
        _add(layer, "tags", queue)
    if needs.licences:
        limits = ElementTree.SubElement(layer, "limits")
        for licence in needs.licences:
            _add(limits, "limit", licence)
    ElementTree.SubElement(layer, "env")
    _add(ElementTree.SubElement(layer, "services"), "service", "default")


def layer_command(step: Step) -> str:
    """The layer's shell command; it looks up the frame that Cuebot puts in.

    Raises: FarmError when the step has more chunks than a command can list.
    """
    text = shell_command(step)
    command = text if len(step.tasks) == 1 else f"sh -c {shlex.quote(text)} {step.name} {FRAME}"
    if len(command) > MOST_COMMAND:
        raise FarmError(
            f"{step.name}: {len(step.tasks)} chunks make a command of {len(command)} characters and OpenCue takes "
            f"{MOST_COMMAND}; make [farm].chunk_frames larger"
        )
    return command


def name_token(text: str) -> str:
    """A name as XML's NMTOKEN and Cuebot take it."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)


def _add(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, tag, attributes).text = text
