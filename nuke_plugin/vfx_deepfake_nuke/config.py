"""Where ``vfx-deepfake`` is, and what the studio set for it.

The command is looked for in this order: ``VFX_DEEPFAKE_CLI``; ``cli`` of the config file; rez, where Nuke was started in an
environment with the package; ``PATH``. The config file is the one that ``VFX_DEEPFAKE_NUKE_CONFIG`` names, else
``~/.nuke/vfx_deepfake.json``, else ``vfx_deepfake.json`` beside the plugin's init.py. It is JSON:

    {"cli": "/tools/vfx_deepfake/bin/vfx-deepfake", "farm": "opencue", "show": "/shows/x"}

Nothing is ever written: home may be read-only.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from typing import Any, Mapping, NamedTuple

CLI = "vfx-deepfake"
CLI_VARIABLE, FILE_VARIABLE, REZ_VARIABLE = "VFX_DEEPFAKE_CLI", "VFX_DEEPFAKE_NUKE_CONFIG", "REZ_VFX_DEEPFAKE_VERSION"
FILE = "vfx_deepfake.json"
KEYS = ("cli", "farm", "show")


class Config(NamedTuple):
    """cli: words of the command, empty where none was found; farm, show: empty where not set; problem: one line, empty for none."""

    cli: tuple
    farm: str
    show: str
    problem: str


def load_config(environ: Mapping[str, str] = os.environ) -> Config:
    """The settings, and in one line what is wrong with them; never raises."""
    table, problem = _read_file(environ)
    cli, where = _command(table, environ)
    if not cli:
        missing = "vfx-deepfake was not found; set {} or 'cli' in ~/.nuke/{}, or start Nuke in its rez environment"
        problem = "; ".join(filter(None, (problem, missing.format(CLI_VARIABLE, FILE))))
    elif not shutil.which(cli[0], path=environ.get("PATH")):
        problem = "; ".join(filter(None, (problem, f"{where}: '{cli[0]}' is no command on this machine; correct it")))
    return Config(cli, str(table.get("farm", "")), str(table.get("show", "")), problem)


def config_file(environ: Mapping[str, str] = os.environ) -> str:
    """The config file that holds, empty for none."""
    if environ.get(FILE_VARIABLE):
        return environ[FILE_VARIABLE]
    plugin = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = (os.path.join(environ.get("HOME", os.path.expanduser("~")), ".nuke"), plugin)
    return next((file for file in (os.path.join(place, FILE) for place in places) if os.path.isfile(file)), "")


def _read_file(environ: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The file's table and what is wrong with it."""
    file = config_file(environ)
    if not file:
        return {}, ""
    try:
        with open(file, encoding="utf-8") as handle:
            table = json.load(handle)
    except (OSError, ValueError) as error:
        return {}, f"{file}: can't be read as JSON ({error}); the defaults hold"
    if not isinstance(table, dict):
        return {}, "{}: holds no table of {}; the defaults hold".format(file, ", ".join(KEYS))
    unknown = sorted(set(table) - set(KEYS))
    return table, "{}: unknown {}; known: {}".format(file, ", ".join(unknown), ", ".join(KEYS)) if unknown else ""


def _command(table: Mapping[str, Any], environ: Mapping[str, str]) -> tuple[tuple, str]:
    """The command's words, and who named it."""
    if environ.get(CLI_VARIABLE):
        return tuple(shlex.split(environ[CLI_VARIABLE])), CLI_VARIABLE
    if table.get("cli"):
        named = table["cli"]
        return tuple(shlex.split(named)) if isinstance(named, str) else tuple(map(str, named)), "cli"
    path = environ.get("PATH")
    if environ.get(REZ_VARIABLE) and shutil.which("rez-env", path=path):
        # the package's own wrapper needs PYTHONPATH, which a process started from Nuke does not get: rez sets it anew
        return ("rez-env", "{}-{}".format("vfx_deepfake", environ[REZ_VARIABLE]), "--", CLI), "rez"
    found = shutil.which(CLI, path=path)
    return ((found,) if found else ()), "PATH"
