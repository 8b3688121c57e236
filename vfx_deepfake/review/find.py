"""Finding shots and versions by what people call them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from vfx_deepfake.errors import NotThereError, ReviewError
from vfx_deepfake.review.models import PENDING, Shot, Version


@dataclass(frozen=True, slots=True)
class VersionName:
    """What a version is called: the show's name, empty for none; the shot's; ``v003``."""

    show: str
    shot: str
    version: str

    def __str__(self) -> str:
        return f"{self.shot} {self.version}"

    @property
    def number(self) -> int:
        """3 of ``v003``.

        Raises: ReviewError for anything else.
        """
        digits = self.version.removeprefix("v")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 6):
            raise ReviewError(f"{self}: want a version such as v003")
        return int(digits)


def find_shot(session: Session, show: str, shot: str) -> Shot | None:
    """The shot's row; None before its first version is registered."""
    return session.scalar(select(Shot).where(Shot.show == show, Shot.name == shot))


def find_version(session: Session, name: VersionName) -> Version:
    """The version's row.

    Raises: ReviewError listing those that are on record.
    """
    number = name.number
    of = select(Version).join(Shot).where(Shot.show == name.show, Shot.name == name.shot, Version.number == number)
    version = session.scalar(of)
    if version is None:
        shot = find_shot(session, name.show, name.shot)
        known = ", ".join(each.name for each in shot.versions) if shot else ""
        on_record = f"on record: {known}" if known else "no version of this shot is"
        raise NotThereError(
            f"{name}: is not registered; {on_record}; 'vfx-deepfake review register' puts published ones on record"
        )
    return version


def name_of(version: Version) -> VersionName:
    """What a version is called."""
    return VersionName(version.shot.show, version.shot.name, version.name)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a registered version lies, and the hash of the record it was registered by."""

    shot_folder: Path
    folder: Path
    record_hash: str


def whereabouts(session: Session, root: Path, name: VersionName) -> Whereabouts:
    """Where a registered version lies; ``root`` is the folder of the database's place.

    Raises: ReviewError listing those that are on record.
    """
    version = find_version(session, name)
    shot_folder = root / version.shot.folder
    return Whereabouts(shot_folder, shot_folder / version.folder, version.record_hash)


def folder_of(session: Session, root: Path, name: VersionName) -> Path:
    """The folder of a registered version.

    Raises: as :func:`whereabouts`.
    """
    return whereabouts(session, root, name).folder


def pending_names(session: Session) -> list[VersionName]:
    """Every version that waits for a decision, by show, shot and rising number."""
    of = (
        select(Shot.show, Shot.name, Version.number)
        .join(Shot, Version.shot_id == Shot.id)
        .where(Version.state == PENDING)
    )
    found = session.execute(of.order_by(Shot.show, Shot.name, Version.number))
    return [VersionName(show, shot, f"v{number:03d}") for show, shot, number in found]
