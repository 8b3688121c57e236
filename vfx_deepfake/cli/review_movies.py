"""``review ab``, ``review stringout`` and ``review stills``: movies and single pictures of published versions."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.progress import Progress
from vfx_deepfake.settings.delivery import MOVIE_CODECS
from vfx_deepfake.shot import load_shot

if TYPE_CHECKING:
    from vfx_deepfake.viewing.movies_source import Cut, Wanted
    from vfx_deepfake.viewing.published import Published

Result = dict[str, Any]
PLATE = "plate"


def add_movies(parsers: Any) -> None:
    """Add the actions to those of ``review``."""
    ab = parsers.add_parser("ab", help="a movie of two versions, or of one and its plate, in one picture")
    ab.add_argument("shot", help="shot.toml, or the folder that holds it")
    ab.add_argument("left", metavar="A", help="e.g. v001, or plate")
    ab.add_argument("right", metavar="B", help="e.g. v002, or plate")
    ab.add_argument("--layout", default="side", help="side, wipe, stacked or difference (default: side)")
    ab.add_argument("--gain", type=float, default=8.0, help="of the difference (default: 8)")
    ab.add_argument("--frames", default="", help="part of the range, e.g. 1001-1020 (default: what both have)")
    ab.add_argument("--no-slate", action="store_true", help="without a card ahead of the pictures")
    stringout = parsers.add_parser("stringout", help="a movie of many shots in cut order")
    stringout.add_argument("folder", nargs="?", default=".", help="the show's folder (default: here)")
    which = stringout.add_mutually_exclusive_group(required=True)
    which.add_argument("--playlist", default="", metavar="NAME", help="the versions of a playlist, in its order")
    which.add_argument(
        "--shots", nargs="+", default=[], metavar="SHOT[:VERSION[:FRAMES]]",
        help="shot folders in cut order, e.g. sh0010:v003:1009-1040 (default: the newest version, all of its frames)",
    )  # fmt: skip
    stringout.add_argument("--show", default=None, help="whose playlist, where several shows have one of that name")
    stringout.add_argument(
        "--handles", type=int, default=0, metavar="N", help="frames to leave off at both ends of each shot"
    )
    stringout.add_argument(
        "--title", default="", help="on the front slate and in the file (default: the playlist's name)"
    )
    stringout.add_argument("--slates", default="each", help="none, front or each (default: each shot has one)")
    stringout.add_argument(
        "--timecode", default="continuous", help="burnt in: continuous or source (default: continuous)"
    )
    stringout.add_argument(
        "--start", default="01:00:00:00", help="timecode of the first picture (default: 01:00:00:00)"
    )
    stringout.add_argument(
        "--size", default="", metavar="WxH", help="of the movie, e.g. 1920x1080 (default: the first shot's)"
    )
    for movie in (ab, stringout):
        movie.add_argument("--out", required=True, metavar="FILE", help="the movie, .mp4 or .mov")
        movie.add_argument("--codec", default="h264", help=f"{', '.join(MOVIE_CODECS)} (default: h264)")
    stills = parsers.add_parser("stills", help="single frames of a version as pictures")
    stills.add_argument("shot", help="shot.toml, or the folder that holds it")
    stills.add_argument("of_version", metavar="VERSION", help="e.g. v003")
    stills.add_argument("--frames", required=True, help="e.g. 1001,1012 or 1001-1100x10")
    stills.add_argument("--out", required=True, metavar="DIR", help="the folder for them")
    stills.add_argument(
        "--format", default="png", help="png or tif, 16 bits; or exr, the stored picture (default: png)"
    )
    stills.add_argument("--plate", action="store_true", help="the plate's frames instead")
    stills.add_argument("--labels", action="store_true", help="with burn-ins as in the review movie")
    for parser in (ab, stringout, stills):
        parser.add_argument("--display", default="", help="OCIO display (default: the one the show looks through)")
        parser.add_argument("--view", default="", help="OCIO view of that display (default: its first)")


def _ab(args: argparse.Namespace, progress: Progress) -> Result:
    from vfx_deepfake.viewing.movies_ab import AbLook, make_ab

    look = AbLook(layout=args.layout, gain=args.gain, slate=not args.no_slate)
    names = [name for name in (args.left, args.right) if name != PLATE]
    if not names:
        raise ReviewError("A and B are both the plate; name a version, e.g. v001")
    versions = {name: _published(args.shot, name) for name in names}
    frames = parse_frames(args.frames, "--frames") if args.frames else ()
    sides = [_side(name, versions, frames) for name in (args.left, args.right)]
    return make_ab(sides[0], sides[1], _wanted(args), look, progress)


def _side(name: str, versions: dict[str, Published], frames: tuple[int, ...]) -> Cut:
    """One side of an A/B; a plate is that of the version on the other side."""
    from vfx_deepfake.viewing.movies_source import cut_of

    if name == PLATE:
        return cut_of(next(iter(versions.values())), frames, of=PLATE)
    return cut_of(versions[name], frames)


def _stringout(args: argparse.Namespace, progress: Progress) -> Result:
    from vfx_deepfake.viewing.movies_source import cut_of
    from vfx_deepfake.viewing.movies_stringout import Stringing, make_stringout

    if args.handles < 0:
        raise ReviewError(f"--handles: is {args.handles}; want 0 or more frames")
    how = Stringing(title=args.title or args.playlist or Path(args.out).stem, slates=args.slates, timecode=args.timecode,
                    start=args.start, size=_size(args.size))  # fmt: skip
    if args.playlist:
        cuts = [
            cut_of(version, handles=args.handles)
            for version in _of_playlist(Path(args.folder), args.playlist, args.show)
        ]
    else:
        cuts = [_named_cut(Path(args.folder), text, args.handles) for text in args.shots]
    made = make_stringout(cuts, _wanted(args), how, progress)
    return made if args.json else {**made, "lines": made["shots"]}


def _named_cut(folder: Path, text: str, handles: int) -> Cut:
    """``sh0010``, ``sh0010:v003`` or ``sh0010:v003:1009-1040``."""
    from vfx_deepfake.viewing.movies_source import cut_of

    shot, _, rest = text.partition(":")
    version, _, frames = rest.partition(":")
    return cut_of(_published(folder / shot, version), parse_frames(frames, text) if frames else (), handles=handles)


def _of_playlist(folder: Path, name: str, show: str | None) -> list[Published]:
    """The versions of a playlist in its order, held against their registered records."""
    from vfx_deepfake.review.choosing import choose
    from vfx_deepfake.review.find import whereabouts
    from vfx_deepfake.review.place import find_place
    from vfx_deepfake.review.store import open_store
    from vfx_deepfake.viewing.published import open_published

    with open_store(find_place(folder)) as store:
        names = choose(store, show=show, playlist=name)
        with store.reading() as session:
            places = [whereabouts(session, store.place.root, each) for each in names]
    return [open_published(place.shot_folder, place.folder, place.record_hash) for place in places]


def _published(shot_file: str | Path, version: str) -> Published:
    """A version of a shot on this disk, the newest for an empty name; no database is asked."""
    from vfx_deepfake.viewing.published import open_published

    shot = load_shot(shot_file)
    known = {f"v{number:03d}": number for number in shot.paths.version_numbers()}
    if not known:
        raise ReviewError(f"{shot.name}: no version is published; run the shot first")
    name = version or list(known)[-1]
    if name not in known:
        raise ReviewError(f"{shot.name}: {ascii(name)[:40]} is not published; there are {', '.join(known)}")
    return open_published(shot.paths.folder, shot.paths.version(known[name]).folder)


def _stills(args: argparse.Namespace, progress: Progress) -> Result:
    from vfx_deepfake.viewing.movies_source import cut_of
    from vfx_deepfake.viewing.movies_stills import make_stills
    from vfx_deepfake.viewing.published import VERSION

    cut = cut_of(
        _published(args.shot, args.of_version),
        parse_frames(args.frames, "--frames"),
        of=PLATE if args.plate else VERSION,
    )
    made = make_stills(cut, Path(args.out), args.format, progress, view=_view(args), labelled=args.labels)
    return made if args.json else {**made, "lines": made["stills"]}


def _wanted(args: argparse.Namespace) -> Wanted:
    from vfx_deepfake.viewing.movies_source import Wanted

    return Wanted(out=Path(args.out), codec=args.codec, view=_view(args))


def _view(args: argparse.Namespace) -> tuple[str, str]:
    if args.view and not args.display:
        raise ReviewError(f"--view: is '{args.view}' without a display; give --display too")
    return args.display, args.view


def _size(text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    width, _, height = text.lower().partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise ReviewError(f"--size: is '{text}'; want width and height, e.g. 1920x1080")
    return int(width), int(height)


MOVIES: dict[str, Callable[[argparse.Namespace, Progress], Result]] = {
    "ab": _ab,
    "stringout": _stringout,
    "stills": _stills,
}
