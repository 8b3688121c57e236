"""What the first page of a server just started would wait for, done before anybody asks.

Measured on two cores, processor seconds of a first request over those of a second: the player's page 0.10 (templates), what it is told
first 0.07 (the OCIO config), its view's table 0.18 (imports, and baking).
"""

from __future__ import annotations

import logging

from fastapi import FastAPI

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.review.choosing import shows_of
from vfx_deepfake.review.find import VersionName, whereabouts
from vfx_deepfake.review.listing import list_versions
from vfx_deepfake.review.store import Store
from vfx_deepfake.viewing.info import info_of
from vfx_deepfake.web.media import DEFAULT_VIEW, lut_wanted, opened_at
from vfx_deepfake.web.pictures import Studio, studio
from vfx_deepfake.web.visit import compile_templates

LOG = logging.getLogger("vfx_deepfake.review.page")


def warm(app: FastAPI) -> None:
    """Compile the pages, then open the newest version of each show's first shot and bake its view's table.

    Nothing depends on it: what can't be had is left to whoever asks for it, who gets the reason.
    """
    try:
        compile_templates()
        with_what, store = studio(app), app.state.store
        for show in shows_of(store):
            _open_first(store, with_what, show)
    except ArtistError as error:
        LOG.info("nothing was made ready: %s", error)
    except Exception:
        LOG.exception("nothing was made ready")


def _open_first(store: Store, with_what: Studio, show: str) -> None:
    for row in list_versions(store, show=show, newest_only=True, limit=1):
        name = VersionName(row["show"], row["shot"], row["version"])
        with store.reading() as session:
            place = whereabouts(session, store.place.root, name)
        try:
            opened = opened_at(place)
            info_of(opened)
            wanted = lut_wanted(opened, DEFAULT_VIEW)
        except ArtistError as error:
            LOG.info("%s %s: not made ready: %s", row["shot"], row["version"], error)
            continue
        with_what.cache.get_or_make(wanted.key, wanted.make)
