"""Submission lists and notes as CSV: read back by another reader, and nothing in them that a spreadsheet would run."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest

from tests.review.versions import name
from vfx_deepfake.errors import NotThereError, ReviewError, ShotError
from vfx_deepfake.exchange.export import Selection, export
from vfx_deepfake.exchange.notes_csv import COLUMNS, notes_csv
from vfx_deepfake.exchange.sheet_text import MARK, csv_text, plain
from vfx_deepfake.exchange.submission import submission_csv
from vfx_deepfake.exchange.versions import describe
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.notes import add_note
from vfx_deepfake.review.place import find_settings
from vfx_deepfake.review.playlists import set_playlist
from vfx_deepfake.settings.outside import SUBMISSION_FIELDS, SubmissionSpec

HOSTILE = [
    "=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =cmd|' /C calc'!A0", "＝1", "＋1", "－1", "＠x", "\x00=1", "\u00a0=1",
]  # fmt: skip
HARMLESS = [
    "",
    "a=b",
    "1-2",
    "sh0010_v003",
    "«=»",
    "'quoted'",
    "line\n=second",
    'say "x", then\r\ny',
    "😀",
    "a\u202eb",
    "x" * 10_000,
]


def rows_of(text):
    return list(csv.reader(io.StringIO(text.removeprefix(MARK), newline="")))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_is_text(text):
    assert plain(text) == f"'{text}"


def test_texts_come_back_as_they_were():
    # a line end inside a cell is kept by the quotes around it
    assert rows_of(csv_text(["a"] * len(HARMLESS), [HARMLESS])) == [["a"] * len(HARMLESS), HARMLESS]


def test_numbers_stay_numbers():
    assert plain(-12) == -12
    assert csv_text(["f"], [[-12], [1.5]], byte_order_mark=False) == "f\r\n-12\r\n1.5\r\n"


def test_the_mark_that_excel_wants_comes_first_and_once():
    assert csv_text(["f"], [["é"]]).encode() == b"\xef\xbb\xbff\r\n\xc3\xa9\r\n"


def test_a_submission_has_what_the_client_asks_for(show):
    spec = SubmissionSpec(vendor="=Vendor", columns=("vendor", "Nom du plan = shot", "version_name", "first_frame", "last_frame",
                          "duration", "frame_rate", "status", "filename", "colour", "source_id", "date", "submitting_for"))  # fmt: skip
    decide(show, "ana", name(1), "approved", "fine")
    header, row = rows_of(submission_csv([describe(show, name(1))], spec, dt.date(2026, 11, 21)))
    said = dict(zip(header, row, strict=True))
    assert said == {
        "Vendor": "'=Vendor", "Nom du plan": "sh0010", "Version Name": "sh0010_v001", "First Frame": "1001", "Last Frame": "1003",
        "Duration": "3", "Frame Rate": "24", "Status": "approved", "Filename": "sh0010_v001.####.exr", "Media Color": "",
        "Source ID": "demo-sh0010_v001", "Date": "2026-11-21", "Submitting For": "WIP",
    }  # fmt: skip


def test_every_field_can_be_a_column(show):
    spec = SubmissionSpec(columns=tuple(SUBMISSION_FIELDS))
    header, *rows = rows_of(submission_csv([describe(show, name(n)) for n in (1, 2)], spec, dt.date(2026, 11, 21)))
    assert header == list(SUBMISSION_FIELDS.values())
    assert len(rows) == 2


def test_a_submission_of_frames_that_are_there(pictured):
    row = rows_of(export(pictured, "submission", Selection(newest=True))[0].decode())[1:]
    assert len(row) == 1
    said = dict(
        zip(rows_of(export(pictured, "submission", Selection(newest=True))[0].decode())[0], row[0], strict=True)
    )
    assert (said["Media Color"], said["Frame Rate"], said["Duration"]) == ("ARRI LogC3 (EI800)", "24", "14")
    assert said["Path"].endswith("dpx/" + said["Filename"])
    assert said["Movie"].endswith(".mp4")


def test_columns_come_from_review_toml(show):
    (show.place.root / "review.toml").write_text(
        '[submission]\ncolumns = ["shot", "Rev = version"]\nbyte_order_mark = false\n'
    )
    assert export(show, "submission", Selection(newest=True))[0] == b"Shot,Rev\r\nsh0010,2\r\nsh0020,1\r\n"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ('["shto"]', r"columns is 'shto'; choose one of date, vendor"),
        ("[]", r"columns is empty; name at least one field"),
        ('["= shot"]', r"columns: 'shot' has an empty heading"),
        ('["Shot = version", "shot"]', r"columns: Shot is there twice"),
    ],
)
def test_columns_that_can_not_be(show, columns, words):
    (show.place.root / "review.toml").write_text(f"[submission]\ncolumns = {columns}\n")
    with pytest.raises(ShotError, match=words):
        find_settings(show.place.root)


def test_notes_and_decisions_as_a_list(show):
    text = '=HYPERLINK("http://x")\nsecond line, "quoted" <b>עברית</b> 😀'
    note = add_note(show, "ana", name(), text, frames="1002")
    add_note(show, "art", name(), "done", reply_to=note["id"])
    add_note(show, "sam", name(), "all over")
    decide(show, "ana", name(), "changes_requested", "-see 1002")
    set_playlist(show, "ana", "demo", "monday", [("sh0020", "v001"), ("sh0010", "v001")])
    header, *rows = rows_of(export(show, "notes-csv", Selection(playlist="monday"))[0].decode())
    assert tuple(header) == COLUMNS
    found = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["Shot"], row["Text"]) for row in found] == [
        ("sh0020", ""),
        ("sh0010", "all over"),
        ("sh0010", f"'{text}"),
        ("sh0010", "done"),
    ]
    whole, on_frame, reply = found[1:]
    assert (whole["First Frame"], on_frame["First Frame"], on_frame["Last Frame"]) == ("", "1002", "1002")
    assert (reply["Reply To"], reply["State"], on_frame["State"]) == (note["id"], "", "open")
    assert (on_frame["Version State"], on_frame["Decided By"], on_frame["Reason"]) == (
        "changes requested",
        "ana",
        "'-see 1002",
    )


def test_of_a_whole_show_only_versions_with_notes(show):
    assert export(show, "notes-csv", Selection())[1] == 0
    add_note(show, "ana", name(2), "x")
    content, num_versions = export(show, "notes-csv", Selection())
    assert (num_versions, len(rows_of(content.decode()))) == (1, 2)
    assert notes_csv([]) == csv_text(COLUMNS, [])


def test_what_can_not_be_chosen(show):
    for selection, kind, words in (
        (Selection(playlist="x", shot="y"), ReviewError, "a playlist and a shot are both named; name one of them"),
        (Selection(version="v001"), ReviewError, "'v001': its shot is not named"),
        (Selection(playlist="x"), NotThereError, "playlist 'x': is not there; there is none yet"),
        (Selection(shot="sh0099"), NotThereError, "shot 'sh0099': no version is registered"),
        (Selection(show="other"), NotThereError, "the show: no version is registered"),
        (
            Selection(shot="sh0010", version="v009"),
            NotThereError,
            "sh0010 v009: is not registered; on record: v001, v002",
        ),
        (Selection(shot="sh0010", version="nine"), ReviewError, "want a version such as v003"),
    ):
        with pytest.raises(kind, match=words):
            export(show, "submission", selection)
