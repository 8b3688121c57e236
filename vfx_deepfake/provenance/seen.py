"""What a receiver remembers of deliveries: the newest of each shot, so that an older one can't be passed off as new."""

from __future__ import annotations

from pathlib import Path

from vfx_deepfake.files import read_json, write_json
from vfx_deepfake.provenance.manifest import Manifest


def newest_seen(file: Path, manifest: Manifest) -> tuple[int, str] | None:
    """Serial and root of the newest delivery of the manifest's shot that was seen; None for the first."""
    if not file.is_file():
        return None
    entry = read_json(file).get(_name(manifest))
    return (int(entry["serial"]), str(entry["root"])) if entry else None


def remember(file: Path, manifest: Manifest) -> None:
    """Note a delivery that was found intact."""
    known = read_json(file) if file.is_file() else {}
    write_json(file, {**known, _name(manifest): {"serial": manifest.serial, "root": manifest.root}})


def _name(manifest: Manifest) -> str:
    return f"{manifest.show}/{manifest.shot}"
