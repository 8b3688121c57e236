"""What can be taken out of the house, by kind: the same for the command line and for the page's downloads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vfx_deepfake.review.choosing import choose, with_notes
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.place import find_settings
from vfx_deepfake.review.store import Store


@dataclass(frozen=True, slots=True)
class Selection:
    """Which versions, as people name them; see :func:`.choosing.choose`."""

    show: str | None = None
    playlist: str = ""
    shot: str = ""
    version: str = ""
    newest: bool = False

    @property
    def is_whole_show(self) -> bool:
        """True where neither a playlist nor a shot is named."""
        return not (self.playlist or self.shot)

    def title(self, versions: Sequence[VersionName]) -> str:
        """What a list of them is called: ``demo monday``, ``demo sh0010 v003``."""
        show = self.show or (versions[0].show if versions else "")
        return " ".join(filter(None, (show, self.playlist, self.shot, self.version))) or "versions"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file: its suffix, its media type, and what makes its bytes."""

    suffix: str
    media_type: str
    make: Callable[[Store, Selection], tuple[bytes, int]]


def export(store: Store, kind: str, selection: Selection) -> tuple[bytes, int]:
    """The bytes of a file of that kind (a key of KINDS), and how many versions are in it.

    Raises: ReviewError for a selection that can't be; NotThereError for what is not on record.
    """
    return KINDS[kind].make(store, selection)


def _timeline(store: Store, selection: Selection) -> tuple[bytes, int]:
    from vfx_deepfake.exchange.timeline import make_timeline, timeline_text
    from vfx_deepfake.exchange.versions import describe

    names = _chosen(store, selection)
    versions = [describe(store, name) for name in names]
    timeline = make_timeline(selection.title(names), versions, find_settings(store.place.root).timeline)
    return timeline_text(timeline).encode(), len(names)


def _submission(store: Store, selection: Selection) -> tuple[bytes, int]:
    from vfx_deepfake.exchange.submission import submission_csv
    from vfx_deepfake.exchange.versions import describe

    names = _chosen(store, selection)
    spec = find_settings(store.place.root).submission
    text = submission_csv([describe(store, name) for name in names], spec, dt.date.today())
    return text.encode(), len(names)


def _notes_csv(store: Store, selection: Selection) -> tuple[bytes, int]:
    from vfx_deepfake.exchange.notes_csv import notes_csv

    names = _noted(store, selection)
    mark = find_settings(store.place.root).submission.byte_order_mark
    return notes_csv([about(store, name) for name in names], byte_order_mark=mark).encode(), len(names)


def _notes_pdf(store: Store, selection: Selection) -> tuple[bytes, int]:
    from vfx_deepfake.exchange.note_pictures import NotePictures
    from vfx_deepfake.exchange.notes_pdf import notes_pdf

    names = _noted(store, selection)
    printed = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
    title = f"Review notes · {selection.title(names)}"
    standings = (about(store, name) for name in names)
    spec, root = find_settings(store.place.root).paper, store.place.root
    return notes_pdf(title, standings, spec, printed, NotePictures(store), root), len(names)


def _chosen(store: Store, selection: Selection) -> list[VersionName]:
    return choose(
        store,
        show=selection.show,
        playlist=selection.playlist,
        shot=selection.shot,
        version=selection.version,
        newest=selection.newest,
    )


def _noted(store: Store, selection: Selection) -> list[VersionName]:
    """Of a whole show only the versions that have notes; of what was named everything."""
    names = _chosen(store, selection)
    return with_notes(store, names) if selection.is_whole_show else names


KINDS = {
    "otio": Kind(".otio", "application/json", _timeline),
    "submission": Kind(".csv", "text/csv; charset=utf-8", _submission),
    "notes-csv": Kind(".csv", "text/csv; charset=utf-8", _notes_csv),
    "notes-pdf": Kind(".pdf", "application/pdf", _notes_pdf),
}
