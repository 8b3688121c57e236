"""The coverage report as files: a page for any browser, its plots, and plain data."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from vfx_deepfake.faceset.coverage import Coverage
from vfx_deepfake.files import write_json, written_aside
from vfx_deepfake.frames import format_frames
from vfx_deepfake.qc.coverage_plots import coverage_plots
from vfx_deepfake.qc.page import html_page, image_tag

DATA_FILE, PAGE_FILE = "coverage.json", "coverage.html"
MOST_FRAMES = 40  # rows of the table; all frames are in the data
NOTES = (
    "Left and right are those of the picture, never the person's.",
    "Degrees, millimetres and stops are read off landmarks and skin: they compare a faceset with a plate and are no survey. "
    "Heads unlike the average one are read up to a fifth too far turned.",
    "The plate is shown in the faceset's scale: what may be the other person's resting face (lids, corners of the mouth, brows, "
    "nose) was taken off, within limits.",
    "A step is a difference that one sees: 8 degrees, half a centimetre of open mouth, a stop of light across the face.",
    "Sharpness counts no more pixels than an aligned crop holds.",
)


def write_coverage(folder: Path, found: Coverage, title: str) -> list[Path]:
    """Write data, plots and page into a folder; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = coverage_plots(found)
    files = [folder / DATA_FILE, folder / PAGE_FILE, *(folder / f"{name}.png" for name in plots)]
    write_json(files[0], found.to_data())
    contents = [coverage_page(title, found, list(plots.values())).encode(), *(data for _, data in plots.values())]
    for path, content in zip(files[1:], contents, strict=True):
        with written_aside(path) as part:
            part.write_bytes(content)
    return files


def coverage_page(title: str, found: Coverage, plots: Sequence[tuple[str, bytes]]) -> str:
    """The whole page as HTML text; ``plots``: (what it shows, PNG bytes)."""
    rows = "".join(
        f'<tr><td class="verdict {_color(gap.level)}">{gap.level}</td><td>{escape(gap.text)}</td></tr>'
        for gap in found.gaps
    )
    table = f"<table><tbody>{rows}</tbody></table>" if rows else "<p>Nothing is missing.</p>"
    pictures = "".join(
        f"<figure>{image_tag(data, what)}<figcaption>{escape(what)}</figcaption></figure>" for what, data in plots
    )
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(found.lines()[0])}.</p>",
        "<h2>What is missing</h2>",
        table,
        "<h2>Plots</h2>",
        f'<div class="plots">{pictures}</div>',
        *_frames(found),
        "<h2>How to read this</h2>",
        f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in NOTES)}</ul>",
    ]
    return html_page(title, "\n".join(parts))


def _color(level: str) -> str:
    return {"serious": "fail", "noticeable": "look"}.get(level, "unknown")


def _frames(found: Coverage) -> list[str]:
    """The frames that will suffer, worst first."""
    if not found.suffering:
        return []
    rows = [
        f'<tr><td class="figure">{need.frame}</td><td class="figure">{need.distance:.1f}</td><td>{escape(need.reason)}</td>'
        f"<td>{escape(found.crops[need.nearest])}</td></tr>"
        for need in found.suffering[:MOST_FRAMES]
    ]
    head = '<tr><th class="figure">frame</th><th class="figure">steps</th><th>worst reason</th><th>nearest crop in all</th></tr>'
    more = len(found.suffering) - len(rows)
    rest = f'<p class="dim">and {more} more; all are in {DATA_FILE}.</p>' if more > 0 else ""
    body = f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"
    listed = format_frames(need.frame for need in found.suffering)
    return [
        f"<h2>Frames that will suffer</h2><p>{escape(listed)}</p>",
        f"{body}{rest}",
    ]
