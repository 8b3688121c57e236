"""The QC page: one HTML file with its pictures inside, for any browser, without a network.

Words and figures come from the summary; nothing is judged here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from vfx_deepfake.frames import format_frames
from vfx_deepfake.qc.summary import described
from vfx_deepfake.qc.verdict import FAIL, LOOK, PASS, QC_WORDING, UNKNOWN, Measure, Wording

SYMBOLS = {PASS: "✓", LOOK: "◐", FAIL: "✕", UNKNOWN: "–"}

_STYLE = """
:root { color-scheme: dark; }
body { background: #1c1c1c; color: #d2d2d2; font: 15px/1.5 system-ui, 'DejaVu Sans', sans-serif;
  margin: 0 auto; max-width: 1180px; padding: 24px; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 36px 0 8px; border-bottom: 1px solid #3c3c3c; padding-bottom: 4px; }
h3 { font-size: 15px; margin: 20px 0 6px; } p, ul { max-width: 80ch; } .dim { color: #9a9a9a; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid #2e2e2e; vertical-align: top; }
th { color: #9a9a9a; font-weight: normal; } td.figure { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
th.figure { text-align: right; } .verdict { white-space: nowrap; }
.pass { color: #86c586; } .look { color: #e0b050; } .fail { color: #f08070; } .unknown { color: #9a9a9a; }
.cells { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 8px; } figure { margin: 0; }
figcaption { color: #9a9a9a; font-size: 13px; } .cells img, .plots img { width: 100%; height: auto; display: block; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 12px; }
@media (max-width: 700px) { .cells { grid-template-columns: repeat(2, 1fr); } .plots { grid-template-columns: 1fr; } }
"""


@dataclass(frozen=True, slots=True)
class WorstFrame:
    """A frame to look at: lines of words (verdict, text), and pictures (caption, PNG bytes)."""

    frame: int
    words: tuple[tuple[str, str], ...]
    pictures: tuple[tuple[str, bytes], ...]


def qc_page(
    title: str,
    summary: Mapping[str, Any],
    worst: Sequence[WorstFrame],
    plots: Sequence[tuple[str, bytes]],
    notes: Sequence[str],
    wording: Wording = QC_WORDING,
) -> str:
    """The whole page as HTML text.

    ``plots``: (what it shows, PNG bytes). ``notes``: plain sentences on how to read it.
    """
    overall = str(summary["verdict"])
    frames = format_frames(summary["frames"])
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p>{_word(overall, wording)} <span class="dim">over frames {escape(frames)}</span></p>',
        _what_to_do(summary, wording),
        "<h2>Measures</h2>",
        _table(summary, wording),
        *(["<h2>Frames to look at first</h2>"] if worst else []),
        *(_frame(each) for each in worst),
        "<h2>Over the frames</h2>",
        '<div class="plots">',
        *(f"<figure>{image_tag(data, what)}</figure>" for what, data in plots),
        "</div>",
        "<h2>How to read this</h2>",
        f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>",
    ]
    return html_page(title, "\n".join(parts))


def html_page(title: str, body: str) -> str:
    """A whole page in the look of all reports, with nothing to load. ``body`` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _word(verdict: str, wording: Wording = QC_WORDING) -> str:
    kind = "unknown" if verdict == UNKNOWN else verdict
    return f'<span class="verdict {kind}">{SYMBOLS[verdict]} {escape(wording.verdicts[verdict])}</span>'


def _what_to_do(summary: Mapping[str, Any], wording: Wording) -> str:
    """What is wrong, in words, failures first; one line when nothing is."""
    rows = [(name, row) for name, row in summary["measures"].items() if row["verdict"] in (FAIL, LOOK)]
    if not rows:
        return "<p>Nothing stands out.</p>"
    rows.sort(key=lambda each: each[1]["verdict"] != FAIL)
    items = []
    for name, row in rows:
        measure = wording.measures[name]
        said = f"{escape(described(measure, row))}{_frames_of(row, wording)}"
        advice = f'<span class="dim">{wording.advice}: {escape(measure.advice)}.</span>'
        items.append(f"<li>{_word(row['verdict'], wording)} <b>{escape(measure.title)}</b>: {said}. {advice}</li>")
    return f"<ul>{''.join(items)}</ul>"


def _frames_of(row: Mapping[str, Any], wording: Wording) -> str:
    listed = [f"{wording.verdicts[word]} on {format_frames(row[word])}" for word in (FAIL, LOOK) if row[word]]
    return f" ({escape('; '.join(listed))})" if listed else ""


def _table(summary: Mapping[str, Any], wording: Wording) -> str:
    head = "".join(
        f'<th scope="col"{css}>{word}</th>'
        for word, css in (
            ("measure", ""),
            ("verdict", ""),
            *((w, ' class="figure"') for w in ("worst", "frame", "median", "look", "fail")),
            ("unit", ""),
        )
    )
    rows = "".join(_row(wording.measures[name], row, wording) for name, row in summary["measures"].items())
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(measure: Measure, row: Mapping[str, Any], wording: Wording) -> str:
    if row["verdict"] == UNKNOWN:
        why = "; ".join(row.get("not_measured", {}))
        return f'<tr><td>{escape(measure.title)}</td><td>{_word(UNKNOWN, wording)}</td><td colspan="6" class="dim">{escape(why)}</td></tr>'
    figures = [
        _number(row["worst"], measure.digits),
        "" if row["worst_frame"] is None or row["verdict"] == PASS else str(row["worst_frame"]),
    ]
    figures += [_number(value, measure.digits) for value in (row["median"], *row["limits"])]
    cells = "".join(f'<td class="figure">{figure}</td>' for figure in figures)
    return f'<tr><td>{escape(measure.title)}</td><td>{_word(row["verdict"])}</td>{cells}<td class="dim">{escape(measure.unit)}</td></tr>'


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if abs(value) >= 10**-digits or value == 0 else f"{value:.1e}"


def _frame(worst: WorstFrame) -> str:
    words = "".join(f"<li>{_word(verdict)} {escape(text)}</li>" for verdict, text in worst.words)
    cells = "".join(
        f"<figure>{image_tag(data, f'frame {worst.frame}, {caption}')}<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, data in worst.pictures
    )
    return f'<h3>Frame {worst.frame}</h3><ul>{words}</ul><div class="cells">{cells}</div>'


def image_tag(png: bytes, text: str) -> str:
    """A picture inside the page; ``text`` is for who can't see it."""
    return f'<img alt="{escape(text, quote=True)}" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'
