"""How a shot's face usually looks, in canonical face coordinates; and from that, what stands in front of it in a frame.

The references are frames spread over the shot by a fixed rule and measured once, so that a host that makes one frame
finds the same occluders as a host that makes all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np

from vfx_deepfake.errors import TrackError
from vfx_deepfake.face.mesh import rasterise, region_mask, warp_map
from vfx_deepfake.face.topology import MEDIAPIPE, Mesh, face_mesh, signed_areas
from vfx_deepfake.files import written_aside
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import dense_flow, identity_map, matching_grey, sample
from vfx_deepfake.image.occlusion import (
    LEAST_REFERENCES,
    WORK_FACE_PX,
    explained,
    foreign_score,
    light_basis,
    occluder_matte,
    usual_difference,
)
from vfx_deepfake.image.region_matte import SkinTone

APPEARANCE_FORMAT = 2  # of the file, and of what is measured for it
TEXTURE_PX = 160  # side of a reference in canonical coordinates, about as fine as the small picture
REFERENCES = 9  # frames that are looked at; assumed
OPENINGS = ("eyes", "lips", "mouth")  # where the face changes by itself
OPENING_GROW_PX = 2
DRIFT_PX = 5.0  # of the small picture: 3 % of the face's width; assumed
_TEXTURES = Window(0, 0, TEXTURE_PX, TEXTURE_PX)


@dataclass(frozen=True, eq=False)
class Appearance:
    """The references of a shot.

    textures (K, S, S, 3) float32 log in canonical coordinates, NaN where a frame does not show the place. usual (S, S)
    how much references differ there; steady (S, S) 0..1, 0 at lids and lips. Without enough references K is 0. skin: the
    shot's middle skin, None where it was not seen.
    """

    textures: np.ndarray
    usual: np.ndarray
    steady: np.ndarray
    skin: SkinTone | None = None

    def save(self, path: Path) -> None:
        """Write as .npz, whole or not at all; equal appearances give equal bytes."""
        with written_aside(path) as part, part.open("wb") as handle:
            skin = () if self.skin is None else (self.skin.light, self.skin.red)
            np.savez_compressed(handle, textures=self.textures, usual=self.usual, steady=self.steady, skin=skin)

    @classmethod
    def load(cls, path: Path) -> Appearance:
        """Read what :meth:`save` wrote.

        Raises: TrackError for a file that is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                textures, usual, steady = (np.asarray(arrays[name]) for name in ("textures", "usual", "steady"))
                tone = [float(value) for value in arrays["skin"]]
                return cls(textures, usual, steady, SkinTone(*tone) if tone else None)
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise TrackError(f"{path}: can't be read ({error}); remove it, it is made again") from error


@dataclass(frozen=True, eq=False)
class SmallFace:
    """A face at WORK_FACE_PX: image_log (h, w, 3) over ``window``, whose pixels the points (P, 2) count."""

    image_log: np.ndarray
    window: Window
    points: np.ndarray


def small_face(image_log: np.ndarray, window: Window, points: np.ndarray) -> SmallFace:
    """A crop and its points at the size where occluders are looked for; never enlarged.

    Shapes: image_log (h, w, 3) covering ``window``, points (P, 2) plate px.
    """
    share = min(1.0, WORK_FACE_PX / max(float(np.ptp(points[:, 0])), 1.0))
    width, height = (max(round(side * share), 1) for side in (window.width, window.height))
    image = cv2.resize(image_log, (width, height), interpolation=cv2.INTER_AREA)
    scale = np.array([width / window.width, height / window.height])
    return SmallFace(image, Window(0, 0, width, height), (points - (window.x, window.y)) * scale)


def measure_appearance(
    faces: Sequence[SmallFace], skin: SkinTone | None = None, mesh: str | Mesh = MEDIAPIPE
) -> Appearance:
    """The references from some frames of a shot."""
    mesh = face_mesh(mesh) if isinstance(mesh, str) else mesh
    canonical = mesh.uv.astype(np.float64) * TEXTURE_PX
    openings = np.max([region_mask(canonical, _TEXTURES, name, mesh) for name in OPENINGS], axis=0)
    side = 2 * OPENING_GROW_PX + 1
    steady = 1 - cv2.dilate(openings, np.ones((side, side), np.uint8))
    if len(faces) < LEAST_REFERENCES:
        none = np.zeros((0, *_TEXTURES.shape, 3), np.float32)
        return Appearance(none, np.zeros(_TEXTURES.shape, np.float32), steady, skin)
    textures = np.stack([_texture(face, canonical, mesh) for face in faces])
    centres = (np.stack(np.meshgrid(*2 * [np.arange(TEXTURE_PX)]), axis=-1).reshape(-1, 2) + 0.5) / TEXTURE_PX
    usual = usual_difference(textures.reshape(len(textures), -1, 3), light_basis(centres))
    return Appearance(textures, usual.reshape(_TEXTURES.shape), steady, skin)


def _texture(face: SmallFace, canonical: np.ndarray, mesh: Mesh) -> np.ndarray:
    """A face in canonical coordinates (S, S, 3); NaN off the mesh and where it looks away from the camera."""
    positions = warp_map(face.points, canonical, _TEXTURES, mesh)
    texture = sample(face.image_log, face.window, positions.astype(np.float32), sharp=False)
    seen = np.zeros(_TEXTURES.shape, np.uint8)
    fixed = np.round((canonical - 0.5) * 16).astype(np.int32)
    for index in np.nonzero(signed_areas(face.points, mesh.triangles) < 0)[0].tolist():
        cv2.fillConvexPoly(seen, fixed[mesh.triangles[index]], 1, cv2.LINE_8, 4)
    low, high = (0, 0), (face.window.width, face.window.height)
    inside = ((positions >= low) & (positions < high)).all(axis=-1) & (seen > 0)
    return np.where(inside[..., None], texture, np.float32(np.nan))


@dataclass(frozen=True, eq=False)
class Comparison:
    """A frame's small face beside what the references say of it: expected_log (h, w, 3), the image's own off the
    face; score (h, w), about 1 where it is doubtful; on_face (h, w) bool.
    """

    expected_log: np.ndarray
    score: np.ndarray
    on_face: np.ndarray


def compare(face: SmallFace, appearance: Appearance, mesh: str | Mesh = MEDIAPIPE) -> Comparison:
    """Hold a frame against the shot's references; nothing is foreign where there are none.

    Expressions, and tracks that are a little off, move things by some pixels: what the references expect is first moved
    onto the picture by dense flow, by at most DRIFT_PX, and compared then.
    """
    uv, on_face = rasterise(face.points, face.window, mesh)
    if not len(appearance.textures) or not on_face.any():
        return Comparison(face.image_log.copy(), np.zeros(face.window.shape, np.float32), on_face)
    expected, _ = _expected(face, uv, on_face, appearance)
    drift = dense_flow(matching_grey(face.image_log), matching_grey(expected))
    drift *= np.minimum(1, DRIFT_PX / np.maximum(np.hypot(*np.moveaxis(drift, -1, 0)), 1e-6))[..., None]
    there = identity_map(face.window) + cv2.GaussianBlur(drift, (0, 0), DRIFT_PX / 2)
    moved = sample(uv, face.window, there, sharp=False)
    kept = on_face & (sample(on_face.astype(np.float32), face.window, there, sharp=False) > 0.99)
    expected, difference = _expected(face, moved, kept, appearance)
    usual, steady = (_at(plane, moved, kept) for plane in (appearance.usual, appearance.steady))
    score = foreign_score(difference, usual, np.nan_to_num(steady)) * on_face
    return Comparison(expected, score.astype(np.float32), on_face)


def _expected(
    face: SmallFace, uv: np.ndarray, on_face: np.ndarray, appearance: Appearance
) -> tuple[np.ndarray, np.ndarray]:
    """The picture that the references expect (h, w, 3), the face's own where they say nothing, and its difference (h, w)."""
    references = np.stack([_at(texture, uv, on_face)[on_face] for texture in appearance.textures])
    guess, unlike = explained(face.image_log[on_face], references, light_basis(uv[on_face]))
    expected, difference = face.image_log.copy(), np.full(on_face.shape, np.nan, np.float32)
    expected[on_face] = np.where(np.isfinite(guess).all(axis=-1)[:, None], guess, face.image_log[on_face])
    difference[on_face] = unlike
    return expected, difference


def _at(texture: np.ndarray, uv: np.ndarray, on_face: np.ndarray) -> np.ndarray:
    """A texture (S, S) or (S, S, C) at canonical coordinates (h, w, 2); NaN off the face."""
    values = sample(texture, _TEXTURES, uv * np.float32(TEXTURE_PX), sharp=False)
    values[~on_face] = np.nan
    return values


def occlusion(
    image_log: np.ndarray, window: Window, points: np.ndarray, appearance: Appearance, mesh: str | Mesh = MEDIAPIPE
) -> np.ndarray:
    """The matte of what stands in front of the face in one frame.

    Shapes: image_log (h, w, 3) degrained, covering ``window``; points (P, 2) plate px. Returns (h, w) float32 0..1, to
    the precision of the small picture: move its edge onto the full one afterwards.
    """
    face = small_face(image_log, window, points)
    seen = compare(face, appearance, mesh)
    return enlarged(foreign(face, seen), window)


def foreign(face: SmallFace, seen: Comparison) -> np.ndarray:
    """The matte (h, w) of what stands in front of a small face."""
    return occluder_matte(face.image_log, seen.expected_log, seen.score, seen.on_face)


def enlarged(matte: np.ndarray, window: Window) -> np.ndarray:
    """A small face's matte over the window that the face was cut from, bilinear."""
    return cv2.resize(matte, (window.width, window.height), interpolation=cv2.INTER_LINEAR)
