"""Notes as a list for spreadsheets: one line a note or reply, by shot, version and frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vfx_deepfake.exchange.sheet_text import Cell, csv_text
from vfx_deepfake.exchange.threads import Note, threads_of

COLUMNS = (
    "Show", "Shot", "Version", "First Frame", "Last Frame", "Author", "Time", "Text", "Reply To", "Drawing", "State", "Done By",
    "Done At", "Version State", "Decided By", "Decided At", "Reason", "Note ID",
)  # fmt: skip


def notes_csv(standings: Sequence[Mapping[str, Any]], *, byte_order_mark: bool = True) -> str:
    """The notes of versions as CSV text.

    standings: as :func:`.listing.about` gives them. A version without notes has one line, with its decision.
    """
    rows = [row for standing in standings for row in _rows(standing)]
    return csv_text(COLUMNS, rows, byte_order_mark=byte_order_mark)


def _rows(standing: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """Lines of one version."""
    named = [standing["show"], standing["shot"], standing["version"]]
    decided = [standing[key] for key in ("state", "decided_by", "decided_at", "reason")]
    decided[0] = decided[0].replace("_", " ")
    threads = threads_of(standing["notes"])
    for thread in threads:
        for note in (thread.note, *thread.replies):
            yield [*named, *_cells(note), *decided, note["id"]]
    if not threads:
        yield [*named, *[""] * len(_CELLS), *decided, ""]


_CELLS = COLUMNS[3:13]


def _cells(note: Note) -> list[Cell]:
    frames = ["" if frame is None else frame for frame in (note["first_frame"], note["last_frame"])]
    state = ("done" if note["resolved_by"] else "open") if not note["reply_to"] else ""
    return [
        *frames, note["author"], note["at"], note["text"], note["reply_to"] or "", "yes" if note["drawing"] else "", state,
        note["resolved_by"], note["resolved_at"],
    ]  # fmt: skip
