"""The frames that were drawn upon, as they looked in review."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.exchange.versions import folders_of
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.store import Store
from vfx_deepfake.viewing.published import open_published
from vfx_deepfake.viewing.stills import display_picture

WIDTH_PX = 1280  # of a printed frame: 270 dots an inch


class NotePictures:
    """Frames of versions through the show's own view; each version is opened once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._name: VersionName | None = None

    def __call__(self, standing: Mapping[str, Any], frame: int) -> tuple[np.ndarray, tuple[int, int]] | str:
        """The picture (h, w, 3) uint8 and the plate's width and height; or in one line why there is none."""
        name = VersionName(standing["show"], standing["shot"], standing["version"])
        try:
            if name != self._name:
                self._published = open_published(*folders_of(self._store, name), standing["record_hash"])
                self._name = name
            window = self._published.header.display_window
            width = min(WIDTH_PX, window.width)
            return display_picture(self._published, frame, width=width), (window.width, window.height)
        except ArtistError as error:
            return " ".join(str(error).split())[:300]
