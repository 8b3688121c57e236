"""What turns a TorchScript file into a node of Nuke: a script for CatFileCreator, one for Inference, and a Cattery folder's record.

A .cat file itself is made by NukeX or Nuke Studio: open the script, press Create.

Source: Foundry's Nuke reference guide, CatFileCreator and Inference (knobs, channel lists); the public Cattery's cat.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from vfx_deepfake.nuke.script import Graph, Literal

HERE = "[file dirname [value root.name]]"  # relative to wherever the script lies
MINIMUM_NUKE = 13.0
VERSION = 1


def creator_script(model: str, channels_in: Sequence[str], channels_out: Sequence[str], knobs: Mapping[str, float]) -> str:
    """A script with CatFileCreator set up for the TorchScript file ``model`` that lies beside it.

    knobs: name and start value of each attribute that becomes a custom knob of the Inference node.
    """
    name = model.removesuffix(".pt")
    graph = Graph()
    declared = [f"addUserKnob {{20 Custom l Custom}}"] if knobs else []
    declared += [f"addUserKnob {{7 {knob} R 0 1}}" for knob in knobs]
    creator = graph.add(
        "CatFileCreator",
        f"CatFileCreator_{name}",
        (),
        {
            "torchScriptFile": Literal(f'"\\{HERE[:-1]}\\]/{model}"'),
        },
    )
    del creator, declared
    return graph.text()
