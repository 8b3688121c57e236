"""An identity's face as a model like any other: a frame in, a change and its matte out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.faceset.align import SIDE_CM, source_scale, warp_from_crop
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.identity.drive import Driving
from vfx_deepfake.model.identity.method import Made, Method, View
from vfx_deepfake.model.identity.regions import WHOLE, part_matte
from vfx_deepfake.model.identity.rim import with_rim
from vfx_deepfake.model.identity.views import PlateViews
from vfx_deepfake.model.predict import Prediction

# (frame, what was made, the performance it shall show) -> the same face with that performance
Correct = Callable[[int, Made, View], Made]
LEAST_MATTE = 1e-3  # less is nothing: written as half it would be 0 over pixels that are not quite the plate's
EDGE_SHARE = 0.03  # of the view's side, over which a face that reaches the view's edge runs out; assumed


@dataclass(frozen=True, eq=False)
class IdentityModel:
    """Makes predictions with a :class:`~vfx_deepfake.model.identity.method.Method`.

    The face is made in the aligned view of a frame and laid back onto the plate's pixels once. ``correct``: what brings a
    drifting performance back, None for nothing. ``region``: the part of the face that is replaced; ``forehead_cm``: as in
    :func:`~vfx_deepfake.model.identity.regions.part_matte`.
    """

    views: PlateViews
    method: Method
    driving: Driving
    region: str = WHOLE
    forehead_cm: float = 0.0
    correct: Correct | None = None

    @property
    def source(self) -> CropSource:
        """Where the plate's crops come from."""
        return self.views.source

    def predict(self, frame: int) -> Prediction:
        """The change of one frame; exactly 0 under a matte of exactly 0 outside the aligned view.

        Raises: TrackError where the frame has no face; what the source's readers raise.
        """
        crop, matrix = self.source.crop(frame), self.views.matrix(frame)
        made, shown = self.uncorrected(frame)
        if self.correct is not None:
            made = self.correct(frame, made, shown)
        picture = warp_from_crop(made.picture_log, matrix, crop.window)
        shares = np.dstack([made.matte, made.confidence, _run_out(len(made.matte))])
        matte, sure, reach = np.moveaxis(np.clip(warp_from_crop(shares, matrix, crop.window), 0, 1), 2, 0)
        delta = np.where(reach[..., None] > 0, picture - crop.image_log, np.float32(0))
        oval = region_mask(crop.points, crop.window, "oval", self.source.mesh)
        px_per_cm = len(made.matte) / SIDE_CM * source_scale(matrix)
        delta, matte = with_rim(delta, matte * reach, crop.image_log, oval, px_per_cm)
        matte = np.minimum(matte, reach) * part_matte(crop.points, crop.window, self.region, self.forehead_cm)
        matte = np.where(matte >= LEAST_MATTE, matte, np.float32(0))
        tracked = np.float32(self.source.track.confidence_at(frame))
        return Prediction(delta, matte, sure * tracked * (reach > 0), crop.window)

    def uncorrected(self, frame: int) -> tuple[Made, View]:
        """The face as the method makes it, and the view with the performance that it shall show.

        Raises: as :meth:`predict`.
        """
        view, drive = self.views.view(frame), self.driving.at(frame, self.views.matrix(frame))
        shown = view if drive.points is None else replace(view, points=drive.points)
        return self.method.make(view, drive), shown


def _run_out(size: int) -> np.ndarray:
    """(size, size) float32: 1 well inside a view, softly down to 0 at its edge, which stands for everything beyond."""
    from_edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / max(EDGE_SHARE * size, 1.0)
    return np.clip(np.minimum.outer(from_edge, from_edge), 0, 1).astype(np.float32)
