"""Drawing the face mesh: which pixel is where on the face, region mattes, and the warp between two frames.

Convention: plate coordinates of docs/design.md; every map here is sampled at pixel centres of its window. Points with
NaN are refused: ask :meth:`FaceTrack.has_face` first.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.topology import (
    MEDIAPIPE,
    REGIONS,
    Mesh,
    edge_neighbours,
    face_mesh,
    fit_similarity,
    signed_areas,
)
from vfx_deepfake.face.topology import canonical_uv as canonical_uv
from vfx_deepfake.face.topology import triangles as triangles
from vfx_deepfake.image.crop import Window

SUBPIXEL_BITS = 4  # cv2's fixed-point drawing: 1/16 px
WALK_STEPS = 8  # measured: six settle every pixel of a face 220 px wide
EDGE_SLACK = -1e-4  # barycentric; rounding of a pixel that lies on an edge
# Rings round the outline, as factors of its distance from the face's middle, and how much of the local motion each
# still follows; assumed: hair and neck move with the head's similarity.
RINGS = ((1.12, 0.85), (1.3, 0.55), (1.6, 0.25), (2.1, 0.06), (3.0, 0.0))
RING_SMOOTHING = 2  # outline points averaged on each side before their motion is passed outwards; assumed


def rasterise(points: np.ndarray, window: Window, topology: str | Mesh = MEDIAPIPE) -> tuple[np.ndarray, np.ndarray]:
    """Canonical face coordinates of every pixel of a window.

    Shapes: points (P, 2) plate px. Returns uv (h, w, 2) float32, 0 outside the mesh, and inside (h, w) bool.
    Where the mesh folds over itself (a turned head) the part nearer to the camera wins.
    """
    mesh = _mesh(topology)
    points = _checked(points, len(mesh.uv))
    inside, ids, weights = locate(points, window, mesh.triangles, mesh.neighbours)
    uv = np.zeros((*window.shape, 2), np.float32)
    uv[inside] = _blend(mesh.uv, mesh.triangles, ids, weights)
    return uv, inside


def warp_map(
    src_points: np.ndarray, dst_points: np.ndarray, window: Window, topology: str | Mesh = MEDIAPIPE
) -> np.ndarray:
    """For each pixel of ``window`` in the destination frame, the plate position it comes from in the source frame.

    Piecewise affine inside the mesh; outside, the motion of the outline fades over RINGS into the similarity that fits
    the whole face, so that hair, jaw and neck follow without a tear.

    Shapes: src_points, dst_points (P, 2) plate px. Returns (h, w, 2) float32 absolute plate positions (x, y), pixel
    centres at .5; for cv2.remap on an image whose window starts at (x0, y0) subtract (x0 + 0.5, y0 + 0.5).
    """
    mesh = _mesh(topology)
    src, dst = _checked(src_points, len(mesh.uv)), _checked(dst_points, len(mesh.uv))
    similarity = fit_similarity(dst[mesh.triangles.ravel()], src[mesh.triangles.ravel()])
    grown_src, grown_dst = _with_rings(src, dst, mesh, similarity)
    inside, ids, weights = locate(grown_dst, window, *ring_corners(mesh, len(RINGS)))
    columns, rows = np.arange(window.x, window.right) + 0.5, np.arange(window.y, window.bottom) + 0.5
    out = np.empty((*window.shape, 2), np.float32)
    for axis, (along_x, along_y, shift) in enumerate(similarity):
        out[..., axis] = (along_x * columns)[None] + (along_y * rows + shift)[:, None]
    out[inside] = _blend(grown_src, ring_corners(mesh, len(RINGS))[0], ids, weights)
    return out


def region_mask(points: np.ndarray, window: Window, region: str, topology: str | Mesh = MEDIAPIPE) -> np.ndarray:
    """Anti-aliased matte of a named region (oval, skin, eyes, brows, nose, lips, mouth).

    Shapes: points (P, 2) plate px. Returns (h, w) float32 0..1. An artist's points know no regions: there ``oval`` and
    ``skin`` are their hull and every other region is empty.
    Raises: TrackError for an unknown region.
    """
    mask = np.zeros(window.shape, np.float32)
    filled, cut_out = region_polygons(points, region, topology)
    for polygon in filled:
        np.maximum(mask, _filled(polygon, window), out=mask)
    for polygon in cut_out:
        mask *= 1 - _filled(polygon, window)
    return mask


def region_polygons(
    points: np.ndarray, region: str, topology: str | Mesh = MEDIAPIPE
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The polygons (K, 2) in plate px that a region fills, and those cut out of it again."""
    if region not in REGIONS:
        raise TrackError(f"face region '{region}' is unknown; known: {', '.join(REGIONS)}")
    mesh = _mesh(topology)
    points = _checked(points, len(mesh.uv))
    if mesh.topology == MEDIAPIPE:
        filled, cut_out = REGIONS[region]
        return [points[list(loop)] for loop in filled], [points[list(loop)] for loop in cut_out]
    return ([points[mesh.outline]] if region in ("oval", "skin") else []), []


def locate(
    points: np.ndarray, window: Window, corners: np.ndarray, neighbours: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels of a window that lie on the mesh, the triangle under each centre and its barycentric weights there.

    Triangles that face away are skipped; later ones cover earlier ones. OpenCV fills outlines half a pixel too wide,
    so a pixel outside its triangle walks over ``neighbours`` to the one that holds it, or off the border. Weights are
    clipped to 0..1, which matters only for triangles thinner than a pixel.

    Returns inside (h, w) bool, and for its N pixels in row order ids (N,) int32 and weights (3, N) float32.
    """
    local = _checked(points, int(corners.max()) + 1) - (window.x, window.y)
    ids = _triangle_ids(local, window.shape, corners)
    rows, columns = np.nonzero(ids >= 0)
    found = ids[rows, columns]
    xy = np.stack([columns, rows]).astype(np.float32) + np.float32(0.5)
    inverse = _barycentric_rows(local, corners)
    weights = _weights(inverse, found, xy)
    for _ in range(WALK_STEPS):
        astray = np.nonzero((np.minimum(np.minimum(*weights[:2]), weights[2]) < EDGE_SLACK) & (found >= 0))[0]
        if not len(astray):
            break
        found[astray] = neighbours[found[astray], weights[:, astray].argmin(axis=0)]
        settled = astray[found[astray] >= 0]
        weights[:, settled] = _weights(inverse, found[settled], xy[:, settled])
    on_mesh = found >= 0
    inside = np.zeros(window.shape, bool)
    inside[rows[on_mesh], columns[on_mesh]] = True
    weights = np.clip(weights[:, on_mesh], 0, 1)
    return inside, found[on_mesh], weights / (weights[0] + weights[1] + weights[2])


def _mesh(topology: str | Mesh) -> Mesh:
    return topology if isinstance(topology, Mesh) else face_mesh(topology)


def _checked(points: np.ndarray, count: int) -> np.ndarray:
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < count:
        raise ValueError(f"want at least ({count}, 2) face points, got {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("face points hold NaN: this frame has no face; ask has_face() first")
    return points


def _triangle_ids(local: np.ndarray, shape: tuple[int, int], corners: np.ndarray) -> np.ndarray:
    """(h, w) int32: the last front-facing triangle that touches each pixel, -1 for none; points relative to it."""
    ids = np.full(shape, -1, np.int32)
    if not ids.size:
        return ids
    # drawing puts pixel centres on whole numbers
    fixed = np.round((local - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
    for index in np.nonzero(signed_areas(local, corners) < 0)[0].tolist():
        cv2.fillConvexPoly(ids, fixed[corners[index]], index, cv2.LINE_8, SUBPIXEL_BITS)
    return ids


def _barycentric_rows(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(T, 3, 3) float32: barycentric weights are these rows times (x, y, 1); rows of a flat triangle are 0."""
    a, b, c = (points[corners[:, k]] for k in range(3))
    area = signed_areas(points, corners)
    out = np.empty((len(corners), 3, 3))
    for k, (p, q) in enumerate(((b, c), (c, a), (a, b))):
        out[:, k, 0], out[:, k, 1] = p[:, 1] - q[:, 1], q[:, 0] - p[:, 0]
        out[:, k, 2] = p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1]
    scaled = np.divide(out, area[:, None, None], out=np.zeros_like(out), where=area[:, None, None] != 0)
    return scaled.astype(np.float32)


def _weights(rows: np.ndarray, ids: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """(3, N) float32 barycentric weights of positions xy (2, N) in their triangles."""
    return np.stack([rows[ids, k, 0] * xy[0] + rows[ids, k, 1] * xy[1] + rows[ids, k, 2] for k in range(3)])


def _blend(values: np.ndarray, corners: np.ndarray, ids: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(N, C) float32: point values (P, C) mixed by barycentric weights (3, N)."""
    table = values.astype(np.float32)[corners]
    mixed = [sum(table[ids, k, c] * weights[k] for k in range(3)) for c in range(table.shape[2])]
    return np.stack(mixed, axis=-1)


def _with_rings(src: np.ndarray, dst: np.ndarray, mesh: Mesh, similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Source and destination points followed by those of RINGS, each (P + R K, 2)."""
    edge = dst[mesh.outline]
    residual = src[mesh.outline] - (edge @ similarity[:, :2].T + similarity[:, 2])
    steps = range(-RING_SMOOTHING, RING_SMOOTHING + 1)
    smooth = np.mean([np.roll(residual, step, axis=0) for step in steps], axis=0)
    middle = edge.mean(axis=0)
    grown_src, grown_dst = [src], [dst]
    for factor, follow in RINGS:
        ring = middle + factor * (edge - middle)
        grown_dst.append(ring)
        grown_src.append(ring @ similarity[:, :2].T + similarity[:, 2] + follow * smooth)
    return np.concatenate(grown_src), np.concatenate(grown_dst)


@lru_cache(maxsize=4)
def ring_corners(mesh: Mesh, num_rings: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of the mesh with rings of points round its outline, outermost first, and their neighbours.

    The points of the rings follow the mesh's, innermost ring first, each in the outline's order.
    """
    bands, inner = [mesh.triangles], mesh.outline
    for index in range(num_rings):
        outer = len(mesh.uv) + index * len(inner) + np.arange(len(inner))
        inner_next, outer_next = np.roll(inner, -1), np.roll(outer, -1)
        first, second = np.stack([inner, outer_next, outer], axis=1), np.stack([inner, inner_next, outer_next], axis=1)
        bands.insert(0, np.concatenate([first, second]))
        inner = outer
    corners = np.concatenate(bands).astype(np.int32)
    return corners, edge_neighbours(corners)


def _filled(polygon: np.ndarray, window: Window) -> np.ndarray:
    """(h, w) float32 0..1, anti-aliased."""
    canvas = np.zeros(window.shape, np.uint8)
    if not window.empty:
        scale = 1 << SUBPIXEL_BITS
        fixed = np.round((polygon - (window.x + 0.5, window.y + 0.5)) * scale).astype(np.int32)
        cv2.fillPoly(canvas, [fixed], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return canvas.astype(np.float32) / np.float32(255)
