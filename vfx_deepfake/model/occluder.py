"""The matte of an occluder (hand, hair, glasses, microphone) for every frame, learnt from a few painted ones.

An occluder does not move with the face, so nothing is carried: each frame is looked at alone. A pixel is described by
its colour, by how far it is from what the shot's references expect there, and by the same of its surroundings at
several sizes; a small network tells occluder from the rest. It learns from the painted frames alone: making more by
pasting the painted occluder elsewhere was tried and is worse (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vfx_deepfake.errors import TrainError
from vfx_deepfake.face.appearance import Comparison, SmallFace

STEPS, BATCH = 800, 8192  # pixels a step
HIDDEN = 48
RATE = 1e-2  # peak, AdamW, one cycle
SURROUNDINGS_PX = (1.5, 4.0, 10.0)  # Gaussians that describe where a pixel lies
MIDDLE_LOG, PICTURE_GAIN, DIFFERENCE_GAIN = 0.4, 4.0, 10.0
PLANES = 8  # picture, its difference to what is expected, the size of that, on the face
INPUTS = PLANES * (1 + len(SURROUNDINGS_PX))
PICKED = 4096  # pixels of a frame
NEAR_PX = 8  # round the face; farther out nothing is replaced, and a grey wall is as good a microphone as any


@dataclass(frozen=True, eq=False)
class Painted:
    """A painted frame, small: picture and expectation (h, w, 3) log, on_face (h, w) 0..1, matte (h, w) 0..1."""

    image_log: np.ndarray
    expected_log: np.ndarray
    on_face: np.ndarray
    matte: np.ndarray


def painted_frame(face: SmallFace, seen: Comparison, matte: np.ndarray) -> Painted:
    """A painted frame for :func:`train_occluder`; matte (H, W) 0..1 of any size over the same window."""
    size = face.image_log.shape[1::-1]
    small = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    return Painted(face.image_log, seen.expected_log, seen.on_face.astype(np.float32), small)


class OccluderNet(nn.Module):
    """From a pixel's description (N, INPUTS) to the logit of its matte (N,)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(INPUTS, HIDDEN), nn.LeakyReLU(0.1), nn.Linear(HIDDEN, HIDDEN), nn.LeakyReLU(0.1), nn.Linear(HIDDEN, 1)
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        return self.layers(features)[:, 0]


def train_occluder(
    frames: Sequence[Painted],
    seed: int,
    device: str = "cpu",
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> OccluderNet:
    """Learn the painted occluder. The same frames and seed give the same weights (on a CPU).

    Raises: TrainError where nothing is painted in any frame, or the loss stops being finite.
    """
    if not any((frame.matte > 0.5).any() for frame in frames):
        raise TrainError("no painted frame shows an occluder over the face's crop; paint it where it covers the face")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    features, target = _pixels(frames, rng)
    net = OccluderNet().to(device)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for step in range(1, STEPS + 1):
        pick = torch.from_numpy(rng.integers(len(target), size=BATCH))
        logit = net(features[pick].to(device))
        loss = F.binary_cross_entropy_with_logits(logit, target[pick].to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if not torch.isfinite(loss):
            raise TrainError(f"step {step}: the matte's loss is {loss.item()}; paint another frame and run again")
        optimiser.step()
        schedule.step()
        on_step(step, float(loss.detach()))
    return net.eval()


def _pixels(frames: Sequence[Painted], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Descriptions (N, INPUTS) and mattes (N,) of pixels of the painted frames."""
    described, mattes = [], []
    for frame in frames:
        if not frame.on_face.any():
            continue
        rows, columns = _picked(frame, rng)
        described.append(_features(frame.image_log, frame.expected_log, frame.on_face)[rows, columns])
        mattes.append(frame.matte[rows, columns])
    return torch.from_numpy(np.concatenate(described)), torch.from_numpy(np.concatenate(mattes))


def _picked(frame: Painted, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of PICKED pixels at the face: at random, and a quarter on edges of the matte where there are any."""
    near = near_face(frame.on_face) > 0
    edge = near & (frame.matte > 0.05) & (frame.matte < 0.95)
    picked = rng.choice(np.nonzero(near.ravel())[0], PICKED)
    if edge.any():
        picked[: PICKED // 4] = rng.choice(np.nonzero(edge.ravel())[0], PICKED // 4)
    rows, columns = np.divmod(picked, frame.matte.shape[1])
    return rows, columns


def near_face(on_face: np.ndarray) -> np.ndarray:
    """(h, w) 0..1: the face and a soft margin of NEAR_PX, beyond which no matte is made."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * NEAR_PX + 1, 2 * NEAR_PX + 1))
    wide = cv2.dilate(on_face.astype(np.float32), disc)
    return np.asarray(np.clip(cv2.GaussianBlur(wide, (0, 0), NEAR_PX / 3) * 2 - 1, 0, 1), np.float32)


def _features(image_log: np.ndarray, expected_log: np.ndarray, on_face: np.ndarray) -> np.ndarray:
    """(h, w, INPUTS): the description of every pixel."""
    difference = np.tanh(DIFFERENCE_GAIN * (image_log - expected_log)) * on_face[..., None]
    size = np.sqrt((difference**2).mean(axis=-1))
    planes = np.dstack([PICTURE_GAIN * (image_log - MIDDLE_LOG), difference, size, on_face]).astype(np.float32)
    around = [_blurred(planes, sigma) for sigma in SURROUNDINGS_PX]
    return np.concatenate([planes, *around], axis=-1)


def _blurred(planes: np.ndarray, sigma_px: float) -> np.ndarray:
    halves = [cv2.GaussianBlur(planes[..., first : first + 4], (0, 0), sigma_px) for first in range(0, PLANES, 4)]
    return np.concatenate(halves, axis=-1)


@torch.inference_mode()
def occluder_of(net: OccluderNet, face: SmallFace, seen: Comparison) -> np.ndarray:
    """The matte of one frame, (h, w) float32 0..1 at the size of the small face."""
    features = _features(face.image_log, seen.expected_log, seen.on_face.astype(np.float32))
    device = next(net.parameters()).device
    logit = net(torch.from_numpy(features.reshape(-1, INPUTS)).to(device))
    matte = np.asarray(torch.sigmoid(logit).cpu().numpy()).reshape(features.shape[:2])
    return matte * near_face(seen.on_face)
