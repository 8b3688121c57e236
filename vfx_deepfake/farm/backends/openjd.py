"""``openjd``: the job as a bundle that any Open Job Description engine reads, for example ``openjd run``.

Maps: everything; the template is the job. Steps, dependencies, chunks, host needs, time limits and cancelation, variables, path mapping
(``openjd run --path-mapping-rules``).

Lossy: nothing is lost in the bundle. ``openjd run`` itself ignores host needs and runs the tasks one after the other.

Not mapped: submission, priority, queue and hold, which the format leaves to the engine; so nothing is submitted here.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends.submitted import Submitted
from vfx_deepfake.farm.decoded import Decoded
from vfx_deepfake.files import write_json
from vfx_deepfake.progress import Progress


def submit(decoded: Decoded, *, hold: bool, dry_run: bool, folder: Path, progress: Progress) -> Submitted:
    """Write ``template.json`` and ``parameters.json``, and say how to run them.

    Raises: FarmError with ``hold``: a bundle is not submitted, so there is nothing to hold.
    """
    if hold:
        raise FarmError("--hold: a bundle only waits on disk; hold the job in the engine that you submit it to")
    files = folder / "template.json", folder / "parameters.json"
    if not dry_run:
        write_bundle(decoded, *files)
    command = shlex.join(["openjd", "run", str(files[0]), "-p", f"file://{files[1]}"])
    return Submitted({}, files, (f"run it here with: {command}",))


def write_bundle(decoded: Decoded, template: Path, parameters: Path) -> None:
    """Template and parameter values as two JSON files, as ``openjd run`` takes them."""
    write_json(template, decoded.template)
    values: dict[str, Any] = dict(decoded.parameters)
    write_json(parameters, values)
