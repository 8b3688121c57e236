"""How the plugin talks to the artist: a message box in the GUI, a line where there is none."""

from __future__ import annotations

import functools
from typing import Any, Callable

import nuke

from vfx_deepfake_nuke.errors import PluginError


def tell(text: str) -> None:
    """Say it."""
    if nuke.GUI:
        nuke.message(text)
    else:
        nuke.tprint("vfx_deepfake: " + text)


def reported(action: Callable[..., Any]) -> Callable[..., Any]:
    """Let an action end in one message instead of a traceback; what it returns then is None."""

    @functools.wraps(action)
    def safe(*given: Any, **named: Any) -> Any:
        try:
            return action(*given, **named)
        except PluginError as error:
            tell(str(error))
        except Exception as error:  # noqa: BLE001  # a button may never show a traceback
            tell("{}: {} ({})".format(action.__name__.replace("_", " "), error, type(error).__name__))
        return None

    return safe
