"""The lineage record of a version: its schema, and whether a ``version.json`` keeps to it.

The schema is ``version_record.json`` beside this file (JSON Schema 2020-12), explained in docs/lineage.md. Records of schema 1, without
transforms, models and releases by person, are still read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import read_json

SCHEMA_FILE = Path(__file__).with_name("version_record.json")


def read_record(path: Path) -> dict[str, Any]:
    """A version's record.

    Raises: ArtistError naming the first places where it does not keep to its schema.
    """
    record = read_json(path)
    problems = record_problems(record)
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ArtistError(
            f"{path}: is no record of a version: {'; '.join(problems[:3])}{more}; restore it from its backup"
        )
    return record


def record_problems(record: Mapping[str, Any]) -> list[str]:
    """Where a record does not keep to its schema, a line a place; empty when it does."""
    found = sorted(_validator().iter_errors(record), key=lambda error: [str(step) for step in error.absolute_path])
    return [f"{'.'.join(map(str, error.absolute_path)) or 'the record'}: {error.message[:160]}" for error in found]


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # loads slowly, and only records need it

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
