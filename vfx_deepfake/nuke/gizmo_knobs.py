"""The knobs of the gizmo, page by page, in the order an artist meets them."""

from __future__ import annotations

from dataclasses import replace

from vfx_deepfake.nuke.gizmo_help import helps
from vfx_deepfake.nuke.script import Expression, Literal, UserKnob, quoted

# Nuke's numbers of the types
STRING, FILE, INTEGER, MENU, CHECKBOX, NUMBER, COLOUR = 1, 2, 3, 4, 6, 7, 19
TAB, BUTTON, DIVIDER, LINK = 20, 22, 26, 41
BESIDE, NEW_LINE, HIDDEN = "-STARTLINE", "+STARTLINE", "+INVISIBLE"

VIEWS = ("result", "plate", "face element", "mattes", "difference gained", "confidence", "QC overlay")
MATTE_VIEWS = ("as dialled", "as rendered", "regions", "holdout and garbage")
GRAIN_SOURCES = ("version", "plate", "synth")
HOLDOUT_CHANNELS = ("alpha", "red")  # the second is number 1 of the menu, which gizmo_matte.py asks for
REGIONS = ("skin", "eyes", "brows", "nose", "mouth")
SIDES = ("left", "right", "top", "bottom")
NO_PLUGIN = "The VFX Deepfake plug-in is not on this machine. The picture works without it; only the buttons need it."


def knobs() -> list[UserKnob]:
    """Every knob with its help."""
    help_of = helps()
    every = [*_version(), *_face(), *_matte(), *_grain(), *_shot()]
    return [knob if knob.kind in (TAB, DIVIDER) else replace(knob, help=help_of[knob.name]) for knob in every]


def _knob(kind: int, name: str, label: str, value: object, more: str = "") -> UserKnob:
    return UserKnob(kind=kind, name=name, label=label, value=value, more=more)


def _tab(name: str, label: str) -> UserKnob:
    return UserKnob(kind=TAB, name=name, label=label)


def _divider(name: str, label: str) -> UserKnob:
    return UserKnob(kind=DIVIDER, name=name, label=label)


def _number(name: str, label: str, value: float, low: float, high: float) -> UserKnob:
    return UserKnob(kind=NUMBER, name=name, label=label, value=value, more=f"R {low:g} {high:g}")


def _menu(name: str, label: str, items: tuple[str, ...]) -> UserKnob:
    """A pull-down menu, the first item chosen."""
    more = "M {" + " ".join(quoted(item) for item in items) + "}"
    return UserKnob(kind=MENU, name=name, label=label, value=items[0], more=more)


def _button(name: str, label: str, call: str, line: str = BESIDE) -> UserKnob:
    """A button that calls the plug-in, and says so in one line where there is none."""
    script = (
        "try:\n"
        "    from vfx_deepfake_nuke import actions\n"
        "except ImportError:\n"
        f"    nuke.message({NO_PLUGIN!r})\n"
        "else:\n"
        f"    actions.{call}"
    )
    return UserKnob(kind=BUTTON, name=name, label=label, more=f"T {quoted(script)} {line}")


def _version() -> list[UserKnob]:
    return [
        _tab("VFXDeepfake", "VFX Deepfake"),
        _menu("view", "view", VIEWS),
        _menu("matte_view", "mattes", MATTE_VIEWS),
        _number("view_gain", "difference gain", 8, 1, 64),
        _divider("version_line", "version"),
        _knob(STRING, "shot", "shot", ""),
        _knob(STRING, "version", "version", ""),
        _knob(STRING, "status", "status", "", BESIDE),
        _knob(STRING, "qc", "QC", "", BESIDE),
        _knob(FILE, "version_dir", "version folder", ""),
        _knob(STRING, "exr", "frames", "exr/[value shot]_[value version].%04d.exr"),
        _knob(INTEGER, "first_frame", "range", Expression("root.first_frame")),
        _knob(INTEGER, "last_frame", "", Expression("root.last_frame"), BESIDE),
        _button("newest", "newest", "choose_version(nuke.thisNode(), 'newest')", NEW_LINE),
        _button("approved", "approved", "choose_version(nuke.thisNode(), 'approved')"),
        _button("any", "choose...", "choose_version(nuke.thisNode(), 'any')"),
        _button("refresh", "refresh", "refresh(nuke.thisNode())"),
    ]


def _face() -> list[UserKnob]:
    return [
        _tab("face_tab", "Face"),
        _number("mix", "mix", 1, 0, 1),
        *(_number(region, region, 1, 0, 1) for region in REGIONS),
        _number("identity_mix", "identity mix", 0, 0, 1),
        _knob(CHECKBOX, "has_face_b", "version has face_b", False, HIDDEN),
        _divider("colour_line", "colour"),
        _number("match", "colour match", 0, 0, 1),
        _number("match_size", "match size", 60, 1, 400),
        _number("exposure", "exposure", 0, -2, 2),
        _number("saturation", "saturation", 1, 0, 2),
        _divider("detail_line", "detail"),
        _number("detail", "detail return", 0, 0, 1),
        _number("detail_size", "detail size", 4, 0.5, 20),
    ]


def _matte() -> list[UserKnob]:
    edges = [
        [_number(f"{what}_{side}", f"{what} {side}", 0, 0, 100) for what in ("erode", "feather")] for side in SIDES
    ]
    return [
        _tab("matte_tab", "Matte"),
        _number("erode", "erode", 0, -20, 20),
        _number("feather_in", "feather inwards", 0, 0, 100),
        _number("feather_out", "feather outwards", 0, 0, 100),
        _divider("sides_line", "one side alone"),
        *(knob for pair in edges for knob in pair),
        _divider("holdout_line", "holdout"),
        _number("holdout", "holdout", 1, 0, 1),
        _menu("holdout_channel", "channel", HOLDOUT_CHANNELS),
    ]


def _grain() -> list[UserKnob]:
    return [
        _tab("grain_tab", "Grain"),
        _knob(CHECKBOX, "grain_on", "grain", True, NEW_LINE),
        _number("grain_amount", "amount", 1, 0, 2),
        _menu("grain_source", "from", GRAIN_SOURCES),
        _divider("synth_line", "measured on the plate; for plate and synth"),
        _knob(COLOUR, "synth_level", "level", Literal("{0.02 0.02 0.02}")),
        _number("synth_offset", "offset", 0.01, 0, 0.1),
        _number("synth_power", "power", 0.8, 0, 1.5),
        _number("synth_softness", "softness", 0.5, 0, 1),
    ]


def _shot() -> list[UserKnob]:
    return [
        _tab("shot_tab", "Shot"),
        _knob(LINK, "plate_colorspace", "plate colour space", None, "T ToWorking.in_colorspace"),
        _knob(LINK, "working_colorspace", "working space", None, "T ToWorking.out_colorspace"),
        _divider("paint_line", "paint"),
        _knob(CHECKBOX, "paint_in", "show the paint input", False, NEW_LINE),
        _button("add_keyframe", "add key frame", "add_keyframe(nuke.thisNode())"),
        _button("suggest_keyframes", "suggest key frames", "suggest_keyframes(nuke.thisNode())"),
        _divider("run_line", "run"),
        _knob(FILE, "shot_file", "shot file", ""),
        _button("new_shot", "new shot...", "new_shot(nuke.thisNode())"),
        _button("track", "track", "run(nuke.thisNode(), 'track')", NEW_LINE),
        _button("train", "train", "run(nuke.thisNode(), 'train')"),
        _button("render", "run all", "run(nuke.thisNode(), 'run')"),
        _button("submit", "submit to farm", "submit(nuke.thisNode())"),
        _button("notes", "show notes", "show_notes(nuke.thisNode())", NEW_LINE),
        _button("write_note", "write note", "write_note(nuke.thisNode())"),
        _button("panel", "panel", "open_panel()"),
    ]
