"""Who released which likeness for what: ``releases/*.toml``, and the gate in front of training and rendering.

One file is one signed release. A file that can't be understood stops the gate too: what it withdraws is not known.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import tomlkit

from vfx_deepfake.errors import ConsentError, ShotError
from vfx_deepfake.files import hash_file, write_text
from vfx_deepfake.tables import build, read_toml

SCHEMA = 1
OF_A_SHOT = ("train", "render")  # what every shot needs
OPERATIONS = (*OF_A_SHOT, "export", "library")  # and handing a trained model on, or keeping it for other trainings
SYNTHETIC = "synthetic performer"
KINDS = ("employment-based replica", "independently created replica", "alteration only", SYNTHETIC)
NEVER = dt.date.max
_HOW_TO = "file a signed one that does with 'vfx-deepfake release add', or correct the shot"


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """One signed release, as its file says it. Patterns take ``*`` and ``?``; both ends of the dates count.

    The kinds are those of the performers' 2023 agreements: employment-based, independently created, alteration.
    A synthetic performer is no real person: only for this kind the document may be missing.
    """

    id: str  # the file's name without .toml
    schema: int = SCHEMA
    identity: str  # as [consent].identity of the shot names it
    performer: str
    kind: str
    description: str  # of the use, word for word as shown to the performer
    shows: tuple[str, ...]  # e.g. ["northern_light"], or ["*"]
    shots: tuple[str, ...]  # e.g. ["sh0010", "ab_*"], or ["*"]
    operations: tuple[str, ...]  # of OPERATIONS
    signed: dt.date
    valid_from: dt.date
    valid_until: dt.date
    revoked: dt.date = NEVER  # from this day on it covers nothing
    document: str = ""  # the signed paper, relative to the releases folder or wherever the studio keeps it
    document_sha256: str = ""
    approved_by: str  # who checked it for the production

    def __post_init__(self) -> None:
        problems = [*self._text_problems(), *self._date_problems(), *self._document_problems()]
        if self.schema != SCHEMA:
            problems.insert(0, f"schema is {self.schema}; this software knows {SCHEMA}; install a newer one")
        if problems:
            raise ValueError("; ".join(problems))

    def _text_problems(self) -> Iterable[str]:
        for name in ("identity", "performer", "description", "approved_by"):
            if not getattr(self, name).strip():
                yield f"{name} is empty; it must be said"
        for name in ("shows", "shots", "operations"):
            if not getattr(self, name):
                yield f"{name} is empty; name what is covered"
        if self.kind not in KINDS:
            yield f"kind is '{self.kind}'; choose one of {', '.join(KINDS)}"
        for operation in self.operations:
            if operation not in OPERATIONS:
                yield f"operations names '{operation}'; known are {', '.join(OPERATIONS)}"

    def _date_problems(self) -> Iterable[str]:
        dates = {name: getattr(self, name) for name in ("signed", "valid_from", "valid_until", "revoked")}
        timed = [name for name, value in dates.items() if isinstance(value, dt.datetime)]
        if timed:
            yield f"{' and '.join(timed)} must be a plain date such as 2026-03-01, without a time"
        elif self.valid_from < self.signed:
            yield f"valid_from {self.valid_from} lies before signed {self.signed}; consent can't be given backwards"
        elif self.valid_until < self.valid_from:
            yield f"valid_until {self.valid_until} lies before valid_from {self.valid_from}"

    def _document_problems(self) -> Iterable[str]:
        if not self.document and self.kind != SYNTHETIC:
            yield "document is empty; name the signed paper"
        if bool(self.document) != bool(re.fullmatch("[0-9a-f]{64}", self.document_sha256)):
            yield "document and document_sha256 go together; the hash is 64 lower-case hex digits (sha256sum FILE)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What somebody wants to do with a likeness."""

    identity: str
    operation: str  # one of OPERATIONS
    show: str
    shot: str
    date: dt.date

    def __str__(self) -> str:
        return f"{self.operation} of '{self.identity}' in show '{self.show}', shot '{self.shot}' on {self.date}"


def refusals(release: Release, use: Use) -> list[str]:
    """Why a release does not cover a use, in plain words; empty when it does."""
    reasons = []
    if release.identity != use.identity:
        reasons.append(f"is for '{release.identity}'")
    if use.operation not in release.operations:
        reasons.append(f"is for {' and '.join(release.operations)} only")
    if not any(fnmatchcase(use.show, pattern) for pattern in release.shows):
        reasons.append(f"is for show {' or '.join(map(repr, release.shows))}")
    if not any(fnmatchcase(use.shot, pattern) for pattern in release.shots):
        reasons.append(f"is for shot {' or '.join(map(repr, release.shots))}")
    if use.date < release.valid_from:
        reasons.append(f"begins on {release.valid_from}")
    if use.date > release.valid_until:
        reasons.append(f"ran out on {release.valid_until}")
    if use.date >= release.revoked:
        reasons.append(f"was revoked on {release.revoked}")
    return reasons


def require(releases: Iterable[Release], use: Use) -> Release:
    """The release that covers a use; of several the one that runs longest.

    Raises: ConsentError saying what was asked, why each release on record does not cover it, and what to do.
    """
    if use.operation not in OPERATIONS:
        raise ValueError(f"operation is '{use.operation}'; known are {', '.join(OPERATIONS)}")
    on_record = tuple(releases)
    if not use.identity:
        raise ConsentError(f"[consent].identity is empty; say whose it is, as a release names it{_known(on_record)}")
    covering = [release for release in on_record if not refusals(release, use)]
    if covering:
        return max(covering, key=lambda release: (min(release.valid_until, release.revoked), release.id))
    lines = [f"{use}: no release covers it; {_HOW_TO}"]
    lines += [f"  {release.id}: {', '.join(refusals(release, use))}" for release in on_record]
    if not on_record:
        lines.append("  there is no release on record")
    near = difflib.get_close_matches(use.identity, {release.identity for release in on_record} - {use.identity}, n=1)
    if near:
        lines.append(f"  did you mean identity '{near[0]}'?")
    raise ConsentError("\n".join(lines))


def _known(releases: Iterable[Release]) -> str:
    names = sorted({release.identity for release in releases})
    return f"; on record: {', '.join(names)}" if names else "; no release is on record"


def state(release: Release, on: dt.date) -> str:
    """How a release stands on a day: not yet valid, valid, run out or revoked."""
    if on >= release.revoked:
        return f"revoked on {release.revoked}"
    if on < release.valid_from:
        return f"begins on {release.valid_from}"
    if on > release.valid_until:
        return f"ran out on {release.valid_until}"
    return f"valid until {release.valid_until}"


def load_releases(folder: Path) -> tuple[Release, ...]:
    """Every release of a folder, by name; a folder that is not there holds none.

    Raises: ConsentError with one line for every problem of every file, changed documents included.
    """
    found, problems = [], []
    for path in sorted(folder.glob("*.toml")):
        try:
            release = release_from_table(read_toml(path), path.stem, str(path))
            _check_document(release, folder)
            found.append(release)
        except (ShotError, ConsentError) as error:
            problems.append(str(error))
    if problems:
        raise ConsentError("\n".join(problems))
    return tuple(found)


def release_from_table(table: Mapping[str, Any], name: str, where: str) -> Release:
    """Build a release from the table of its file; ``name`` becomes its id.

    Raises: ConsentError with one line a problem, unknown keys answered with the nearest known ones.
    """
    if table.get("id", name) != name:
        raise ConsentError(f"{where}.id: is {table['id']!r}; the id is the file's name, so leave it out")
    try:
        return build(Release, {**table, "id": name}, where)
    except ShotError as error:
        raise ConsentError(str(error)) from error


def _check_document(release: Release, folder: Path) -> None:
    """A paper that can be reached must be the one that was signed; one kept elsewhere is not looked for."""
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


def add_release(folder: Path, table: Mapping[str, Any]) -> Path:
    """File a release; ``table`` holds its fields, and ``id`` if it shall not be named by identity and day of signature.

    The hash of a document that lies on this disk is taken now. Returns the file, which is written whole or not at all.
    Raises: ConsentError with every problem of the fields, or when the id is taken.
    """
    values = dict(table)
    name = str(values.pop("id", "") or f"{values.get('identity', '')}_{values.get('signed', '')}")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise ConsentError(f"id '{name}' can't be a file name; give id=NAME of letters, digits, dash and underscore")
    if values.get("document") and "document_sha256" not in values and (folder / str(values["document"])).is_file():
        values["document_sha256"] = hash_file(folder / str(values["document"]))
    release = release_from_table(values, name, "release")
    _check_document(release, folder)
    path = folder / f"{name}.toml"
    if path.exists():
        raise ConsentError(f"{path}: exists already and stays as it was signed; give the new release another id")
    write_text(path, release_text(release))
    return path


def release_text(release: Release) -> str:
    """The file of a release: every field that says something."""
    values = {field.name: getattr(release, field.name) for field in fields(release) if field.name != "id"}
    said = {key: value for key, value in values.items() if value not in ("", NEVER)}
    return tomlkit.dumps({key: list(value) if isinstance(value, tuple) else value for key, value in said.items()})
