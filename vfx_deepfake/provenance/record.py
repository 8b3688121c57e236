"""The record of a version: everything that made it, as plain data in ``version.json``."""

from __future__ import annotations

import datetime
import getpass
import os
import platform
import socket
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from vfx_deepfake import __version__
from vfx_deepfake.files import hash_data, hash_file

RECORD_SCHEMA = 2  # described in version_record.json
LIBRARIES = (
    "torch",
    "numpy",
    "OpenImageIO",
    "opencolorio",
    "opencv-python-headless",
    "kornia",
    "mediapipe",
    "safetensors",
)


@cache
def code_identity() -> dict[str, str]:
    """Version of this package, a hash over its source files, and versions of the libraries that touch pixels.

    Taken once a process: an update under a running job does not change what runs.
    """
    root = Path(__file__).parents[1]
    sources = {str(path.relative_to(root)): hash_file(path) for path in sorted(root.rglob("*.py"))}
    return {
        "version": __version__,
        "source_hash": hash_data(sources),
        **{f"library.{n}": _library_version(n) for n in LIBRARIES},
    }


def _library_version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def host_identity() -> dict[str, str]:
    """Where and by whom: host, user, system, Python."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return {
        "host": socket.gethostname(),
        "user": user,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def now() -> str:
    """The present moment, UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()


def version_record(*, shot: str, version: int, inputs: dict[str, Any], settings: dict[str, Any], frames: dict[str, dict[str, str]],
                   timings_s: dict[str, float], **more: Any) -> dict[str, Any]:  # fmt: skip
    """The content of ``version.json``.

    inputs: hashes and names of all that was read; settings: every setting, defaults too; frames: hash by file name, per format.
    ``inputs_hash`` is the identity of the version: the same inputs, settings and code give the same frames.
    """
    return {
        "record_schema": RECORD_SCHEMA,
        "shot": shot,
        "version": f"v{version:03d}",
        "status": "pending_review",
        "made_at": now(),
        "made_by": host_identity(),
        "code": code_identity(),
        "inputs": inputs,
        "inputs_hash": hash_data(inputs),
        "settings": settings,
        "frames": frames,
        "frames_hash": hash_data(frames),
        "timings_s": {name: round(seconds, 3) for name, seconds in timings_s.items()},
        **more,
    }
