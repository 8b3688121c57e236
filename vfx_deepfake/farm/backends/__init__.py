"""The engines by name. Each module translates a decoded job; heavy clients are imported when they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends import deadline10, deadline_cloud, local, opencue, openjd, slurm, tractor
from vfx_deepfake.farm.backends.submitted import Submitted as Submitted
from vfx_deepfake.farm.decoded import Decoded
from vfx_deepfake.progress import Progress


class Submit(Protocol):
    """Hand a decoded job to an engine."""

    def __call__(self, decoded: Decoded, *, hold: bool, dry_run: bool, folder: Path, progress: Progress) -> Submitted:
        """``folder``: the submission's own, for scripts and logs; with ``dry_run`` it is not there and nothing is written or sent.

        Raises: FarmError where the engine is missing or refuses.
        """


@dataclass(frozen=True, slots=True)
class Backend:
    """One engine. maps_paths: it rewrites PATH parameters itself, by rules of its own; else ``[farm].path_map`` is applied here."""

    submit: Submit
    maps_paths: bool = False


BACKENDS: dict[str, Backend] = {
    "local": Backend(local.submit, maps_paths=True),
    "openjd": Backend(openjd.submit, maps_paths=True),
    "slurm": Backend(slurm.submit),
    "deadline-cloud": Backend(deadline_cloud.submit, maps_paths=True),
    "opencue": Backend(opencue.submit),
    "deadline10": Backend(deadline10.submit),
    "tractor": Backend(tractor.submit),
}


def backend_named(name: str) -> Backend:
    """The engine of that name.

    Raises: FarmError with the known names.
    """
    if name not in BACKENDS:
        raise FarmError(f"--farm {name}: is not known; choose one of {', '.join(BACKENDS)}")
    return BACKENDS[name]
