"""Dense motion between two pictures, and sampling pictures along it.

Conventions
-----------
A *map* is (h, w, 2) float32: for each pixel of a destination window the absolute plate position (x, y) it comes from
in the source frame, pixel centres at .5, as the face mesh's ``warp_map`` gives it. A *shift* is such a map minus the
pixels' own positions. Pictures are log encoded, (h, w) or (h, w, C) float32, each covering a :class:`Window`.
"""

from __future__ import annotations

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window

LUMA = (0.2126, 0.7152, 0.0722)  # Rec.709; good enough to see edges in any RGB
# How a picture is made grey for matching: local mean and deviation are evened out, so that a change of light matters
# little, and a share of the absolute level is kept, so that skin is not matched to the wall. All measured on the
# digital actor (docs/experiments.md).
LOCAL_MEAN_PX = 12.0
LOCAL_DEVIATION_PX = 24.0
DEVIATION_FLOOR = 0.03
CONTRAST = 0.15
LEVEL_SHARE = 0.4
MIDDLE_LOG = 0.4  # about 18 % grey

SMOOTHNESS = 10.0  # DIS variational alpha: OpenCV's 20 glues lips and lids, 3 lets noise in; measured
MIN_SIDE_PX = 16  # smaller pictures hold no texture to match; their motion is taken as zero


def matching_grey(image_log: np.ndarray) -> np.ndarray:
    """A picture as 8-bit grey with its light evened out, for matching only.

    Shapes: image_log (h, w, 3) log encoded; negatives and highlights are clipped, here only. Returns (h, w) uint8.
    """
    luma = image_log[..., :3] @ np.asarray(LUMA, np.float32)
    mean = cv2.GaussianBlur(luma, (0, 0), LOCAL_MEAN_PX)
    detail = luma - mean
    variance = np.maximum(cv2.GaussianBlur(detail * detail, (0, 0), LOCAL_DEVIATION_PX), 0)
    grey = 0.5 + CONTRAST * detail / np.sqrt(variance + DEVIATION_FLOOR**2) + LEVEL_SHARE * (mean - MIDDLE_LOG)
    return (np.clip(grey, 0, 1) * 255 + 0.5).astype(np.uint8)


def dense_flow(
    grey: np.ndarray, other: np.ndarray, smoothness: float = SMOOTHNESS, finest_scale: int = 0
) -> np.ndarray:
    """Motion from one grey picture to another: pixel x of ``grey`` is found at x + flow(x) in ``other``.

    Shapes: grey, other (h, w) uint8 of one size. finest_scale 0 matches at full resolution, 1 at half. Returns
    (h, w, 2) float32 pixels; zero where the picture is smaller than MIN_SIDE_PX. The same pictures give the same flow.
    Source: Kroeger et al. 2016, Fast Optical Flow using Dense Inverse Search; OpenCV's implementation, medium preset.
    """
    if grey.shape != other.shape:
        raise ValueError(f"pictures to match differ in size: {grey.shape} and {other.shape}")
    if min(grey.shape) < MIN_SIDE_PX:
        return np.zeros((*grey.shape, 2), np.float32)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(finest_scale)
    search.setVariationalRefinementAlpha(smoothness)
    flow = search.calc(grey, other, None)  # type: ignore[call-overload]  # a given flow would be its start
    return np.asarray(flow, np.float32)


def identity_map(window: Window) -> np.ndarray:
    """(h, w, 2) float32: every pixel centre's own plate position."""
    columns = np.arange(window.x, window.right, dtype=np.float32) + np.float32(0.5)
    rows = np.arange(window.y, window.bottom, dtype=np.float32) + np.float32(0.5)
    return np.stack(np.meshgrid(columns, rows), axis=-1)


def sample(image: np.ndarray, window: Window, positions: np.ndarray, sharp: bool = True) -> np.ndarray:
    """A picture at plate positions; outside its window the nearest edge pixel is repeated.

    Shapes: image (h, w) or (h, w, C) covering ``window``, positions (h', w', 2). Returns (h', w') or (h', w', C)
    float32. ``sharp`` takes Lanczos over 8 x 8 pixels, which keeps detail but may overshoot at hard edges; else
    bilinear, for maps and mattes. At whole-pixel offsets both return the pixels themselves.
    """
    local_x = positions[..., 0] - np.float32(window.x + 0.5)
    local_y = positions[..., 1] - np.float32(window.y + 0.5)
    kernel = cv2.INTER_LANCZOS4 if sharp else cv2.INTER_LINEAR
    picture = np.ascontiguousarray(image, np.float32)
    if picture.ndim == 2 or picture.shape[2] <= 4:
        return np.asarray(cv2.remap(picture, local_x, local_y, kernel, borderMode=cv2.BORDER_REPLICATE), np.float32)
    bands = [picture[..., first : first + 4] for first in range(0, picture.shape[2], 4)]
    parts = [sample(band, window, positions, sharp) for band in bands]
    return np.concatenate([part[..., None] if part.ndim == 2 else part for part in parts], axis=-1)


def sample_map(mapping: np.ndarray, window: Window, positions: np.ndarray) -> np.ndarray:
    """A map at plate positions; outside its window the nearest shift goes on.

    Shapes: mapping (h, w, 2) covering ``window``, positions (h', w', 2). Returns (h', w', 2): where ``positions`` lead.
    """
    return positions + sample(mapping - identity_map(window), window, positions, sharp=False)


def refine_map(
    target_log: np.ndarray,
    target_window: Window,
    source_log: np.ndarray,
    source_window: Window,
    mapping: np.ndarray,
    passes: int = 2,
    finest_scale: int = 0,
) -> np.ndarray:
    """Improve a map from a target frame to a source frame by dense flow between the target and the warped source.

    Each pass warps the *untouched* source by the whole map so far, so that nothing is resampled twice.
    Shapes: target_log (h, w, 3), mapping (h, w, 2) over target_window; source_log covers source_window. Returns a map.
    """
    grey = matching_grey(target_log)
    here = identity_map(target_window)
    for _ in range(passes):
        warped = matching_grey(sample(source_log, source_window, mapping))
        mapping = sample_map(mapping, target_window, here + dense_flow(grey, warped, finest_scale=finest_scale))
    return mapping
