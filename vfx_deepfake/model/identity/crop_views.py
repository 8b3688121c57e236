"""Crops of facesets as views of a face, at any size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.data import Faceset
from vfx_deepfake.model.identity.autoencoder_lessons import resized
from vfx_deepfake.model.identity.method import View


def views_of(facesets: Sequence[Faceset], size: int) -> list[View]:
    """Every crop of facesets at another size, read when asked for.

    Raises: FacesetError where there is none.
    """
    views = [_LazyView(faceset, index, size) for faceset in facesets for index in range(len(faceset))]
    if not views:
        raise FacesetError("the facesets hold no crop in use; look at their sheets and keep some")
    return views  # type: ignore[return-value]


class _LazyView:
    """A view whose picture is read when it is looked at."""

    def __init__(self, faceset: Faceset, index: int, size: int) -> None:
        self._faceset, self._index, self.size = faceset, index, size
        self.points = faceset.points[index] * np.float32(size / faceset.size)
        self.pose = faceset.pose[index]

    @property
    def image_log(self) -> np.ndarray:
        return np.asarray(resized(self._faceset.image_log(self._index), self.size), np.float32)

    @property
    def valid(self) -> np.ndarray:
        return np.asarray(resized(self._faceset.valid(self._index), self.size), np.float32)
