"""What turns a TorchScript file into a node of Nuke: a script for CatFileCreator, and a Cattery folder's gizmo and record.

A .cat file itself can only be made by NukeX or Nuke Studio: open the script, press its button.

Source: Foundry's Nuke reference guide, CatFileCreator and Inference (knobs, the list of channels); the public Cattery's cat.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from vfx_deepfake.nuke.script import Expression, Graph, Node, UserKnob, knob_lines

HERE = "[file dirname [value root.name]]"  # wherever the script lies
MINIMUM_NUKE = 13.0
VERSION = 1
_SLIDER = 7


def creator_script(
    model: str, channels_in: Sequence[str], channels_out: Sequence[str], knobs: Mapping[str, str], note: str
) -> str:
    """A script with CatFileCreator set up for the TorchScript file ``model``, which lies beside it.

    knobs: attributes of the model, each with its help, that become sliders of the Inference node; all begin at 1.
    note: what an artist should read before pressing the button.
    """
    name = model.removesuffix(".pt")
    graph = Graph()
    graph.add("StickyNote", "Note", (), {"label": note, "note_font_size": 14}, column=2, row=0)
    settings = {
        "torchScriptFile": f"{HERE}/{model}",
        "catFile": f"{HERE}/{name}.cat",
        "channelsIn": ", ".join(channels_in),
        "channelsOut": ", ".join(channels_out),
        "modelId": name,
    }
    creator = Node("CatFileCreator1", 0, 0)
    graph.lines += [
        "CatFileCreator {",
        *knob_lines(creator, 0, settings),
        *_sliders(knobs),
        "}",
    ]
    return graph.text()


def _sliders(knobs: Mapping[str, str]) -> list[str]:
    made = [
        UserKnob(kind=_SLIDER, name=name, label=name, help=words, value=1.0, more="R 0 1")
        for name, words in knobs.items()
    ]
    tab = UserKnob(kind=20, name="Custom", label="Custom")
    return [line for knob in (tab, *made) for line in knob.lines()]


def node_name(text: str) -> str:
    """A name that Nuke lets a node have."""
    return re.sub(r"\W+", "_", f"_{text}" if text[:1].isdigit() else text)


def cattery_gizmo(name: str, knobs: Mapping[str, str]) -> str:
    """A group with the Inference node of ``name``.cat, which lies in the gizmo's own folder, and its sliders outside."""
    graph = Graph()
    plate = graph.add("Input", "Plate", (), {})
    settings: dict[str, object] = {"modelFile": f"{name}/{name}.cat", "useGPUIfAvailable": True}
    settings |= {knob: Expression(f"parent.{knob}") for knob in knobs}
    inference = graph.add("Inference", "Inference1", (plate,), settings)
    graph.add("Output", "Output1", (inference,), {})
    inside = [f"  {line}" for line in graph.lines]
    return "\n".join(["Group {", f" name {node_name(name)}", *_sliders(knobs), "}", *inside, "end_group"]) + "\n"


def cattery_record(name: str, description: str) -> str:
    """cat.json of a Cattery folder."""
    data = {
        "minimum_nuke_version_required": MINIMUM_NUKE,
        "version": VERSION,
        "category": "Face",
        "description": description,
        "cats": [{"filepath": f"{name}.cat", "name": name, "icon": f"{name}.png"}],
    }
    return json.dumps(data, indent=1) + "\n"
