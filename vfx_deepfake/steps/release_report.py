"""``release report``: every faceset, run, model, version and delivery in which a person's likeness is, found on disk."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError, ConsentError
from vfx_deepfake.faceset.data import RECORD_FILE, read_record
from vfx_deepfake.files import read_json
from vfx_deepfake.model.library import models
from vfx_deepfake.provenance.gate import state
from vfx_deepfake.provenance.register import load_releases
from vfx_deepfake.provenance.release import Release
from vfx_deepfake.shot import SHOT_FILE, Shot, load_shot
from vfx_deepfake.steps.train import RECORD as RUN_RECORD

FACESET, RUN, MODEL, LEFTOVER, VERSION, DELIVERY = "faceset", "run", "model", "leftover", "version", "delivery"
KINDS = (FACESET, RUN, MODEL, LEFTOVER, VERSION, DELIVERY)


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing with somebody's likeness in it: what, its name, folder, and release id by identity (empty where not recorded)."""

    kind: str
    name: str
    path: Path
    releases: Mapping[str, str]

    def concerns(self, release: Release) -> bool:
        """True where it was made under the release, or holds its person and does not say under which."""
        return self.releases.get(release.identity, None) in (release.id, "")


def find_release(folder: Path, name: str) -> Release:
    """A release on record.

    Raises: ConsentError listing those that are.
    """
    found = {release.id: release for release in load_releases(folder)}
    if name not in found:
        raise ConsentError(f"{folder}: no release '{name}'; on record: {', '.join(found) or 'none'}")
    return found[name]


def report(folder: Path, name: str, where: Path, libraries: Sequence[Path] = ()) -> dict[str, Any]:
    """What a release touches below ``where``, and in model libraries.

    Raises: ConsentError for a release that is not on record.
    """
    release = find_release(folder, name)
    problems: list[str] = []
    touched = sorted(
        touched_by(release, where, libraries, problems), key=lambda each: (KINDS.index(each.kind), str(each.path))
    )
    lines = [f"{each.kind:9} {each.name}  {each.path}" for each in touched]
    counts = {kind: sum(each.kind == kind for each in touched) for kind in KINDS}
    return {
        "release": release.id, "identity": release.identity, "stands": state(release, dt.date.today()),
        **{f"{kind}s" if kind != DELIVERY else "deliveries": count for kind, count in counts.items()},
        "touched": [{"kind": each.kind, "name": each.name, "path": str(each.path)} for each in touched],
        "lines": lines or ["nothing on this disk"], "problems": problems, "exit_code": 2,
    }  # fmt: skip


def touched_by(release: Release, where: Path, libraries: Sequence[Path], problems: list[str]) -> Iterator[Touched]:
    """Everything that concerns a release; what can't be read is named in ``problems``, because nobody knows whose face is in it."""
    for each in _all(where, libraries, problems):
        if each.concerns(release):
            yield each


def _all(where: Path, libraries: Sequence[Path], problems: list[str]) -> Iterator[Touched]:
    named = {Path(os.path.abspath(each)) for each in libraries}
    for folder, names in _folders(where):
        try:
            if RECORD_FILE in names:
                record = read_record(folder)
                yield Touched(FACESET, folder.name, folder, {record["identity"]: record["release"]})
            if SHOT_FILE in names:
                shot = load_shot(folder)
                if shot.settings.identity.library:
                    named.add(Path(os.path.abspath(shot.paths.source(shot.settings.identity.library))))
                yield from _of_shot(shot)
        except ArtistError as error:
            problems.append(str(error))
    for library in sorted(named):
        for model in models(library) if library.is_dir() else ():
            yield Touched(
                MODEL, model.name, model.file.parent, {who: model.releases.get(who, "") for who in model.all_identities}
            )


def _folders(where: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders that may hold shots or facesets; what lies inside a version or a delivery is theirs."""
    for place, below, names in os.walk(where):
        below[:] = sorted(
            each
            for each in below
            if not each.startswith(".") and each not in ("versions", "deliveries", "plate", "work")
        )
        yield Path(place), names


def _of_shot(shot: Shot) -> Iterator[Touched]:
    actor, paths = shot.settings.consent.identity, shot.paths
    for number in paths.run_numbers():
        folder = paths.run(number)
        if (folder / RUN_RECORD).is_file():
            record = read_json(folder / RUN_RECORD)
            made_of = record.get("made_of") or {}
            seen = {who: "" for who in made_of.get("all_identities", ())} | {actor: str(record.get("release", ""))}
            yield Touched(RUN, f"{shot.name} {folder.name}", folder, {**seen, **made_of.get("releases", {})})
    for folder in (*paths.unfinished(), *sorted(paths.work.glob("appearance_*")), *sorted(paths.work.glob("mattes_*"))):
        yield Touched(LEFTOVER, f"{shot.name} {folder.name}", folder, {who: "" for who in _everybody(shot)})
    for number in paths.version_numbers():
        version = paths.version(number)
        yield Touched(
            VERSION, f"{shot.name} v{number:03d}", version.folder, releases_of_version(read_json(version.record))
        )
    ledger = paths.deliveries / "deliveries.json"
    for made in read_json(ledger)["deliveries"] if ledger.is_file() else ():
        version = paths.version(int(str(made["version"]).removeprefix("v")))
        known = read_json(version.record) if version.record.is_file() else {}
        of = releases_of_version(known) if known else dict.fromkeys(_everybody(shot), "")
        name = f"{shot.name} {made['version']}, delivery {made['serial']} of {made['made_at'][:10]}"
        yield Touched(DELIVERY, name, Path(made["folder"]), of)


def _everybody(shot: Shot) -> list[str]:
    from vfx_deepfake.steps.identity_sources import identities

    others = [who for who, _ in identities(shot, driving=True)] if shot.settings.model.swaps else []
    return [shot.settings.consent.identity, *others]


def releases_of_version(record: Mapping[str, Any]) -> dict[str, str]:
    """Release id by identity of a version's record; older records name the plate's actor alone."""
    if isinstance(record.get("releases"), Mapping):
        return dict(record["releases"])
    actor = record.get("settings", {}).get("consent", {}).get("identity", "")
    return {actor: str(record.get("release", ""))} if record.get("release") else {}
