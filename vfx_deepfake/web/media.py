"""Routes under ``/media``: pictures of a registered version. A URL names show, shot and version; the database says where they lie."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from vfx_deepfake.errors import NotThereError, ReviewError
from vfx_deepfake.review.find import Whereabouts, whereabouts
from vfx_deepfake.settings.qc import measure_names
from vfx_deepfake.viewing import luts
from vfx_deepfake.viewing.cache import Entry
from vfx_deepfake.viewing.info import info_of, landmarks_of
from vfx_deepfake.viewing.luts import View, view_numbered, views_of
from vfx_deepfake.viewing.mattes import matte_plane
from vfx_deepfake.viewing.packed import FORMAT, SIZES, gzipped, pack, size_of
from vfx_deepfake.viewing.published import VERSION, Published, kept_published
from vfx_deepfake.viewing.stills import (
    MOST_STOPS,
    THUMB_PX,
    display_picture,
    jpeg,
    png,
    thumb_frame,
    working_picture,
)
from vfx_deepfake.web.pictures import ASK_AGAIN, Wanted, send, send_data, send_file
from vfx_deepfake.web.visit import Visit, Visitor, version_name

router = APIRouter(prefix="/media/{show}/{shot}/{version}")
GZIP = {"Content-Encoding": "gzip"}
RAW = "application/octet-stream"
DEFAULT_VIEW = "default"
QC_FILES = {
    "qc.json": Path("qc.json"),
    **{f"{name}.png": Path("plots", f"{name}.png") for name in ("grain", *measure_names())},
}

Stops = Annotated[float, Query(ge=-MOST_STOPS, le=MOST_STOPS)]


def whereabouts_of(visit: Visit, show: str, shot: str, version: str) -> Whereabouts:
    """Where the registered version lies that a URL names.

    Raises: ReviewError where it is not registered.
    """
    name = version_name(show, shot, version)
    with visit.store.reading() as session:
        return whereabouts(session, visit.store.place.root, name)


def opened_at(place: Whereabouts) -> Published:
    """A registered version, opened.

    Raises: ReviewError where its files are not there, or are not what was registered.
    """
    return kept_published(place.shot_folder, place.folder, place.record_hash)


def published(visit: Visit, show: str, shot: str, version: str) -> Published:
    """The registered version that a URL names, opened.

    Raises: as :func:`whereabouts_of` and :func:`opened_at`.
    """
    return opened_at(whereabouts_of(visit, show, shot, version))


@router.get("/info.json")
async def info(request: Request, visit: Visitor, show: str, shot: str, version: str) -> Response:
    """What the player needs to know first."""
    return await send_data(request, lambda: info_of(published(visit, show, shot, version)))


@router.get("/landmarks.json")
async def landmarks(request: Request, visit: Visitor, show: str, shot: str, version: str) -> Response:
    """The points of the face's track by frame."""
    return await send_data(request, lambda: landmarks_of(published(visit, show, shot, version)))


@router.get("/frames/{frame}")
async def frame(request: Request, visit: Visitor, show: str, shot: str, version: str, frame: int, of: str = VERSION,
                width: int = 0) -> Response:  # fmt: skip
    """A packed frame of the version or of its plate."""

    def find() -> Wanted:
        opened = published(visit, show, shot, version)
        size = _size(opened, width)
        key = _key(opened, "frame", frame, of, size, opened.conversion)
        return Wanted(key, partial(_packed, opened, frame, of, size), RAW, _sized(size))

    return await send(request, find)


@router.get("/mattes/{frame}")
async def matte(request: Request, visit: Visitor, show: str, shot: str, version: str, frame: int, layer: str = "matte.applied",
                width: int = 0) -> Response:  # fmt: skip
    """A matte, or the confidence, as a plane of bytes."""

    def find() -> Wanted:
        opened = published(visit, show, shot, version)
        size = _size(opened, width)
        make = lambda: Entry(gzipped(matte_plane(opened, frame, layer, size), grainy=False))  # noqa: E731
        return Wanted(_key(opened, "matte", frame, layer, size), make, RAW, _sized(size))

    return await send(request, find)


@router.get("/lut/{view:path}")  # names of views may have slashes
async def lut(request: Request, visit: Visitor, show: str, shot: str, version: str, view: str) -> Response:
    """A view as a 3D table; ``view`` is its number or name of ``info.json``, or "default". Its errors are headers, in codes of 8 bits."""

    return await send(request, lambda: lut_wanted(published(visit, show, shot, version), view))


def lut_wanted(opened: Published, view: str) -> Wanted:
    """The table of a view, by its number or name or :data:`DEFAULT_VIEW`.

    Raises: NotThereError for a view that is not there.
    """
    chosen = _view(opened, view)
    key = ["lut", FORMAT, luts.SIZE, opened.color.config_id(), opened.working, chosen.display, chosen.view]
    return Wanted(key, partial(_lut, opened, chosen), RAW, {"X-Size": str(luts.SIZE), **GZIP}, ASK_AGAIN)


@router.get("/thumb.jpg")
async def thumb(
    request: Request, visit: Visitor, show: str, shot: str, version: str, frame: int | None = None
) -> Response:
    """A small picture through the show's view. A wall has many, so one that is kept is found without opening its version."""

    def find() -> Wanted:
        place = whereabouts_of(visit, show, shot, version)
        key = ["thumb", FORMAT, place.record_hash, frame]
        return Wanted(key, partial(_thumb, place, frame), "image/jpeg", small=True)

    return await send(request, find)


@router.get("/still.png")
async def still(request: Request, visit: Visitor, show: str, shot: str, version: str, frame: int, of: str = VERSION, view: str = "",
                exposure: Stops = 0.0, width: int = 0) -> Response:  # fmt: skip
    """A frame as people without the player see it: through OCIO itself and not through a table."""

    def find() -> Wanted:
        opened = published(visit, show, shot, version)
        chosen = _view(opened, view) if view else View(*opened.view)
        size = _size(opened, width)
        key = _key(
            opened, "still", frame, of, chosen.display, chosen.view, exposure, size, opened.color.config_id()
        )  # fmt: skip
        make = lambda: Entry(png(display_picture(opened, frame, of=of, view=chosen, stops=exposure, width=width)))  # noqa: E731
        return Wanted(key, make, "image/png")

    return await send(request, find)


@router.get("/sheet.png")
async def sheet(request: Request, visit: Visitor, show: str, shot: str, version: str) -> Response:
    """The contact sheet that was published with the version."""

    def find() -> Path:
        opened = published(visit, show, shot, version)
        return opened.review_file(opened.paths.sheet)

    return await send_file(request, find, "image/png")


@router.get("/movie.mp4")
async def movie(request: Request, visit: Visitor, show: str, shot: str, version: str) -> Response:
    """The review movie that was published with the version, whole or in ranges."""

    def find() -> Path:
        opened = published(visit, show, shot, version)
        return opened.review_file(opened.paths.movie)

    return await send_file(request, find, "video/mp4")


@router.get("/qc/{file}")
async def qc(request: Request, visit: Visitor, show: str, shot: str, version: str, file: str) -> Response:
    """A plot, or the figures: the version's own, else those measured after it was published."""

    def find() -> Path:
        opened = published(visit, show, shot, version)
        if file not in QC_FILES:
            raise NotThereError(f"{opened}: no file {ascii(file)[:60]} of QC; known: {', '.join(QC_FILES)}")
        places = (opened.paths.qc, opened.opened.shot.paths.published_qc(opened.paths.number))
        found = next((path for place in places if (path := place / QC_FILES[file]).is_file()), None)
        if found is None:
            raise NotThereError(f"{opened}: QC made no {file}; 'vfx-deepfake qc' measures it")
        return found

    return await send_file(request, find, "application/json" if file.endswith(".json") else "image/png", ASK_AGAIN)


def _key(opened: Published, what: str, *more: Any) -> list[Any]:
    """What decides a picture of a version."""
    return [what, FORMAT, opened.record_hash, *more]


def _size(opened: Published, width: int) -> tuple[int, int]:
    if width not in SIZES:
        raise ReviewError(
            f"width: is {ascii(width)[:20]}; want one of {', '.join(map(str, SIZES))}; 0 is the full size"
        )
    return size_of(opened.header.display_window, width)


def _sized(size: tuple[int, int]) -> dict[str, str]:
    return {"X-Width": str(size[0]), "X-Height": str(size[1]), **GZIP}


def _view(opened: Published, text: str) -> View:
    """A view by its number or its name; "default" is the version's own.

    Raises: NotThereError.
    """
    if text == DEFAULT_VIEW:
        return View(*opened.view)
    if text.isascii() and text.isdigit() and len(text) < 5:
        return view_numbered(opened.color, int(text))
    found = next((view for view in views_of(opened.color) if view.name == text), None)
    if found is None:
        raise NotThereError(f"{opened}: its config has no view {ascii(text)[:80]}; info.json lists them")
    return found


def _thumb(place: Whereabouts, frame: int | None) -> Entry:
    opened = opened_at(place)
    return Entry(jpeg(display_picture(opened, thumb_frame(opened) if frame is None else frame, width=THUMB_PX)))


def _packed(opened: Published, frame: int, of: str, size: tuple[int, int]) -> Entry:
    linear, outside = working_picture(opened, opened.picture(frame, of))
    return Entry(gzipped(pack(linear, size, outside)))


def _lut(opened: Published, view: View) -> Entry:
    table = luts.bake(opened.color, opened.working, view)
    error = luts.table_error(table, opened.color, opened.working, view, luts.scene_codes())
    facts = {"X-Error-Mean": error.mean, "X-Error-Most": error.most, "X-Error-Largest": error.largest}
    return Entry(gzipped(table, grainy=False), {name: f"{value:.3f}" for name, value in facts.items()})
