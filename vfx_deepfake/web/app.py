"""The review page as an ASGI app: routes of all parts, one store, one door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from vfx_deepfake import __version__
from vfx_deepfake.review.place import Place
from vfx_deepfake.review.store import open_store
from vfx_deepfake.web import (
    api_events,
    api_lists,
    api_versions,
    csrf,
    downloads,
    forms,
    media,
    pages_history,
    pages_login,
    pages_people,
    pages_playlists,
    pages_qc,
    pages_shot,
    pages_wall,
    player,
)
from vfx_deepfake.web.door import Door
from vfx_deepfake.web.errors import add_handlers
from vfx_deepfake.web.head import Head
from vfx_deepfake.web.limiter import Limiter
from vfx_deepfake.web.live import Live
from vfx_deepfake.web.options import Options

STATIC = Path(__file__).parent / "static"
# fmt: off
ROUTERS = (  # one a line; the first that has a path counts
    api_events.router,
    api_lists.router,
    api_versions.router,
    media.router,
    downloads.router,
    forms.router,
    pages_history.router,
    pages_login.router,
    pages_people.router,
    pages_playlists.router,
    pages_qc.router,
    pages_shot.router,
    pages_wall.router,
    player.router,
)
# fmt: on


def create_app(place: Place, options: Options = Options()) -> FastAPI:  # noqa: B008 - frozen
    """The page of one review database.

    Raises: ReviewError where there is no database, or one of another schema.
    """
    store = open_store(place)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = FastAPI(
        title="vfx_deepfake review", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan,
        dependencies=[Depends(csrf.guard)],
    )  # fmt: skip
    app.state.store, app.state.options = store, options
    app.state.limiter, app.state.live = Limiter(), Live(store)
    add_handlers(app)
    app.add_middleware(Head)
    app.add_middleware(Door, options=options)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
