"""``review``: the pictures of a version, and the record of what was decided about it.

``review SHOT`` is the stage that makes contact sheet and movie; ``review ACTION ...`` works on the review database.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfx_deepfake.cli.review_exchange import EXCHANGE, add_exchange
from vfx_deepfake.cli.review_movies import MOVIES, add_movies
from vfx_deepfake.cli.review_serve import add_serve, serve
from vfx_deepfake.cli.review_tracker import TRACKER, add_tracker
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.progress import Progress
from vfx_deepfake.shot import load_shot

if TYPE_CHECKING:
    from vfx_deepfake.review.find import VersionName
    from vfx_deepfake.review.place import Place

Result = dict[str, Any]
PICTURES = "pictures"
NEEDS = (
    "sqlalchemy",
    "alembic",
    "argon2",
    "pg8000",
    "fastapi",
    "starlette",
    "pydantic",
    "jinja2",
    "uvicorn",
    "opentimelineio",
    "reportlab",
)  # what the extra brings


class StageParser(argparse.ArgumentParser):
    """A parser that takes ``review SHOT`` as ``review pictures SHOT``; without ``actions`` like any other."""

    actions: tuple[str, ...] = ()

    def parse_known_args(  # type: ignore[override]  # the library's overloads say the same at more length
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, with the first action where none is named."""
        given = list(args) if args is not None else None
        if self.actions and given and given[0] not in (*self.actions, "-h", "--help"):
            given.insert(0, self.actions[0])
        return super().parse_known_args(given, namespace)


def add_review(stages: Any, shot: Callable[..., None], common: Callable[..., None]) -> None:
    """Add ``review`` and its actions; ``shot`` and ``common`` add the options that every stage and every command has."""
    review = stages.add_parser(
        "review", help="contact sheet and movie of the rendered frames; and notes, approvals, history"
    )
    parsers = review.add_subparsers(dest="action", required=True, metavar="ACTION")
    shot(
        parsers.add_parser(PICTURES, help="contact sheet and movie of the rendered frames; 'review SHOT' does the same")
    )
    register = parsers.add_parser("register", help="put published versions on record")
    register.add_argument("shot", help="shot.toml, or the folder that holds it")
    register.add_argument("versions", nargs="*", metavar="VERSION", help="e.g. v003 (default: all published ones)")
    listed = parsers.add_parser("list", help="versions and how they stand")
    _folder(listed)
    listed.add_argument("--state", default="", help="only those that stand so, e.g. pending_review")
    listed.add_argument("--qc", default="", help="only those whose QC says so: pass, look, fail or none")
    listed.add_argument("--show", default=None, help="only this show's")
    listed.add_argument("--search", default="", metavar="TEXT", help="parts of a shot's or an author's name, or v003")
    listed.add_argument("--newest", action="store_true", help="only the newest version of each shot")
    _of_version(parsers, "show", "one version: state, QC, notes, history, and what made it")
    for action, what in (("approve", "approve a version"), ("request-changes", "send a version back")):
        decision = _of_version(parsers, action, what)
        decision.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the record")
        decision.add_argument(
            "--seen", type=int, metavar="N", help="the revision that 'show' gave; refuse if it has moved on"
        )
    note = _of_version(parsers, "note", "write a note, reply to one, or mark one as done")
    note.add_argument("--text", default="", help="what it says")
    note.add_argument("--frames", default="", help="frame or range, e.g. 1012 (default: the whole version)")
    note.add_argument("--drawing", default="", metavar="FILE", help="strokes as JSON, see docs/review.md")
    note.add_argument("--reply-to", default="", metavar="NOTE", help="the note that this answers")
    note.add_argument("--resolve", default="", metavar="NOTE", help="mark a note as done instead")
    user = parsers.add_parser("user", help="add a person, or change role or password")
    user.add_argument("name", help="the account's name")
    user.add_argument("--role", default=None, help="artist, supervisor or admin")
    user.add_argument("--active", choices=("yes", "no"), default=None, help="whether they may do anything at all")
    user.add_argument("--password-file", default="", metavar="FILE", help="its first line is the password of the page")
    user.add_argument("--folder", default=".", help="the show's folder, or a shot's (default: here)")
    _folder(parsers.add_parser("rebuild", help="make the database again from its journal and the versions on disk"))
    backup = parsers.add_parser("backup", help="copy the database while it is in use")
    backup.add_argument("file", help="the copy")
    backup.add_argument("--folder", default=".", help="the show's folder, or a shot's (default: here)")
    _folder(parsers.add_parser("upgrade", help="bring the database to this release's schema"))
    add_exchange(parsers)
    add_movies(parsers)
    add_tracker(parsers)
    add_serve(parsers)
    for name, parser in parsers.choices.items():
        if name != PICTURES:
            common(parser)
    review.actions = (PICTURES, *ACTIONS, *MOVIES, *TRACKER)


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", help="the show's folder, or a shot's (default: here)")


def _of_version(parsers: Any, action: str, what: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = parsers.add_parser(action, help=what)
    parser.add_argument("shot", help="shot.toml, or the folder that holds it")
    parser.add_argument("of_version", metavar="VERSION", help="e.g. v003")
    return parser


def review(args: argparse.Namespace, progress: Progress) -> Result:
    """The stage, or one action on the database."""
    if args.action == PICTURES:
        from vfx_deepfake.steps.opened import open_shot
        from vfx_deepfake.steps.review import review_stage

        return review_stage(open_shot(args.shot, args.set), progress)
    try:
        for long in (MOVIES, TRACKER):
            if args.action in long:
                return long[args.action](args, progress)
        return ACTIONS[args.action](args)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in NEEDS:
            raise
        raise ReviewError(
            f"{error.name} is not installed; pip install 'vfx_deepfake[dailies]', then run this again"
        ) from error


def _named(args: argparse.Namespace) -> tuple[Place, VersionName]:
    """The database of a shot, and the version that the command names."""
    from vfx_deepfake.review.find import VersionName
    from vfx_deepfake.review.place import find_place

    shot = load_shot(args.shot)
    return find_place(shot.paths.folder), VersionName(shot.settings.shot.show, shot.name, args.of_version)


def _register(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.find import VersionName
    from vfx_deepfake.review.people import this_account
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.registering import make_store, register_shot

    shot, who = load_shot(args.shot), this_account()
    numbers = [VersionName("", shot.name, text).number for text in args.versions]
    with make_store(find_place(shot.paths.folder), who) as store:
        found = register_shot(store, who, shot, numbers or None)
    lines = [
        f"{row['version']}  {'registered' if row['created'] else 'was registered'}, {row['state']}" for row in found
    ]
    return {"shot": shot.name, "database": str(store.place), "versions": found, "lines": lines}


def _list(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.listing import list_versions
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.store import open_store

    with open_store(find_place(Path(args.folder))) as store:
        found = list_versions(
            store, show=args.show, state=args.state, qc=args.qc, search=args.search, newest_only=args.newest
        )
    return {"versions": found, "lines": [_row_line(row) for row in found] or ["no version is like that"]}


def _row_line(row: Mapping[str, Any]) -> str:
    notes = f"{row['open_notes']} open notes" if row["open_notes"] else ""
    decided = f"{row['decided_by']}: {row['reason'].splitlines()[0]}" if row["decided_by"] else ""
    cells = (
        f"{row['shot']:12}",
        row["version"],
        f"{row['state']:17}",
        f"{row['qc_verdict'] or '-':4}",
        row["made_at"][:16],
        row["author"],
    )
    return "  ".join(filter(None, (*cells, notes, decided)))


def _show(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.lineage import made_from
    from vfx_deepfake.review.listing import about
    from vfx_deepfake.review.store import open_store

    place, name = _named(args)
    with open_store(place) as store:
        data = {**about(store, name), "lineage": made_from(store, name)}
    return data if args.json else {"lines": list(_about_lines(data))}


def _about_lines(data: Mapping[str, Any]) -> list[str]:
    made = data["lineage"]
    run = (
        f"run {made['run']['number']}, checkpoint {made['run']['checkpoint_hash'][:12]}"
        if made["run"]
        else "no training run"
    )
    lines = [
        f"{data['shot']} {data['version']}  {data['state']}, revision {data['revision']}, frames {data['frames']}",
        f"made      {made['made_at']} by {made['author']} on {made['host']}, {run}, release {made['release'] or 'none'}",
        f"folder    {data['folder']}",
        *(
            f"qc        {row['verdict']:5} {row['measure']} {_figure(row)}"
            for row in data["qc"]
            if row["verdict"] in ("fail", "look")
        ),
        *(f"note      {note['id'][:8]} {_note_line(note)}" for note in data["notes"]),
        *(
            f"history   {event['at'][:19]} {event['who']}: {event['kind'].replace('_', ' ')} {event['why']}"
            for event in data["events"]
        ),
    ]
    return [" ".join(line.splitlines()).rstrip() for line in lines]


def _figure(row: Mapping[str, Any]) -> str:
    value = "" if row["value"] is None else f"{row['value']:.4g}"
    return value if row["worst_frame"] is None else f"{value} in frame {row['worst_frame']}"


def _note_line(note: Mapping[str, Any]) -> str:
    first, last = note["first_frame"], note["last_frame"]
    where = "whole version" if first is None else str(first) if first == last else f"{first}-{last}"
    state = f"done ({note['resolved_by']})" if note["resolved_by"] else "open"
    return f"{where}, {note['author']}, {state}: {note['text']}{' [drawing]' if note['drawing'] else ''}"


def _decide(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.decisions import decide
    from vfx_deepfake.review.models import APPROVED, CHANGES
    from vfx_deepfake.review.people import this_account
    from vfx_deepfake.review.store import open_store

    place, name = _named(args)
    state = APPROVED if args.action == "approve" else CHANGES
    with open_store(place) as store:
        return decide(store, this_account(), name, state, args.why, seen=args.seen)


def _note(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.notes import add_note, notes_of, resolve_note
    from vfx_deepfake.review.people import this_account
    from vfx_deepfake.review.store import open_store

    place, name = _named(args)
    with open_store(place) as store:
        known = [note["id"] for note in notes_of(store, name)]
        if args.resolve:
            note = resolve_note(store, this_account(), _whole_id(args.resolve, known))
        else:
            note = add_note(store, this_account(), name, args.text, frames=args.frames, drawing=_drawing(args.drawing),
                            reply_to=_whole_id(args.reply_to, known) if args.reply_to else None)  # fmt: skip
    return note if args.json else {"note": note["id"], "lines": [_note_line(note)]}


def _whole_id(text: str, known: Sequence[str]) -> str:
    """The id that begins like this, as ``show`` prints it."""
    found = [each for each in known if each.startswith(text)]
    if len(found) != 1:
        raise ReviewError(
            f"note {text}: {'several notes begin so' if found else 'no note of this version begins so'}; 'review show' lists them"
        )
    return found[0]


def _drawing(file: str) -> list[Any] | None:
    if not file:
        return None
    try:
        strokes = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReviewError(f"{file}: can't be read as JSON ({error}); want a list of strokes") from error
    return strokes if isinstance(strokes, list) else [strokes]


def _user(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.people import set_password, set_user, this_account
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.store import open_store

    active = None if args.active is None else args.active == "yes"
    with open_store(find_place(Path(args.folder))) as store:
        user = set_user(store, this_account(), args.name, role=args.role, active=active)
        if args.password_file:
            set_password(store, this_account(), args.name, _first_line(args.password_file))
    return {**user, "has_password": user["has_password"] or bool(args.password_file)}


def _first_line(file: str) -> str:
    try:
        return (Path(file).read_text(encoding="utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        raise ReviewError(f"{file}: can't be read ({error}); want the password in its first line") from error


def _rebuild(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.people import this_account
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.rebuild import rebuild

    place = find_place(Path(args.folder))
    found = rebuild(place, this_account())
    return {"database": str(place), **found, "lines": found["problems"]}


def _backup(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.backup import backup
    from vfx_deepfake.review.place import find_place

    return {"backup": str(backup(find_place(Path(args.folder)), Path(args.file)))}


def _upgrade(args: argparse.Namespace) -> Result:
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.schema import upgrade_place

    before, after = upgrade_place(find_place(Path(args.folder)))
    return {"schema": after, "before": before or "none"}


ACTIONS: dict[str, Callable[[argparse.Namespace], Result]] = {
    "register": _register,
    "list": _list,
    "show": _show,
    "approve": _decide,
    "request-changes": _decide,
    "note": _note,
    **EXCHANGE,
    "user": _user,
    "rebuild": _rebuild,
    "backup": _backup,
    "upgrade": _upgrade,
    "serve": serve,
}
