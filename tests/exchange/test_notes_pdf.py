"""Notes on paper, looked at: as text by pdftotext and as pictures by pdftoppm, where poppler is installed."""

from __future__ import annotations

import io
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4, letter

from tests.review.versions import name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.export import Selection, export
from vfx_deepfake.exchange.notes_pdf import PICTURE_PT, notes_pdf
from vfx_deepfake.exchange.paper_page import MARGIN_PT
from vfx_deepfake.exchange.paper_text import MISSING, Fonts, begins_right, is_right_to_left
from vfx_deepfake.review.choosing import choose
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.notes import add_note, resolve_note
from vfx_deepfake.review.words import LONGEST_TEXT, MOST_POINTS, MOST_STROKES
from vfx_deepfake.settings.outside import PaperSpec

PLATE_PX = (320, 180)
GREY = np.full((*PLATE_PX[::-1], 3), 120, np.uint8)
needs_poppler = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="poppler-utils is not installed: pdftotext, pdftoppm"
)


def paper(standings, picture=(GREY, PLATE_PX), **spec):
    return notes_pdf("Review notes · demo", standings, PaperSpec(**spec), "2026-11-21 13:50 UTC", lambda *_: picture)


def text_of(pdf):
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


def page_of(pdf, number=1):
    """A page (H, W, 3) at 72 dots an inch: one pixel a point."""
    command = ["pdftoppm", "-r", "72", "-png", "-f", str(number), "-l", str(number), "-"]
    return np.asarray(
        Image.open(io.BytesIO(subprocess.run(command, input=pdf, capture_output=True, check=True).stdout)).convert(
            "RGB"
        )
    )


def sizes_of(pdf):
    return {tuple(float(side) for side in box) for box in re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)}


@needs_poppler
def test_what_stands_on_the_page(show):
    note = add_note(show, "ana", name(), "lip <b>slips</b> & more\nsecond line", frames="1002-1003")
    add_note(show, "art", name(), "fixed, look again", reply_to=note["id"])
    resolve_note(show, "sam", note["id"])
    add_note(show, "sam", name(), "Ελληνικά Русский Tiếng Việt")
    decide(show, "ana", name(), "changes_requested", "see 1002")
    said = " ".join(text_of(paper([about(show, name()), about(show, name(2))])).split())
    for words in (
        "Review notes · demo", "sh0010 v001 ● changes requested", "frames 1001-1003 · QC look · 2 notes, 1 open",
        "changes requested · ana ·", "see 1002", "whole version · sam", "Ελληνικά Русский Tiếng Việt",
        "frames 1002-1003 · ana", "done, sam", "lip <b>slips</b> & more second line", "reply · art", "fixed, look again",
        "sh0010 v002 ● pending review", "no notes", "2026-11-21 13:50 UTC", "page 1 of 1",
    ):  # fmt: skip
        assert words in said
    assert "in none of the fonts" not in said


def test_paper_sizes(show):
    for size, expected in (("A4", A4), ("letter", letter)):
        (found,) = sizes_of(paper([about(show, name())], size=size))
        assert found == pytest.approx(expected, abs=0.01)  # the file has points to the fourth digit


@needs_poppler
def test_a_drawing_is_over_its_frame_where_it_was_drawn(show):
    """A plate that is grey but for one red pixel block, and a green stroke that ends there."""
    picture = GREY.copy()
    picture[40:60, 100:120] = (255, 0, 0)
    strokes = [
        {"colour": "#00ff00", "width_px": 4, "points": [[10, 170], [110, 50]]},
        {"colour": "#0000ff", "width_px": 20, "points": [[300, 20]]},
    ]
    add_note(show, "ana", name(), "here", frames="1002", drawing=strokes)
    page = page_of(paper([about(show, name())], (picture, PLATE_PX))).astype(int)
    red, green, blue = (
        (page[..., one] > 150) & (page[..., (one + 1) % 3] < 110) & (page[..., (one + 2) % 3] < 110) for one in range(3)
    )
    per_px = PICTURE_PT / PLATE_PX[0]  # points
    rows, columns = np.nonzero(red)
    assert columns.min() == pytest.approx(
        MARGIN_PT + 100 * per_px, abs=1.5
    )  # a pixel of the page is a point; JPEG softens edges
    left, top = MARGIN_PT, rows.min() - 40 * per_px
    for mask, x, y in ((green, 10, 170), (blue, 300, 20)):
        rows, columns = np.nonzero(mask)
        nearest = np.hypot(columns - left - x * per_px, rows - top - y * per_px).min()
        assert nearest < 2.0  # a pixel of the page on each end of the measure


def test_a_frame_that_is_gone_is_said(show):
    add_note(
        show, "ana", name(), "here", frames="1002", drawing=[{"colour": "#00ff00", "width_px": 4, "points": [[1, 1]]}]
    )
    pdf = export(show, "notes-pdf", Selection(shot="sh0010", version="v001"))[0]
    assert pdf.startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        assert "There is a drawing; its frame can't be shown (" in " ".join(text_of(pdf).split())


@needs_poppler
def test_a_real_frame_through_the_shows_view(pictured):
    shot = choose(pictured)[0]
    strokes = [{"colour": "#00ff00", "width_px": 6, "points": [[100, 100], [220, 100]]}]
    add_note(pictured, "ana", shot, "lamp is too bright", frames="1003", drawing=strokes)
    pdf, num_versions = export(pictured, "notes-pdf", Selection(show=shot.show))
    assert num_versions == 1
    assert "can't be shown" not in text_of(pdf)
    page = page_of(pdf).astype(int)
    green = (page[..., 1] > 200) & (page[..., 0] < 90) & (page[..., 2] < 90)
    assert green.sum() > 100
    rows, columns = np.nonzero(green)
    around = page[rows.min() - 60 : rows.max() + 60, columns.min() : columns.max()]
    assert around.std() > 20  # a picture, not a flat field


def test_hostile_notes_become_pages(show):
    rng = np.random.default_rng(3)
    scribble = [
        {
            "colour": "#ff00ff",
            "width_px": 1000,
            "points": rng.uniform(-9e5, 9e5, (MOST_POINTS // MOST_STROKES, 2)).tolist(),
        }
        for _ in range(MOST_STROKES)
    ]
    add_note(show, "ana", name(), "", frames="1001", drawing=scribble)
    for text in (
        "x" * LONGEST_TEXT, "word " * (LONGEST_TEXT // 5), "\n" * 300 + "end", "ש" * LONGEST_TEXT, "مرحبا " * 1600, "<para><img src='file:///etc/passwd'/>",
        "\u202eevil\u202c", "&#0; &amp; %s {} \\", "日本語 " * 2000, "👩‍🔬🦷" * 300, "a\u0300" * 500,
    ):  # fmt: skip
        add_note(show, "ana", name(), text, frames="1002")
    pdf = paper([about(show, name())])
    assert pdf.startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        said = text_of(pdf)
        assert "different letters are in none of the fonts" in " ".join(said.split())
        assert "<para><img src='file:///etc/passwd'/>" in said


def test_letters_that_no_font_has_are_boxes_and_counted():
    fonts = Fonts()
    assert fonts.markup("a<b&日\x07\u202e") == f"a&lt;b&amp;{MISSING}"
    assert fonts.missing == {"日"}


def test_fonts_of_the_studio(show, tmp_path):
    for content in (b"", b"no font", b"OTTO" + b"\0" * 64):
        (tmp_path / "x.ttf").write_bytes(content)
        with pytest.raises(ReviewError, match=r"\[paper\]\.fonts: .*x\.ttf: can't be used .*name TrueType files"):
            paper([], fonts=(str(tmp_path / "x.ttf"),))


def test_which_way_a_line_is_read():
    assert [is_right_to_left(text) for text in ("abc 1", "abc שלום", "مرحبا")] == [False, True, True]
    assert [begins_right(text) for text in ("abc שלום", "1 שלום abc", "...", "")] == [False, True, False, False]


@needs_poppler
def test_no_notes_is_said(show):
    assert "There are no notes." in text_of(paper([]))
