"""De-aging and face replacement for film shots: from a linear plate to a log delivery.

What the command line does, from Python::

    from vfx_deepfake import Shot, load_shot, run_shot, submit_batch, read_shotlist, shot_status

Every function raises an error of :mod:`vfx_deepfake.errors` where the command line would say one line; none asks anything.
docs/examples/night_batch.py is a worked example.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# name -> module; loaded when first asked for, so that importing the package costs nothing
_API = {
    "Shot": "shot",
    "load_shot": "shot",
    "InitRequest": "steps.init",
    "init_shot": "steps.init",
    "CheckReport": "steps.check",
    "check_shot": "steps.check",
    "plan_shot": "steps.pipeline",
    "run_shot": "steps.pipeline",
    "submit_shot": "farm.job",
    "Submitted": "farm.backends",
    "Entry": "farm.shotlist",
    "Listed": "farm.shotlist",
    "list_shots": "farm.shotlist",
    "read_shotlist": "farm.shotlist",
    "Sent": "farm.batch",
    "submit_batch": "farm.batch",
    "ShotStatus": "farm.status",
    "shot_status": "farm.status",
    "Progress": "progress",
    "Silent": "progress",
    "VfxError": "errors",
    "ArtistError": "errors",
    "RetryError": "errors",
}
__all__ = ["__version__", *_API]


def __getattr__(name: str) -> Any:
    if name not in _API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_API[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_API})
