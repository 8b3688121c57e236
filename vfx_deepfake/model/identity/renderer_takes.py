"""Lessons that no real footage can give: another person's take, and the identity's face in it as the answer.

On a plate light, landmarks and the lightness of eyes and mouth are another person's; crops of the identity alone teach nothing of what
that does. Drawn people can be drawn in each other's takes, so a base learns it from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vfx_deepfake.model.identity import canonical
from vfx_deepfake.model.identity.eyes import solve_eyes, worn
from vfx_deepfake.model.identity.feature_places import places_apart
from vfx_deepfake.model.identity.method import View
from vfx_deepfake.model.identity.mouth import as_open, solve_mouth, with_mouth
from vfx_deepfake.model.identity.real_crops import RealCrops
from vfx_deepfake.model.identity.renderer_inputs import Inputs, borrowing, look
from vfx_deepfake.model.identity.retarget import Shape, difference, retarget, solve_shape
from vfx_deepfake.model.identity.skin import Skin
from vfx_deepfake.model.identity.standing import lighting, standing_part


@dataclass(frozen=True, eq=False)
class ForeignTake:
    """Views of somebody else in one light, and ``truths``, (S, S, 3) log each: entry ``entry`` in that person's place."""

    entry: int
    views: Sequence[View]
    truths: Sequence[np.ndarray]


class Foreign:
    """A take with what a shot is adapted by: the performer's shape and features against the identity's, what stays on the
    performer's face, and one level for both."""

    def __init__(self, take: ForeignTake, identity: Shape, skin: Skin) -> None:
        self.entry, self._take, self._skin = take.entry, take, skin
        self._performer = solve_shape(np.stack([view.points for view in take.views]))
        self._eyes, self._mouth = solve_eyes(take.views), solve_mouth(take.views)
        self._apart = difference(self._performer, identity, *places_apart([skin.colour], take.views))
        self._stays = standing_part(take.views, skin.colour)
        self._level = np.median([_skin_apart(*pair) for pair in zip(take.views, take.truths, strict=True)], axis=0)

    def __len__(self) -> int:
        return len(self._take.views)

    def lesson(
        self, index: int, eyes: np.ndarray, mouth: np.ndarray, crops: RealCrops | None
    ) -> tuple[Inputs, np.ndarray, View]:
        """Inputs, the wanted picture over the light's level (S, S, 3), and the view with the points that are shown."""
        view, size = self._take.views[index], len(self._take.truths[index])
        points = retarget(view.points, self._performer.shape, self._apart, self._performer.nearness)
        points = as_open(points, self._mouth, mouth)
        inputs = look(view, points, self._skin, lighting(view, self._skin.colour, self._stays))
        if crops is not None:
            inputs = borrowing(inputs, crops.borrowed(points, size))
        inputs = worn(inputs, view, points, self._eyes, eyes)
        inputs = with_mouth(inputs, view, points, self._mouth, mouth)
        wanted = self._take.truths[index] + self._level - inputs.level
        return inputs, np.asarray(wanted, np.float32), View(view.image_log, points, view.pose, view.valid)


def _skin_apart(view: View, truth: np.ndarray) -> np.ndarray:
    skin = canonical.skin(view.points, len(truth)) * view.valid
    return np.asarray(((view.image_log - truth) * skin[..., None]).sum(axis=(0, 1)) / max(float(skin.sum()), 1.0))
