"""The frames that were drawn upon, as they looked in review."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.review.find import VersionName, whereabouts
from vfx_deepfake.review.store import Store
from vfx_deepfake.viewing.published import kept_published
from vfx_deepfake.viewing.stills import display_picture

WIDTH_PX = 1280  # of a printed frame: 270 dots an inch


class NotePictures:
    """Frames of versions through the show's own view."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, standing: Mapping[str, Any], frame: int) -> tuple[np.ndarray, tuple[int, int]] | str:
        """The picture (h, w, 3) uint8 and the plate's width and height; or in one line why there is none."""
        name = VersionName(standing["show"], standing["shot"], standing["version"])
        try:
            with self._store.reading() as session:
                place = whereabouts(session, self._store.place.root, name)
            published = kept_published(place.shot_folder, place.folder, place.record_hash)
            window = published.header.display_window
            picture = display_picture(published, frame, width=min(WIDTH_PX, window.width))
            return picture, (window.width, window.height)
        except ArtistError as error:
            return " ".join(str(error).split())[:300]
