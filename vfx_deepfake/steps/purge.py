"""``release purge``: facesets, runs, models and leftovers of a release that has ended are removed, with a signed record of what went.

The plan is written first, then its files are removed, then the record is signed: killed in between, the same command goes on. Versions
and deliveries stay unless asked for, because what has been delivered is a matter of the contract; they are named in the record.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ConsentError
from vfx_deepfake.files import disk_error, hash_file, one_writer, read_json, write_json
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.gate import state
from vfx_deepfake.provenance.keys import ALGORITHM, Signer, is_signature, key_id
from vfx_deepfake.provenance.manifest import canonical
from vfx_deepfake.provenance.record import host_identity, now
from vfx_deepfake.provenance.register import load_releases
from vfx_deepfake.provenance.release import Release
from vfx_deepfake.steps.release_report import DELIVERY, VERSION, Touched, find_release, touched_by

SCHEMA = 1
PLANNED, DONE = "planned", "done"


def purge(folder: Path, name: str, where: Path, libraries: Sequence[Path], *, signer: Signer | None, with_versions: bool,
          progress: Progress) -> dict[str, Any]:  # fmt: skip
    """Remove what was made under an ended release below ``where``; without ``signer`` only say what would go.

    Raises: ConsentError while the release is in force, when something can't be read, or for a release that is not on record.
    """
    release = find_release(folder, name)
    today = dt.date.today()
    if today < release.revoked and today <= release.valid_until and today <= release.retention_until:
        raise ConsentError(
            f"{name}: is in force ({state(release, today)}); withdraw it first with 'vfx-deepfake release revoke'"
        )
    file = folder / f"removed_{name}.json"
    with one_writer(folder, f"vfx-deepfake release purge of {name}"):
        plan = read_json(file) if file.is_file() else {}
        if plan.get("state") != PLANNED:
            plan = _plan(release, folder, where, libraries, with_versions=with_versions, before=plan)
        lines = [f"{each['kind']:9} {each['name']}  {each['path']}" for each in plan["removes"]]
        kept = [f"stays: {each['kind']} {each['name']}  {each['path']}" for each in plan["stays"]]
        if signer is None:
            return {"would_remove": len(plan["removes"]), "lines": [*lines, *kept]}
        write_json(file, plan)
        _remove(plan, progress)
        done = {**plan, "state": DONE, "removed_at": now(), "removed_by": host_identity()}
        write_json(file, {**done, "signature": {"algorithm": ALGORITHM, "key": key_id(signer.public), "public": signer.public.hex(),
                                                "signature": signer.sign(canonical(done)).hex()}})  # fmt: skip
    return {"removed": len(plan["removes"]), "record": str(file), "lines": [*lines, *kept]}


def is_genuine(record: dict[str, Any], public: str) -> bool:
    """True when a record of removal is signed, as it stands, by the key with these hex digits."""
    unsigned = {key: value for key, value in record.items() if key != "signature"}
    said = record.get("signature", {})
    return said.get("public") == public and is_signature(
        bytes.fromhex(public), canonical(unsigned), bytes.fromhex(said["signature"])
    )


def _plan(
    release: Release,
    folder: Path,
    where: Path,
    libraries: Sequence[Path],
    *,
    with_versions: bool,
    before: dict[str, Any],
) -> dict[str, Any]:
    problems: list[str] = []
    touched = list(touched_by(release, where, libraries, problems))
    if problems:
        raise ConsentError(
            "\n".join(["what can't be read may hold the person's face; mend or remove it first:", *problems])
        )
    others = [each for each in load_releases(folder) if each.identity == release.identity and each.id != release.id]
    in_force = [each for each in others if state(each, dt.date.today()).startswith("valid")]
    going = [each for each in touched if _goes(each, release, with_versions=with_versions, in_force=in_force)]
    entries = [
        {"kind": each.kind, "name": each.name, "path": str(each.path), "files": _files(each.path)} for each in going
    ]
    return {
        "kind": "vfx_deepfake record of removal", "schema": SCHEMA, "state": PLANNED, "release": release.as_data(), "planned_at": now(),
        "removes": [*before.get("removes", ()), *entries],
        "stays": [{"kind": each.kind, "name": each.name, "path": str(each.path)} for each in touched if each not in going],
    }  # fmt: skip


def _goes(each: Touched, release: Release, *, with_versions: bool, in_force: Sequence[Release]) -> bool:
    """Models and material go; what names no release stays while another one of the same person is in force."""
    if each.releases.get(release.identity) != release.id and in_force:
        return False
    return with_versions if each.kind in (VERSION, DELIVERY) else True


def _files(path: Path) -> dict[str, str]:
    """SHA-256 of every file, by its path below; of what is gone already nothing."""
    if path.is_file():
        return {"": hash_file(path)}
    return {str(file.relative_to(path)): hash_file(file) for file in _below(path)}


def _below(path: Path) -> Iterator[Path]:
    return (file for file in sorted(path.rglob("*")) if file.is_file() and not file.is_symlink())


def _remove(plan: dict[str, Any], progress: Progress) -> None:
    progress.start("purge", len(plan["removes"]), "folders")
    for done, entry in enumerate(plan["removes"], 1):
        path = Path(entry["path"])
        try:
            if path.is_dir():
                _make_writable(path)
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(path, error) from error
        progress.advance(done)
    progress.finish()


def _make_writable(folder: Path) -> None:
    """Published files are read-only; their folders decide whether they can be removed."""
    for place, _, _ in os.walk(folder):
        os.chmod(place, os.stat(place).st_mode | 0o700)
