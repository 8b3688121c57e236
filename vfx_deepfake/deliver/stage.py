"""``deliver``: an approved version as a signed package, whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from vfx_deepfake.deliver.approval import Approved, approved_version, releases_of
from vfx_deepfake.deliver.credentials import delivery_credential, put_credentials
from vfx_deepfake.deliver.ledger import enter, find_delivery, next_serial
from vfx_deepfake.deliver.package import folder_name, frame_items, other_files, put_file, put_frames
from vfx_deepfake.errors import DeliveryError, located
from vfx_deepfake.files import disk_error, flush_to_disk, one_writer, sweep_parts
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.keys import key_id
from vfx_deepfake.provenance.manifest import MANIFEST, SIGNATURE, Manifest, entries_of, write_manifest
from vfx_deepfake.provenance.record import host_identity, now
from vfx_deepfake.provenance.signing import Signing
from vfx_deepfake.steps.consent import needs_release, require_release
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.review_mark import is_marked

SCRATCH = ".made"  # frames that the version does not hold, while they are packed


def deliver_stage(
    opened: OpenShot, signing: Signing, progress: Progress, *, version: str = "", to: str = ""
) -> dict[str, Any]:
    """Pack an approved version: frames verified and stamped, its record, review pictures, manifest and signature.

    version: e.g. v003, empty for the newest approved one. to: the folder that receives the delivery's own; empty for the shot's
    ``deliveries``. Pictures and movies carry credentials where the key has a chain. Killed, it goes on from the frames that are packed.
    Raises: DeliveryError with the reason why the version can't go out, or when the disk refuses; ConsentError; ReviewError.
    """
    with one_writer(opened.shot.paths.work, f"vfx-deepfake deliver of {opened.name}"), located(opened.name):
        if needs_release(opened.shot):
            require_release(opened.shot, "deliver")
        chosen = approved_version(opened, version, progress)
        opened.hashes.save()
        place = (Path(to).absolute() if to else opened.shot.paths.deliveries) / folder_name(
            opened.settings, chosen.paths.number
        )
        if place.exists():
            raise DeliveryError(
                f"{place}: exists already and stays as it was delivered; choose another folder with --to"
            )
        making = place.with_name(f".{place.name}.{chosen.record['frames_hash'][:12]}.making")
        sweep_parts(making)
        manifest = _pack(opened, chosen, making, signing, progress)
        _publish(making, place)
        if find_delivery(opened.shot.paths.deliveries, manifest.root, place) is None:
            enter(opened.shot.paths.deliveries, manifest, place, key_id(signing.signer.public))
    return {"delivery": str(place), "version": manifest.version, "serial": manifest.serial, "files": len(manifest.files),
            "manifest": manifest.root, "key": key_id(signing.signer.public),
            "credentials": len(manifest.lineage["credentials"]) if signing.chain else "none: no certificate chain"}  # fmt: skip


def _pack(opened: OpenShot, chosen: Approved, making: Path, signing: Signing, progress: Progress) -> Manifest:
    releases = releases_of(chosen.record)
    name = f"v{chosen.paths.number:03d}"
    items = frame_items(opened, chosen.paths, ", ".join(releases), making / SCRATCH, progress)
    root = put_frames(items, making, f"{opened.name}_{name}", progress)
    others = other_files(chosen.paths, movie=opened.settings.pack.movie)
    if opened.settings.pack.movie and is_marked(chosen.paths):
        progress.say("the review movie carries the mark of work in progress and is left out")
    for target, source in others.items():
        put_file(source, making / target)
    credited = put_credentials(making, others, delivery_credential(chosen, root), signing)
    shutil.rmtree(making / SCRATCH, ignore_errors=True)
    files: dict[str, int | None] = {item.name: item.frame for item in items}
    entries = entries_of(making, {**files, **dict.fromkeys(others)})
    serial, previous = next_serial(opened.shot.paths.deliveries)
    manifest = Manifest(
        show=opened.settings.shot.show, shot=opened.name, version=name, serial=serial, previous=previous, made_at=now(),
        made_by=host_identity(), root=root, files=entries,
        lineage={
            "record_hash": chosen.standing["record_hash"], "inputs_hash": chosen.record["inputs_hash"],
            "frames_hash": chosen.record["frames_hash"], "releases": releases,
            "digitally_altered": bool(chosen.record.get("digitally_altered")),
            "approved_by": chosen.standing["decided_by"], "approved_at": chosen.standing["decided_at"],
            "credentials": credited,
        },
    )  # fmt: skip
    for left in (MANIFEST, SIGNATURE):
        (making / left).unlink(missing_ok=True)
    write_manifest(making, manifest, signing.signer)
    return manifest


def _publish(making: Path, place: Path) -> None:
    try:
        os.rename(making, place)
        flush_to_disk(place.parent)
    except OSError as error:
        raise disk_error(place, error) from error
