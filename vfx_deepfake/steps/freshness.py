"""Is a stage's output up to date? A small record beside the outputs says what they were made from and what they are.

A stage is fresh when the hash over its inputs and settings is the recorded one and every output is still the file that was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import hash_data, hash_file, read_json, write_json


def is_fresh(record: Path, inputs: Mapping[str, Any]) -> bool:
    """True when ``record`` was made from ``inputs`` and its outputs are untouched. A damaged record counts as not fresh."""
    try:
        data = read_json(record)
        outputs = data["outputs"]
        return data["inputs_hash"] == hash_data(inputs) and all(
            hash_file(record.parent / name) == digest for name, digest in outputs.items()
        )
    except (ArtistError, OSError, KeyError, TypeError, AttributeError):
        return False


def write_record(record: Path, inputs: Mapping[str, Any], outputs: Iterable[Path], **more: Any) -> None:
    """Record what a stage has made; written last, so that a killed stage has no record.

    ``outputs`` lie in the record's folder or below; ``more`` is kept beside (timings, figures).
    """
    hashes = {str(path.relative_to(record.parent)): hash_file(path) for path in outputs}
    write_json(record, {"inputs": inputs, "inputs_hash": hash_data(inputs), "outputs": hashes, **more})
