"""AWS Deadline Cloud: a job bundle, submitted with the ``deadline`` command.

Maps: everything, because Deadline Cloud runs Open Job Description itself: the template goes out as it was decoded. Parameters become
parameter_values, hold and retries ``deadline:`` parameters; files that lie outside the shot's folder (plate, model shot, colour
config) are listed in asset_references, so that job attachments or a storage profile bring them to the worker.
Lossy: retries of the engine come on top of the worker's own.
Not mapped: queue ([farm].queue may name a queue id); other jobs to wait for, which Deadline Cloud does not have: submit them first.

The command is the package ``deadline`` with its AWS configuration; without it the bundle is written and the error says so.

Source: AWS Deadline Cloud developer guide, job bundles; deadline 0.60.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import FarmError
from vfx_deepfake.farm.backends.commands import last_line, overrides, run_client
from vfx_deepfake.farm.backends.submitted import Submitted
from vfx_deepfake.farm.decoded import Decoded
from vfx_deepfake.files import write_json
from vfx_deepfake.progress import Progress
from vfx_deepfake.shot import Shot, load_shot

COMMAND = "deadline"
TEMPLATE, PARAMETERS, ASSETS = "template.json", "parameter_values.json", "asset_references.json"
PRIORITY = 50  # Deadline Cloud's own default


def submit(decoded: Decoded, *, hold: bool, dry_run: bool, folder: Path, progress: Progress) -> Submitted:
    """Write the bundle, let the ``deadline`` command check it, and submit it.

    Raises: FarmError without the command, or with its own words.
    """
    bundle = folder / "bundle"
    files = tuple(bundle / name for name in (TEMPLATE, PARAMETERS, ASSETS))
    if dry_run:
        return Submitted({}, files, tuple(_waits(decoded)))
    write_bundle(decoded, bundle, hold=hold)
    instead = f"submit {bundle} by hand"
    run_client([COMMAND, "bundle", "info", str(bundle)], instead)
    queue = ["--queue-id", decoded.queue] if decoded.queue else []
    said = run_client([COMMAND, "bundle", "submit", str(bundle), "--yes", *queue], instead)
    found = re.search(r"\bjob-[0-9a-f]+\b", said)
    if not found:
        raise FarmError(
            f"{COMMAND}: named no job ({last_line(said)}); look for it in the Monitor before submitting again"
        )
    return Submitted({step.name: found.group() for step in decoded.steps}, files, tuple(_waits(decoded)))


def _waits(decoded: Decoded) -> list[str]:
    return [
        f"{step} must not begin before {' and '.join(others)} is done, which Deadline Cloud does not know; submit with --hold until then"
        for step, others in decoded.outside.items()
    ]


def write_bundle(job: Decoded, folder: Path, *, hold: bool = False) -> list[Path]:
    """The bundle's files."""
    file = Path(job.parameters["ShotFolder"]) / str(job.values["ShotFile"].value)
    shot = load_shot(file, overrides(job))
    content: dict[str, Any] = {
        TEMPLATE: job.template,
        PARAMETERS: {"parameterValues": parameter_values(job, hold)},
        ASSETS: {"assetReferences": asset_references(shot)},
    }
    for name, data in content.items():
        write_json(folder / name, data)
    return [folder / name for name in content]


def parameter_values(job: Decoded, hold: bool) -> list[dict[str, Any]]:
    """The job's parameters, and Deadline Cloud's own ones."""
    values: dict[str, Any] = {
        **job.parameters,
        "deadline:priority": PRIORITY,
        "deadline:targetTaskRunStatus": "SUSPENDED" if hold else "READY",
        "deadline:maxRetriesPerTask": job.retries,
    }
    return [{"name": name, "value": value} for name, value in values.items()]


def asset_references(shot: Shot) -> dict[str, Any]:
    """Folders outside the shot's own that the job reads; what it writes lies inside, which the parameter says."""
    settings = shot.settings
    sources = [settings.plate.pattern, settings.keyframes.pattern, settings.mattes.holdout, settings.mattes.garbage,
               settings.track.file]  # fmt: skip
    outside = {str(Path(shot.paths.source(text)).parent) for text in sources if text}
    outside.add(shot.paths.source(settings.consent.releases))
    files = set[str]()
    if not settings.color.config.startswith("ocio://"):
        files.add(shot.paths.source(settings.color.config))
    if settings.model.shared:
        outside.add(str(load_shot(shot.paths.source(settings.model.shared)).paths.folder))
    return {
        "inputs": {"filenames": _beyond(shot, files), "directories": _beyond(shot, outside)},
        "outputs": {"directories": []},
        "referencedPaths": [],
    }


def _beyond(shot: Shot, paths: Iterable[str]) -> list[str]:
    """The paths that do not lie in the shot's folder."""
    plain = {os.path.normpath(path) for path in paths}  # a path that climbs out with .. lies outside
    return sorted(path for path in plain if not Path(path).is_relative_to(shot.paths.folder))
