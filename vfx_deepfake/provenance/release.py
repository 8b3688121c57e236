"""Who released which likeness for what: ``releases/*.toml``, one file a signed agreement.

What is not granted is not allowed: an operation counts only where the agreement names it. A limit that is not given (ages,
territory, sequences) does not limit. docs/consent.md says where the fields come from.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import tomlkit

from vfx_deepfake.errors import ConsentError, ShotError
from vfx_deepfake.files import hash_data, hash_file
from vfx_deepfake.tables import build

SCHEMA = 2
OF_A_SHOT = ("train", "render", "deliver")  # what every shot needs
CHANGES = ("age", "expression", "dubbing")  # what may be changed: apparent age, expression, the performance itself
HANDED_ON = ("export", "library")  # a trained model handed on, or kept for other trainings
OPERATIONS = (*OF_A_SHOT, *CHANGES, *HANDED_ON)
ALTERATION, SYNTHETIC = "alteration only", "synthetic performer"
KINDS = ("employment-based replica", "independently created replica", ALTERATION, SYNTHETIC)
NEVER = dt.date.max
WITHDRAWAL = ("revoked", "revoked_by", "revoked_why")  # what may be added to a file after it was signed
MINOR_DAYS = 366  # assumed: consent for a minor is asked for again every year
_DATES = ("signed", "valid_from", "valid_until", "retention_until", "revoked")


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One signed release, as its file says it. Patterns take ``*`` and ``?``; both ends of dates and ages count.

    The kinds are those of the performers' 2023 agreements: employment-based, independently created, alteration.
    An alteration changes the person's own performance; putting the likeness on somebody else is a replica.
    A synthetic performer is no real person: only for this kind the document may be missing.
    """

    id: str  # the file's name without .toml
    schema: int = SCHEMA
    identity: str  # as [consent].identity of the shot, or a faceset, names it
    performer: str
    kind: str
    description: str  # of the use, word for word as shown to the performer
    shows: tuple[str, ...]  # productions, e.g. ["northern_light"], or ["*"]
    sequences: tuple[str, ...] = ("*",)  # as [shot].sequence says it
    shots: tuple[str, ...]  # e.g. ["sh0010", "ab_*"], or ["*"]
    operations: tuple[str, ...]  # of OPERATIONS
    ages: tuple[float, ...] = ()  # youngest and oldest age that may be shown, years; empty for any
    territory: tuple[str, ...] = ("*",)  # where it may be shown, as [consent].territory says it
    signed: dt.date
    valid_from: dt.date
    valid_until: dt.date
    retention_until: dt.date = NEVER  # after this day facesets and models of the person must be gone
    revoked: dt.date = NEVER  # from this day on it covers nothing
    revoked_by: str = ""
    revoked_why: str = ""
    contract: str = ""  # reference of the agreement
    compensation: str = ""  # reference of what was paid or agreed for it
    document: str = ""  # the signed paper, relative to the releases folder or wherever the studio keeps it
    document_sha256: str = ""
    approved_by: str  # who checked it for the production
    minor: bool = False  # the person is under age: the extra rules below
    guardian: str = ""  # who signed for a minor
    second_approval: str = ""  # a minor's release is checked by two

    def __post_init__(self) -> None:
        problems = [*self._text_problems(), *self._date_problems(), *self._document_problems(), *self._minor_problems()]
        if self.schema != SCHEMA:
            problems.insert(0, f"schema is {self.schema}; this software knows {SCHEMA}; install a newer one")
        if problems:
            raise ValueError("; ".join(problems))

    def as_data(self) -> dict[str, Any]:
        """Every field as plain data, dates as text."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value)
            if isinstance(value, tuple)
            else value.isoformat()
            if isinstance(value, dt.date)
            else value
            for name, value in values.items()
        }

    @property
    def digest(self) -> str:
        """SHA-256 over what was signed; a withdrawal that is added later does not change it."""
        return hash_data({name: value for name, value in self.as_data().items() if name not in WITHDRAWAL})

    def _text_problems(self) -> Iterable[str]:
        for name in ("identity", "performer", "description", "approved_by"):
            if not getattr(self, name).strip():
                yield f"{name} is empty; it must be said"
        for name in ("shows", "sequences", "shots", "operations", "territory"):
            if not getattr(self, name):
                yield f"{name} is empty; name what is covered"
        if self.kind not in KINDS:
            yield f"kind is '{self.kind}'; choose one of {', '.join(KINDS)}"
        for operation in self.operations:
            if operation not in OPERATIONS:
                yield f"operations names '{operation}'; known are {', '.join(OPERATIONS)}"
        if self.ages and (len(self.ages) != 2 or not 0 <= self.ages[0] <= self.ages[1]):
            yield f"ages is {list(self.ages)}; give the youngest and the oldest age, e.g. [25, 40]"

    def _date_problems(self) -> Iterable[str]:
        timed = [name for name in _DATES if isinstance(getattr(self, name), dt.datetime)]
        if timed:
            yield f"{' and '.join(timed)} must be a plain date such as 2026-03-01, without a time"
        elif self.valid_from < self.signed:
            yield f"valid_from {self.valid_from} lies before signed {self.signed}; consent can't be given backwards"
        elif self.valid_until < self.valid_from:
            yield f"valid_until {self.valid_until} lies before valid_from {self.valid_from}"
        elif self.retention_until < self.valid_from:
            yield f"retention_until {self.retention_until} lies before valid_from {self.valid_from}"

    def _document_problems(self) -> Iterable[str]:
        if not self.document and self.kind != SYNTHETIC:
            yield "document is empty; name the signed paper"
        if bool(self.document) != bool(re.fullmatch("[0-9a-f]{64}", self.document_sha256)):
            yield "document and document_sha256 go together; the hash is 64 lower-case hex digits (sha256sum FILE)"

    def _minor_problems(self) -> Iterable[str]:
        if not self.minor:
            if self.guardian or self.second_approval:
                yield "guardian and second_approval are for minors; set minor = true, or leave them out"
            return
        if not self.guardian.strip():
            yield "guardian is empty; name who signed for the minor"
        if self.second_approval.strip() in ("", self.approved_by.strip()):
            yield "second_approval must name a second person beside approved_by; a minor's release is checked by two"
        kept = [operation for operation in self.operations if operation in HANDED_ON]
        if kept:
            yield f"operations names {' and '.join(kept)}; models of a minor are neither handed on nor kept"
        if (
            not any(isinstance(getattr(self, name), dt.datetime) for name in _DATES)
            and (self.valid_until - self.valid_from).days > MINOR_DAYS
        ):
            yield f"valid_until {self.valid_until} is more than a year after valid_from; a minor's consent is asked for every year"


def release_from_table(table: Mapping[str, Any], name: str, where: str) -> Release:
    """Build a release from the table of its file; ``name`` becomes its id.

    Raises: ConsentError with one line a problem, unknown keys answered with the nearest known ones.
    """
    if table.get("id", name) != name:
        raise ConsentError(f"{where}.id: is {table['id']!r}; the id is the file's name, so leave it out")
    try:
        return build(Release, {**_upgraded(table), "id": name}, where)
    except ShotError as error:
        raise ConsentError(str(error)) from error


def _upgraded(table: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 1 had one word, render, for making frames, changing age and expression in them, and delivering them."""
    operations = table.get("operations")
    if table.get("schema") != 1 or not isinstance(operations, list):
        return dict(table)
    implied = ["deliver", "age", "expression"] if "render" in operations else []
    return {**table, "schema": 2, "operations": [*operations, *implied]}


def check_document(release: Release, folder: Path) -> None:
    """A paper that can be reached must be the one that was signed; one kept elsewhere is not looked for.

    Raises: ConsentError.
    """
    path = folder / release.document
    if not (release.document and path.is_file()):
        return
    try:
        found = hash_file(path)
    except OSError as error:
        raise ConsentError(f"{path}: release '{release.id}': its document can't be read ({error.strerror})") from error
    if found != release.document_sha256:
        raise ConsentError(
            f"{path}: is not the document that release '{release.id}' was filed with (its SHA-256 is {found}); "
            "restore the signed one, or file a new release for the changed one"
        )


def release_text(release: Release) -> str:
    """The file of a release: every field that says something."""
    values = {field.name: getattr(release, field.name) for field in fields(release) if field.name != "id"}
    said = {key: value for key, value in values.items() if value not in ("", NEVER, ()) and value is not False}
    return tomlkit.dumps({key: list(value) if isinstance(value, tuple) else value for key, value in said.items()})
