"""``info``: shots with their versions, runs, notes, releases and farm jobs, for people and for the panel in Nuke."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vfx_deepfake.cli.review import NEEDS
from vfx_deepfake.errors import ArtistError
from vfx_deepfake.naming import review_file
from vfx_deepfake.settings.dailies import DailiesSpec
from vfx_deepfake.steps.info import about_shot, shots_below
from vfx_deepfake.steps.opened import OpenShot, open_shot

DATABASE = "VFX_DEEPFAKE_REVIEW_DB"  # review/place.py


def info(args: argparse.Namespace) -> dict[str, Any]:
    """What the shots have."""
    shots = [_shot(file, args) for path in args.paths for file in shots_below(path)]
    return {"shots": shots, "lines": [line for shot in shots for line in _lines(shot)]}


def _shot(file: Path, args: argparse.Namespace) -> dict[str, Any]:
    """One shot; of one that can't be read, what is wrong with it."""
    try:
        opened = open_shot(file)
    except ArtistError as error:
        return {"shot": file.parent.name, "file": str(file), "problems": str(error).splitlines(), "versions": [],
                "runs": [], "releases": [], "notes": [], "farm": {}}  # fmt: skip
    found = about_shot(opened)
    found["farm"], found["notes"] = {}, []
    if not args.brief:
        from vfx_deepfake.farm.status import shot_status  # loads every stage

        found["farm"] = shot_status(file).as_data()
    try:
        _add_review(found, opened, args.notes)
        _add_knobs(found, opened, args.gizmo)
    except ArtistError as error:
        found["problems"].extend(str(error).splitlines())
    return found


def _add_review(found: dict[str, Any], opened: OpenShot, notes_of: str) -> None:
    """What the review database knows of the versions; nothing where there is none or its libraries are not installed.

    Raises: ReviewError when the database is there and can't be used.
    """
    folder = opened.shot.paths.folder
    if not (DATABASE in os.environ or review_file(folder) or (folder.parent / DailiesSpec().database).is_file()):
        return  # what opens databases loads slowly
    try:
        from vfx_deepfake.review.find import VersionName
        from vfx_deepfake.review.listing import list_versions
        from vfx_deepfake.review.notes import notes_of as read_notes
        from vfx_deepfake.review.place import find_place
        from vfx_deepfake.review.store import open_store
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in NEEDS:
            raise
        return
    place = find_place(folder)
    if place.file and not place.file.is_file():
        return
    show = opened.settings.shot.show
    with open_store(place) as store:
        known = {row["version"]: row for row in list_versions(store, show=show, shot=opened.name)}
        for version in found["versions"]:
            row = known.get(version["version"])
            if row:
                version.update(
                    status=row["state"],
                    open_notes=row["open_notes"],
                    decided_by=row["decided_by"],
                    reason=row["reason"],
                )
        if notes_of in known:
            found["notes"] = read_notes(store, VersionName(show, opened.name, notes_of))


def _add_knobs(found: dict[str, Any], opened: OpenShot, which: str) -> None:
    """What the gizmo's knobs are for one version, in that version's row.

    Raises: PlateError when its frames can't be read.
    """
    wanted = {"newest": lambda row: True, "approved": lambda row: row["status"] == "approved"}
    matches = wanted.get(which, lambda row: row["version"] == which)
    version = next((row for row in found["versions"] if which and matches(row)), None)
    if version:
        from vfx_deepfake.steps.nuke_script import gizmo_knobs

        version["gizmo"] = gizmo_knobs(opened, version["version"])


def _lines(shot: dict[str, Any]) -> Iterable[str]:
    """For people: the shot, its versions, what is wrong."""
    yield f"{shot['shot']:16} {shot.get('frames', '')}  {shot.get('method', '')}  {len(shot['runs'])} runs"
    for version in shot["versions"]:
        notes = f"{version['open_notes']} open notes" if version["open_notes"] else ""
        yield "  ".join(filter(None, (f"  {version['version']}", f"{version['status']:17}", version["qc"] or "-", version["made_at"][:16],
                                      version["made_by"], notes)))  # fmt: skip
    for note in shot["notes"]:
        yield f"  note {note['first_frame'] or 'whole version'}: {note['author']}: {' '.join(note['text'].split())}"
    for problem in shot["problems"]:
        yield f"  problem: {problem}"
