"""The deliveries of a shot in the order in which they went out: ``deliveries/deliveries.json``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vfx_deepfake.files import read_json, write_json
from vfx_deepfake.provenance.manifest import START, Manifest

LEDGER = "deliveries.json"


def deliveries(folder: Path) -> list[dict[str, Any]]:
    """What was delivered so far; nothing where the shot has no ledger yet."""
    file = folder / LEDGER
    return list(read_json(file)["deliveries"]) if file.is_file() else []


def next_serial(folder: Path) -> tuple[int, str]:
    """Number of the next delivery, and the root of the one before."""
    made = deliveries(folder)
    return (int(made[-1]["serial"]) + 1, str(made[-1]["root"])) if made else (1, START)


def find_delivery(folder: Path, root: str, where: Path) -> Mapping[str, Any] | None:
    """The entry of a delivery that is finished: same content, same place."""
    return next((made for made in deliveries(folder) if made["root"] == root and made["folder"] == str(where)), None)


def enter(folder: Path, manifest: Manifest, where: Path, key: str) -> None:
    """Add a finished delivery."""
    entry = {"serial": manifest.serial, "root": manifest.root, "version": manifest.version, "made_at": manifest.made_at,
             "folder": str(where), "key": key, "releases": list(manifest.lineage["releases"])}  # fmt: skip
    write_json(folder / LEDGER, {"schema": 1, "deliveries": [*deliveries(folder), entry]})
