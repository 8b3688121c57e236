"""Review notes: shown on their frames by a group of text nodes after the gizmo, and written back from the present frame."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

import nuke

from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.keyframes import LABELS, mark
from vfx_deepfake_nuke.nodes import shot_file, shot_of
from vfx_deepfake_nuke.process import ask

KNOB = "note_frames"
LABELS[KNOB] = "frames with notes"


class Span(NamedTuple):
    """Frames that show the same notes, ends included."""

    first: int
    last: int
    text: str


def show_notes(node: Any) -> list[Span]:
    """Show the open notes of the node's version on their frames: keys on the timeline, and a group of texts to look through.

    The notes are pictures of the viewer only: the group hangs beside the comp, on an output of the gizmo of its own.
    """
    version = node["version"].value()
    if not version:
        raise PluginError(f"{node.name()}: has no version yet; choose one.")
    found = [note for note in shot_of(node, "--notes", version)["notes"] if not note["resolved_by"]]
    on_frames = spans(found)
    mark(node, KNOB, sorted({span.first for span in on_frames}))
    _build_group(node, on_frames, [note for note in found if note["first_frame"] is None])
    return on_frames


def spans(notes: Sequence[dict[str, Any]]) -> list[Span]:
    """The notes cut where another begins or ends, so that each frame has one text with all of its notes."""
    placed = [note for note in notes if note["first_frame"] is not None]
    edges = sorted({note["first_frame"] for note in placed} | {note["last_frame"] + 1 for note in placed})
    found = []
    for first, after in zip(edges, edges[1:]):
        here = [note for note in placed if note["first_frame"] <= first <= note["last_frame"]]
        if here:
            found.append(Span(first, after - 1, "\n".join(_line(note) for note in here)))
    return found


def _line(note: dict[str, Any]) -> str:
    return "{}: {}".format(note["author"], " ".join(note["text"].split()) or "[drawing, see the review page]")


def _build_group(node: Any, on_frames: Sequence[Span], on_all: Sequence[dict[str, Any]]) -> Any:
    """The group of texts of this node, made anew in its place."""
    name = node.name() + "_notes"
    old = nuke.toNode(name)
    place = (old.xpos(), old.ypos()) if old else (node.xpos() + 130, node.ypos() + 40)
    if old:
        nuke.delete(old)
    group = nuke.nodes.Group(name=name, xpos=place[0], ypos=place[1], tile_color=0x5A4A6AFF)
    group["label"].setValue("\n".join(["review notes of {}".format(node["version"].value()), *map(_line, on_all)]))
    with group:
        last = nuke.nodes.Input()
        for span in on_frames:
            text = nuke.nodes.Text2(inputs=[last], message=_plain(span.text))
            text["disable"].setExpression(f"frame < {span.first} || frame > {span.last}")
            last = text
        nuke.nodes.Output(inputs=[last])
    group.setInput(0, node)
    return group


def _plain(text: str) -> str:
    """A text that Nuke does not take for Tcl: brackets would be commands, dollars variables."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("$", "\\$").replace("%", "%%")


def write_note(node: Any, text: str = "") -> dict[str, Any] | None:
    """Write a note on the present frame of the node's version into the review database; asks for the text where none is given."""
    version, frame = node["version"].value(), nuke.frame()
    if not version:
        raise PluginError(f"{node.name()}: has no version to write a note on; choose one.")
    text = text or (nuke.getInput(f"Note on frame {frame} of {version}", "") or "").strip()
    if not text:
        return None
    note = ask(["review", "note", shot_file(node), version, "--frames", str(frame), "--text", text])
    show_notes(node)
    return note
