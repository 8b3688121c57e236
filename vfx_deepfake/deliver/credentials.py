"""Credentials of delivered pictures and movies: they name the version's record and the delivery's manifest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vfx_deepfake.deliver.approval import Approved, releases_of
from vfx_deepfake.files import hash_data
from vfx_deepfake.provenance.credentials import Credential, carries, embed
from vfx_deepfake.provenance.signing import Signing
from vfx_deepfake.settings import ModelSpec


def delivery_credential(chosen: Approved, root: str) -> Credential:
    """What the files of a delivery say of themselves; root: of the delivery's manifest."""
    record = chosen.record
    return Credential(
        version=f"{record['shot']}_{record['version']}", shot=record["shot"], altered=bool(record.get("digitally_altered")),
        trained=ModelSpec(method=record["settings"]["model"]["method"]).trains, plate=hash_data(record["inputs"]["plate"]),
        lineage={
            "record_hash": chosen.standing["record_hash"], "inputs_hash": record["inputs_hash"],
            "releases": releases_of(record), "manifest_root": root,
        },
    )  # fmt: skip


def put_credentials(folder: Path, names: Iterable[str], credential: Credential, signing: Signing) -> list[str]:
    """Write credentials into those of the files that can carry them, in place of their own; returns their names.

    Nothing where the signing key has no chain. Raises: ArtistError where they can't be written.
    """
    if signing.chain is None:
        return []
    chosen = sorted(name for name in names if carries(name))
    for name in chosen:
        embed(folder / name, credential, signing.signer, signing.chain, signing.timestamp_url)
    return chosen
