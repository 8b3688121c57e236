"""How good a made face is: likeness, performance, picture, flicker, and whether a whole set looks like the real one.

Distribution figures need many pictures: with fewer than some hundred a Fréchet distance says more about their number than about
the faces (it falls with the square root of it), so compare only figures from equal counts, and read precision and recall beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from vfx_deepfake.errors import TrainError
from vfx_deepfake.face.pose import STABLE
from vfx_deepfake.face.topology import fit_similarity
from vfx_deepfake.faceset.align import aligned_pose
from vfx_deepfake.faceset.likeness import distances
from vfx_deepfake.qc.performance import PARTS, gaze_drift

NEIGHBOUR = 3  # whose distance is a sample's reach; as Kynkäänniemi et al.
SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2
EXPRESSION = tuple(sorted({*PARTS["lids"], *PARTS["brows"], *PARTS["lips"]}))

Embed = Callable[[np.ndarray], np.ndarray]  # (N, S, S, 3) log to (N, D)


def identity_distance(made: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """How far made faces are from the identity's own, in the units of the features.

    set: of the mean of all from the mean of all, which says most; nearest: of each from the nearest real one, the mean; pair: the
    middle of all pairs. Shapes: features (N, D) and (M, D) of one kind. Our own tell two people apart at PERSON_UNIT of
    :mod:`vfx_deepfake.faceset.persons`.
    """
    pairs = distances(made, real)
    means = distances(np.mean(made, axis=0, keepdims=True), np.mean(real, axis=0, keepdims=True))
    return {"set": float(means[0, 0]), "nearest": float(pairs.min(axis=1).mean()), "pair": float(np.median(pairs))}


def frechet_distance(made: np.ndarray, real: np.ndarray) -> float:
    """Distance of two clouds of features, as if both were Gaussian: 0 for equal mean and spread.

    Shapes: (N, D), (M, D), at least two rows each. Source: D. Dowson, B. Landau, "The Fréchet distance between multivariate
    normal distributions", 1982: |m - m'|² + tr(C + C' - 2 (C^½ C' C^½)^½).
    """
    made, real = np.asarray(made, np.float64), np.asarray(real, np.float64)
    if min(len(made), len(real)) < 2:
        raise TrainError(
            f"{len(made)} made and {len(real)} real pictures; a distance of distributions needs two of each"
        )
    root = _root(np.cov(made, rowvar=False))
    inner = root @ np.cov(real, rowvar=False) @ root
    shared = np.sqrt(np.clip(np.linalg.eigvalsh((inner + inner.T) / 2), 0, None)).sum()
    spread = np.trace(np.cov(made, rowvar=False)) + np.trace(np.cov(real, rowvar=False))
    return float(((made.mean(axis=0) - real.mean(axis=0)) ** 2).sum() + spread - 2 * shared)


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def precision_recall(made: np.ndarray, real: np.ndarray, neighbour: int = NEIGHBOUR) -> tuple[float, float]:
    """Share of made faces among the real ones, and of real ones that the made ones cover.

    Shapes: features (N, D), (M, D). A face is among the others when it lies within one of their reaches, the distance to that
    one's ``neighbour``-th neighbour. Source: T. Kynkäänniemi et al., "Improved Precision and Recall Metric", 2019.
    """
    if min(len(made), len(real)) <= neighbour:
        raise TrainError(
            f"{len(made)} made and {len(real)} real pictures; precision needs more than {neighbour} of each"
        )
    between = _distances(made, real)
    reach_real = np.sort(_distances(real, real), axis=1)[:, neighbour]
    reach_made = np.sort(_distances(made, made), axis=1)[:, neighbour]
    precision = (between <= reach_real[None]).any(axis=1).mean()
    recall = (between <= reach_made[:, None]).any(axis=0).mean()
    return float(precision), float(recall)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    return np.sqrt(np.clip(squared, 0, None))


def performance_error(made: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """How the performance of a made face differs from the wanted one, by their landmarks.

    Shapes: (478, 2) each, px of the same picture. pose_deg: largest difference of yaw, pitch and roll. expression: mean
    distance of lids, brows and lips once both faces are laid on each other by what does not move, per cent of the face's
    height. gaze: of the irises, per cent of an eye's width; NaN where an eye is shut.
    """
    stable = list(STABLE)
    there = fit_similarity(made[stable], wanted[stable])
    moved = made @ there[:, :2].T + there[:, 2]
    part = list(EXPRESSION)
    height = float(np.ptp(wanted[:, 1]))
    gaze = gaze_drift(made, wanted)
    return {
        "pose_deg": float(np.abs(aligned_pose(made) - aligned_pose(wanted)).max()),
        "expression": 100 * float(np.hypot(*(moved[part] - wanted[part]).T).mean()) / height,
        "gaze": float("nan") if gaze is None else gaze,
    }


def ssim(made_log: np.ndarray, truth_log: np.ndarray, where: np.ndarray) -> float:
    """Structural similarity of two log pictures (H, W, 3) over the pixels where ``where`` (H, W) is above 0.5, 1 for equal.

    Source: Z. Wang et al., "Image quality assessment", 2004, with a range of 1.
    """
    a, b = np.asarray(made_log, np.float64), np.asarray(truth_log, np.float64)
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a, var_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    both = _blurred(a * b) - mean_a * mean_b
    score = (2 * mean_a * mean_b + _C1) * (2 * both + _C2)
    score /= (mean_a**2 + mean_b**2 + _C1) * (var_a + var_b + _C2)
    return float(score[where > 0.5].mean()) if (where > 0.5).any() else float("nan")


def _blurred(image: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(image, (SSIM_WINDOW, SSIM_WINDOW), SSIM_SIGMA))


def psnr(made_log: np.ndarray, truth_log: np.ndarray, where: np.ndarray) -> float:
    """dB of two log pictures (H, W, 3) over the pixels where ``where`` (H, W) is above 0.5; peak 1."""
    off = (np.asarray(made_log, np.float64) - truth_log)[where > 0.5]
    return float(-10 * np.log10(max(float((off**2).mean()), 1e-12))) if off.size else float("nan")


def flicker(made_log: Sequence[np.ndarray], truth_log: Sequence[np.ndarray], where: Sequence[np.ndarray]) -> float:
    """Mean change from frame to frame that the truth does not have, log, over pixels in the face in both frames; NaN for one frame."""
    found = []
    for t in range(1, len(made_log)):
        both = (where[t] > 0.5) & (where[t - 1] > 0.5)
        step = (made_log[t] - made_log[t - 1]) - (truth_log[t] - truth_log[t - 1])
        found.append(float(np.abs(step[both]).mean()) if both.any() else float("nan"))
    return float(np.nanmean(found)) if found else float("nan")


def inception(path: Path) -> Embed:
    """Features of the usual Inception network, where the user has it on disk as a TorchScript file that takes uint8 pictures and gives
    2048 numbers (inception-2015-12-05.pt). It is not shipped, and none is fetched.

    Raises: TrainError when the file is missing or of another kind.
    """
    import torch

    try:
        network = torch.jit.load(str(path), map_location="cpu").eval()
    except (OSError, RuntimeError, ValueError) as error:
        raise TrainError(
            f"{path}: can't be loaded as TorchScript ({error}); give the Inception file, or leave it out"
        ) from error

    def embed(images_log: np.ndarray) -> np.ndarray:
        codes = (np.clip(np.asarray(images_log), 0, 1) * 255 + 0.5).astype(np.uint8)
        with torch.no_grad():
            batches = torch.from_numpy(np.ascontiguousarray(codes.transpose(0, 3, 1, 2))).split(16)
            return np.asarray(torch.cat([network(batch, return_features=True) for batch in batches]).numpy())

    return embed
