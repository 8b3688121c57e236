"""The QC of a version: what needs eyes, and plots whose every frame leads to the player."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from vfx_deepfake.frames import format_frames, parse_frames
from vfx_deepfake.review.lineage import made_from
from vfx_deepfake.review.listing import qc_of
from vfx_deepfake.web.plots import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, plot
from vfx_deepfake.web.qc_values import figures, read_report
from vfx_deepfake.web.visit import Visitor, render, version_folder, version_name
from vfx_deepfake.web.wording import WORDS

router = APIRouter(include_in_schema=False)  # pages; the API describes what is for programs
SIZE = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}


@router.get("/versions/{show}/{shot}/{version}/qc")
def qc_page(request: Request, visit: Visitor, show: str, shot: str, version: str) -> HTMLResponse:
    """Every measure of a version, over its frames where their figures are there."""
    name = version_name(show, shot, version)
    row = made_from(visit.store, name)
    registered = qc_of(visit.store, name)
    frames = parse_frames(row["frames"])
    report, values = read_report(version_folder(visit, name), name, frames)
    found = figures(registered["measures"], report, values)
    plots = {figure.name: plot(figure.values, frames, figure.limits) for figure in found}
    return render(request, visit, "qc.html", words=WORDS, row=row, verdict=registered["verdict"], figures=found, plots=plots, size=SIZE,
                  listed=format_frames)  # fmt: skip
