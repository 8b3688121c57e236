"""Painted frames: writing one from the node's paint input, and showing which ones to paint on the timeline."""

from __future__ import annotations

import os
from typing import Any, Sequence

import nuke

from vfx_deepfake_nuke import jobs
from vfx_deepfake_nuke.errors import PluginError
from vfx_deepfake_nuke.frames import frame_path, in_range
from vfx_deepfake_nuke.nodes import PAINT, choose_space, plate_read, shot_file, shot_of
from vfx_deepfake_nuke.talk import tell

SUGGESTED, PAINTED = "suggested_keyframes", "painted_keyframes"  # knobs whose keys stand on the timeline
LABELS = {SUGGESTED: "suggested key frames", PAINTED: "painted key frames"}
COUNT = 5


def add_keyframe(node: Any) -> str:
    """Write the paint input's present frame where the shot's key frames lie, as half EXR in their colour space.

    Returns the file. Raises: PluginError where it would not fit the shot; nothing is written then.
    """
    painted = node.input(PAINT)
    if painted is None:
        raise PluginError(f"{node.name()}: nothing is connected to its paint input.")
    shot, frame = shot_of(node), nuke.frame()
    target = shot["keyframes"]
    if not target:
        raise PluginError(
            "{}: the shot's method is '{}', which uses no painted frames.".format(shot["shot"], shot["method"])
        )
    _check_frame(shot, frame)
    _check_size(node, painted)
    file = frame_path(target["pattern"], frame)
    if os.path.exists(file) and nuke.GUI and not nuke.ask(f"{os.path.basename(file)} exists. Paint over it?"):
        return ""
    raw = bool(plate_read(node)["raw"].value())
    if raw and target["colorspace"] != shot["plate"]["colorspace"]:
        raise PluginError("The plate is read raw, in {}, and the key frames are to be {}; turn the Read's 'raw data' off.".format(
            shot["plate"]["colorspace"], target["colorspace"]))  # fmt: skip
    _write(painted, file, "" if raw else target["colorspace"], frame)
    now = shot_of(node)["keyframes"]["painted"]
    if frame not in now:
        raise PluginError(
            "{}: was written, but vfx-deepfake does not find it as a key frame of {}.".format(file, shot["shot"])
        )
    mark(node, PAINTED, now)
    tell("Key frame {} written in {}: {} painted now.".format(frame, target["colorspace"], len(now)))
    return file


def _check_frame(shot: dict[str, Any], frame: int) -> None:
    """Raises: PluginError for a frame that is not delivered."""
    if not in_range(shot["frames"], frame):
        raise PluginError("Frame {} is outside the shot's {}; go to one of its frames.".format(frame, shot["frames"]))


def _check_size(node: Any, painted: Any) -> None:
    """Raises: PluginError when the painting and the plate have different formats."""
    plate = plate_read(node)
    found, wanted = painted.format(), plate.format()
    if (found.width(), found.height()) != (wanted.width(), wanted.height()):
        sizes = f"The painted frame is {found.width()} x {found.height()}, the plate is {wanted.width()} x {wanted.height()}"
        raise PluginError(sizes + "; reformat it.")


def _write(painted: Any, file: str, space: str, frame: int) -> None:
    """Render one frame of a node into a file through a Write that is gone afterwards; ``space`` empty: its pixels as they are."""
    if nuke.root()["proxy"].value():
        raise PluginError("Proxies are on; turn them off, or the key frame would be written small.")
    write = nuke.nodes.Write(file=file.replace("\\", "/"), file_type="exr", channels="rgb")
    try:
        write.setInput(0, painted)
        write["datatype"].setValue("16 bit half")
        write["create_directories"].setValue(True)
        if not space:
            write["raw"].setValue(True)
        elif not choose_space(write["colorspace"], space):
            raise PluginError(f"This script's colour management has no '{space}', which the shot's key frames are in; "
                              "set the show's OCIO config in Project Settings.")  # fmt: skip
        nuke.execute(write, frame, frame)
    except RuntimeError as error:
        raise PluginError(f"Key frame {frame} was not written: {error}") from error
    finally:
        nuke.delete(write)
    if not os.path.isfile(file):
        raise PluginError(f"{file}: was not written; see the Write's error in the script editor.")


def suggest_keyframes(node: Any, count: int = COUNT) -> Any:
    """Ask in the background which frames to paint; they become keys on the timeline, with the reasons in a message. Returns the job."""

    def show(result: dict[str, Any]) -> None:
        mark(node, SUGGESTED, [each["frame"] for each in result["suggestions"]])
        reasons = ["{}  {}".format(each["frame"], each["reason"]) for each in result["suggestions"]]
        tell("Paint these frames ({}):\n{}".format(result["why"], "\n".join(reasons) or "none"))

    return jobs.start(["suggest-keyframes", shot_file(node), "--count", str(count)], "suggest key frames", show)


def mark(node: Any, name: str, frames: Sequence[int]) -> None:
    """Put a key at each frame on a knob of that name: Nuke draws them on the timeline while the node's panel is open."""
    knob = node.knob(name)
    if knob is None:
        knob = nuke.Double_Knob(name, LABELS.get(name, name))
        knob.setTooltip("Only shows frames on the timeline; changes no pixel.")
        node.addKnob(knob)
    knob.clearAnimated()
    if frames:
        knob.setAnimated()
        for frame in frames:
            knob.setValueAt(frame, frame)
