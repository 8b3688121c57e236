"""Teaching the exported network: it sees the plate and learns what the shot's own model made of it, as CopyCat learns from pairs.

The models themselves need what Nuke's Inference node can't give: painted frames carried by flow, or the tracked mesh and the
faceset. What they made on the shot's frames is an ordinary picture, and an ordinary network can learn it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.model.export_network import GAIN, Student
from vfx_deepfake.model.identity.method import Drive, Made, ShotViews, View
from vfx_deepfake.settings import TrainSpec

FACE_SHARE = 0.8  # of the crops lie about the face; the others teach to leave the plate alone
MATTE_SHARE = 0.1  # of the matte's error in the loss
JITTER_STOPS = 0.25  # random exposure of a crop, so that other frames of the light are learnt too


@dataclass(frozen=True, eq=False)
class Pair:
    """One frame: plate_log (H, W, 3), change_log (H, W, 3) already under the matte, matte (H, W), all float16; the plate as it is, grain
    and all. box: top, left, bottom, right of the matte.
    """

    frame: int
    plate_log: np.ndarray
    change_log: np.ndarray
    matte: np.ndarray
    box: tuple[int, int, int, int]

    @classmethod
    def of(
        cls, frame: int, plate_lin: np.ndarray, face_lin: np.ndarray, clean_lin: np.ndarray, matte: np.ndarray
    ) -> Pair:
        """From a plate (H, W, 3), the model's face, the degrained plate and the matte (H, W), all over the same pixels."""
        plate = np.asarray(encode_log(plate_lin), np.float32)
        change = (np.asarray(encode_log(face_lin)) - np.asarray(encode_log(clean_lin))) * matte[..., None]
        rows, columns = np.nonzero(matte > 0)
        found = len(rows) > 0
        box = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) if found else (0, 0, *matte.shape)
        top, left, bottom, right = (int(side) for side in box)
        return cls(frame, _half(plate), _half(change), _half(matte), (top, left, bottom, right))

    @property
    def wanted_log(self) -> np.ndarray:
        """The model's picture with the plate's grain, log (H, W, 3) float32."""
        return self.plate_log.astype(np.float32) + self.change_log


def _half(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.clip(values, -6e4, 6e4)).astype(np.float16)


class StudentMethod:
    """A student with its lessons, as :func:`train_identity` trains methods."""

    def __init__(self, pairs: Sequence[Pair], spec: TrainSpec, device: torch.device) -> None:
        torch.manual_seed(spec.seed)
        self.network: nn.Module = Student().to(device)
        self._pairs, self._spec = tuple(pairs), spec
        shape = pairs[0].plate_log.shape
        self._side = max(min(spec.crop_px, shape[0], shape[1]) // 16 * 16, 16)

    def design(self) -> dict[str, Any]:
        """What the network is built like."""
        return {"kind": "student"}

    def step_loss(self, step: int) -> Tensor:
        """Error of change and matte over random crops of random frames."""
        rng = np.random.default_rng((self._spec.seed, 9, step))
        rows = [self._crop(rng) for _ in range(self._spec.batch_size)]
        device = next(self.network.parameters()).device
        plate, change, matte = (
            torch.from_numpy(np.stack([row[k] for row in rows])).permute(0, 3, 1, 2).to(device) for k in range(3)
        )
        made = self.network(plate.to(memory_format=torch.channels_last)).float()
        product = made[:, :3] * made[:, 3:]
        off = product - change
        loss = off.abs().mean() + _slopes(off).mean() + MATTE_SHARE * (made[:, 3:] - matte).abs().mean()
        return GAIN * loss

    def _crop(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pair = self._pairs[int(rng.integers(len(self._pairs)))]
        height, width = pair.matte.shape
        top, left, bottom, right = pair.box if rng.random() < FACE_SHARE else (0, 0, height, width)
        y, x = rng.uniform(top, bottom), rng.uniform(left, right)
        y0 = int(np.clip(y - self._side / 2, 0, height - self._side))
        x0 = int(np.clip(x - self._side / 2, 0, width - self._side))
        part = (slice(y0, y0 + self._side), slice(x0, x0 + self._side))
        light = np.float32(rng.uniform(-JITTER_STOPS, JITTER_STOPS) / 17.52)
        flip = slice(None, None, -1) if rng.random() < 0.5 else slice(None)
        rows = (pair.plate_log[part] + light, pair.change_log[part], pair.matte[part][..., None])
        plate, change, matte = (np.ascontiguousarray(row[:, flip], np.float32) for row in rows)
        return plate, change, matte

    def adapt(self, shot: ShotViews) -> None:
        """Nothing belongs to the shot that training does not see."""

    def make(self, view: View, drive: Drive) -> Made:
        """The student's picture of a view; the matte stands for its confidence."""
        made = self.apply(view.image_log)
        return Made(view.image_log + made[..., :3] * made[..., 3:], made[..., 3], made[..., 3])

    @torch.no_grad()
    def apply(self, image_log: np.ndarray) -> np.ndarray:
        """(H, W, 3) log, sides multiples of STRIDE, to change and matte (H, W, 4)."""
        device = next(self.network.parameters()).device
        plate = torch.from_numpy(np.ascontiguousarray(image_log, np.float32)).permute(2, 0, 1)[None].to(device)
        return np.asarray(self.network(plate)[0].permute(1, 2, 0).float().cpu().numpy())

    def sheet(self) -> np.ndarray:
        """Plate, model and student of three frames."""
        rows = []
        for pair in self._pairs[:: max(len(self._pairs) // 3, 1)][:3]:
            plate = _around(pair.plate_log, pair.box).astype(np.float32)
            made = self.apply(plate)
            wanted = _around(pair.wanted_log, pair.box)
            rows.append(_small(np.hstack([plate, wanted, plate + made[..., :3] * made[..., 3:]])))
        widest = max(row.shape[1] for row in rows)
        return np.vstack([np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0))) for row in rows])


def _slopes(off: Tensor) -> Tensor:
    return (off[..., 1:, :-1] - off[..., :-1, :-1]).abs() + (off[..., :-1, 1:] - off[..., :-1, :-1]).abs()


def _around(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The part about a box, sides multiples of 16 where the picture allows it."""
    height, width = image.shape[:2]
    top, left, bottom, right = box
    tall, wide = (
        min((b - a + 47) // 16 * 16, limit // 16 * 16) for a, b, limit in ((top, bottom, height), (left, right, width))
    )
    y0 = int(np.clip((top + bottom - tall) // 2, 0, height - tall))
    x0 = int(np.clip((left + right - wide) // 2, 0, width - wide))
    return image[y0 : y0 + tall, x0 : x0 + wide]


def _small(image: np.ndarray) -> np.ndarray:
    every = max(image.shape[0] // 256, 1)
    return image[::every, ::every]
