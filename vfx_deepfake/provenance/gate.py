"""Does a release cover a use? Pure rules: what is asked, what is on record, and why not."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vfx_deepfake.errors import ConsentError
from vfx_deepfake.provenance.release import ALTERATION, OPERATIONS, Release

OWN, REPLICA, DRIVING = "own", "replica", "driving"
_HOW_TO = "file a signed one that does with 'vfx-deepfake release add', or correct the shot"


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """What somebody wants to do with a likeness.

    changes: what is changed besides, of release.CHANGES. ages: apparent ages that will be shown. territory: where it will be shown,
    empty where nobody has said. role: OWN for the person's own performance, REPLICA for a likeness put on somebody else, DRIVING for
    a performance that moves another face.
    """

    identity: str
    operation: str  # one of OPERATIONS
    show: str
    shot: str
    date: dt.date
    sequence: str = ""
    changes: tuple[str, ...] = ()
    ages: tuple[float, ...] = ()
    territory: str = ""
    role: str = OWN

    def __str__(self) -> str:
        changed = f" with change of {' and '.join(self.changes)}" if self.changes else ""
        return (
            f"{self.operation} of '{self.identity}'{changed} in show '{self.show}', shot '{self.shot}' on {self.date}"
        )


def refusals(release: Release, use: Use) -> list[str]:
    """Why a release does not cover a use, in plain words; empty when it does."""
    return [*_who_and_what(release, use), *_where(release, use), *_when(release, use)]


def _who_and_what(release: Release, use: Use) -> Iterable[str]:
    if release.identity != use.identity:
        yield f"is for '{release.identity}'"
    lacking = [operation for operation in (use.operation, *use.changes) if operation not in release.operations]
    if lacking:
        yield f"is for {' and '.join(release.operations)} only"
    if use.role == REPLICA and release.kind == ALTERATION:
        yield "is for alteration of the person's own performance, not for a replica on somebody else"
    if release.ages and use.ages and not (release.ages[0] <= min(use.ages) and max(use.ages) <= release.ages[1]):
        shown = f"{min(use.ages):g}" if min(use.ages) == max(use.ages) else f"{min(use.ages):g} to {max(use.ages):g}"
        yield f"is for ages {release.ages[0]:g} to {release.ages[1]:g}, {shown} is asked for"


def _where(release: Release, use: Use) -> Iterable[str]:
    for word, asked, granted in (("show", use.show, release.shows), ("sequence", use.sequence, release.sequences),
                                 ("shot", use.shot, release.shots)):  # fmt: skip
        if not _covers(asked, granted):
            yield f"is for {word} {' or '.join(map(repr, granted))}"
    if use.operation == "deliver" and not _covers(use.territory, release.territory):
        asked = (
            f"'{use.territory}' is asked for"
            if use.territory
            else "[consent].territory does not say where it will be shown"
        )
        yield f"is for {' or '.join(map(repr, release.territory))}; {asked}"


def _covers(asked: str, granted: Iterable[str]) -> bool:
    return any(fnmatchcase(asked, pattern) for pattern in granted)


def _when(release: Release, use: Use) -> Iterable[str]:
    if use.date < release.valid_from:
        yield f"begins on {release.valid_from}"
    if use.date > release.valid_until:
        yield f"ran out on {release.valid_until}"
    if use.date > release.retention_until:
        yield f"asks for everything made of the person to be removed after {release.retention_until}"
    if use.date >= release.revoked:
        yield f"was revoked on {release.revoked}"


def require(releases: Iterable[Release], use: Use) -> Release:
    """The release that covers a use; of several the one that runs longest.

    Raises: ConsentError saying what was asked, why each release on record does not cover it, and what to do.
    """
    for operation in (use.operation, *use.changes):
        if operation not in OPERATIONS:
            raise ValueError(f"operation is '{operation}'; known are {', '.join(OPERATIONS)}")
    on_record = tuple(releases)
    if not use.identity:
        raise ConsentError(f"[consent].identity is empty; say whose it is, as a release names it{_known(on_record)}")
    _require_sane_clock(on_record, use.date)
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


def _require_sane_clock(releases: Iterable[Release], today: dt.date) -> None:
    """A paper can't have been signed tomorrow: then this host's date is not to be believed, in either direction."""
    latest = max(releases, key=lambda release: release.signed, default=None)
    if latest is not None and latest.signed > today:
        raise ConsentError(f"this host says it is {today}, and release '{latest.id}' was signed on {latest.signed}; mend the host's clock, "
                           "or the date in the release")  # fmt: skip


def _known(releases: Iterable[Release]) -> str:
    names = sorted({release.identity for release in releases})
    return f"; on record: {', '.join(names)}" if names else "; no release is on record"


def state(release: Release, on: dt.date) -> str:
    """How a release stands on a day: not yet valid, valid, run out, revoked, or with everything to be removed."""
    if on >= release.revoked:
        return f"revoked on {release.revoked}"
    if on > release.retention_until:
        return f"everything to be removed since {release.retention_until}"
    if on < release.valid_from:
        return f"begins on {release.valid_from}"
    if on > release.valid_until:
        return f"ran out on {release.valid_until}"
    return f"valid until {release.valid_until}"
