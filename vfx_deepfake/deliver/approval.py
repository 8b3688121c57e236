"""What may leave the house: approved, not overtaken, unchanged, and covered by a release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import hash_data, hash_file, read_json
from vfx_deepfake.frames import format_frames
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import Progress
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.place import find_place
from vfx_deepfake.review.store import open_store
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.release_report import releases_of_version

APPROVED = "approved"


@dataclass(frozen=True)
class Approved:
    """A version that may be delivered: its files, its record, and how it stands in review."""

    paths: VersionPaths
    record: Mapping[str, Any]
    standing: Mapping[str, Any]


def approved_version(opened: OpenShot, version: str, progress: Progress) -> Approved:
    """The version to deliver, every frame compared with the hash on record.

    ``version`` empty takes the newest approved one.
    Raises: DeliveryError with the reason why it can't go out; ReviewError without a review database.
    """
    show, shot = opened.settings.shot.show, opened.name
    with open_store(find_place(opened.shot.paths.folder)) as store:
        name = version or _newest_approved(opened, store)
        standing = about(store, VersionName(show, shot, name))
    if standing["state"] != APPROVED:
        raise DeliveryError(f"{shot} {name}: {_refusal(standing)}")
    paths = opened.shot.paths.version(int(name.removeprefix("v")))
    record = read_json(paths.record)
    if hash_data(record) != standing["record_hash"]:
        raise DeliveryError(f"{shot} {name}: version.json is not the one that was approved; restore it from its backup, "
                            "or make and review a new version")  # fmt: skip
    _refuse_stale(opened, record, name)
    _refuse_changed(paths, record, f"{shot} {name}", progress)
    return Approved(paths, record, standing)


def _newest_approved(opened: OpenShot, store: Any) -> str:
    for number in reversed(opened.shot.paths.version_numbers()):
        name = f"v{number:03d}"
        if about(store, VersionName(opened.settings.shot.show, opened.name, name))["state"] == APPROVED:
            return name
    raise DeliveryError(f"{opened.name}: no version is approved; have one approved in review first")


def _refusal(standing: Mapping[str, Any]) -> str:
    state = standing["state"]
    if state == "superseded":
        return "was overtaken by a newer approved version; deliver that one"
    if state == "changes_requested":
        who, why = standing["decided_by"] or "review", standing["reason"] or "no reason given"
        return f"{who} asked for changes ('{why}'); make a new version and have it approved"
    return f"is not approved (it stands as '{state}'); have it approved in review first"


def _refuse_stale(opened: OpenShot, record: Mapping[str, Any], name: str) -> None:
    """A version whose plate was changed since is not of this plate any more."""
    made_from = record["inputs"]["plate"]
    now = opened.hashes.of_all(opened.plate_files())
    changed = sorted(file for file in {*made_from, *now} if made_from.get(file) != now.get(file))
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise DeliveryError(f"{opened.name} {name}: its plate has changed since it was made ({', '.join(changed[:3])}{more}); "
                            "run the shot again and have the new version approved")  # fmt: skip


def _refuse_changed(paths: VersionPaths, record: Mapping[str, Any], where: str, progress: Progress) -> None:
    frames = record["frames"]
    progress.start("hashes", len(frames), "frames")
    damaged = []
    for done, (frame, outputs) in enumerate(frames.items(), 1):
        if any(not _is(paths.folder / file, digest) for file, digest in outputs.items()):
            damaged.append(int(frame))
        progress.advance(done)
    progress.finish()
    if damaged:
        raise DeliveryError(f"{where}: frames {format_frames(damaged)} are not the ones that were approved (missing or changed on disk); "
                            "restore them from a backup")  # fmt: skip


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and hash_file(path) == digest


def releases_of(record: Mapping[str, Any]) -> list[str]:
    """The releases that the version was made under."""
    return sorted({name for name in releases_of_version(record).values() if name})
