"""Routes under ``/export``: what ``review export`` writes, as downloads."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from vfx_deepfake.exchange.export import KINDS, Selection, export
from vfx_deepfake.web.api_common import PRINTABLE
from vfx_deepfake.web.visit import NO_SHOW, Visitor

router = APIRouter()
Kind = Literal["otio", "submission", "notes-csv", "notes-pdf"]  # the keys of KINDS
Name = Annotated[str, Query(max_length=128, pattern=PRINTABLE)]


@router.get("/export/{kind}")
def download(visit: Visitor, kind: Kind, show: Name | None = None, playlist: Name = "", shot: Name = "", version: Name = "",
             newest: bool = False) -> Response:  # fmt: skip
    """A playlist, a shot, one version or a whole show as a file of that kind; "-" stands for no show."""
    selection = Selection("" if show == NO_SHOW else show, playlist, shot, version, newest)
    content, _ = export(visit.store, kind, selection)
    made = KINDS[kind]
    words = "_".join(filter(None, (show, playlist, shot, version, "notes" if kind.startswith("notes") else kind)))
    file = re.sub(r"[^A-Za-z0-9_.-]+", "_", words).lstrip("._-") + made.suffix
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    return Response(content, media_type=made.media_type, headers=headers)
