"""What one aligned crop shows, in numbers: pose, gaze, expression, teeth, light, level, sharpness.

The same function measures the crops of a faceset and the frames of a plate, so that the two compare. Places on the face are
measured on the head as it would look from the front (:func:`on_head`), in centimetres of the canonical head: a face of
another size, or one turned away, gives the same numbers for the same expression. What differs between two persons with
the same expression (wide eyes, a full mouth) is left in; :mod:`vfx_deepfake.faceset.coverage` allows for it.

Convention: left and right are those of the picture ("to image left"), never the person's.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vfx_deepfake.color.encoding import LOG_SCALE, decode_log
from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.mesh import region_mask
from vfx_deepfake.face.slider_regions import coordinates, lay_on, skin_texture
from vfx_deepfake.face.topology import LEFT_IRIS, LIPS_OUTER, OVAL, RIGHT_IRIS, canonical_vertices_cm
from vfx_deepfake.faceset.head_light import head_light
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.flow import LUMA
from vfx_deepfake.image.region_matte import skin_tone, teeth_matte
from vfx_deepfake.image.sharpness import COARSE_PX, FINE_PX, local_sharpness

# iris; corner at image left, at image right; upper and lower lid, of the eye at image left and the one at image right
EYES = ((RIGHT_IRIS[0], 33, 133, (160, 159, 158), (144, 145, 153)),
        (LEFT_IRIS[0], 362, 263, (387, 386, 385), (373, 374, 380)))  # fmt: skip
BROWS = ((105, 66), (334, 296))
MOUTH_CORNERS, UPPER_LIP, LOWER_LIP, LIP_MIDDLES = (61, 291), (82, 13, 312), (87, 14, 317), (0, 17)
LEAST_OPEN = 0.14  # gap over width below which an eye hides where it looks; shut lids read 0.14 to 0.16 off the
# landmarker at most
LIPS_CLOSED_CM = (0.06, 0.25)  # gap of the lips that counts as shut and as open; measured on the digital actor
PIXEL_SHARP_PX = 0.6  # blur of a picture as sharp as its pixels; assumed
LIGHT_PX = 128  # side of the picture that level and light are read from
FACE_CM = float(np.ptp(canonical_vertices_cm()[list(OVAL), 0]))  # the canonical head's width between the ears
GREY_STOPS = float(np.log2(0.18))
PICTURE_NAMES = ("teeth", "level", "exposure", "contrast", "light_x", "light_y", "light_share", "sharpness")
NAMES = ("yaw", "pitch", "roll", "gaze_x", "gaze_y", "eye_left", "eye_right", "mouth_open", "lips_closed", "smile", "brow",
         *PICTURE_NAMES, "face_px")  # fmt: skip


def measure(
    image_log: np.ndarray,
    points: np.ndarray,
    pose: np.ndarray,
    valid: np.ndarray | None = None,
    source_px: float = 1.0,
) -> dict[str, float]:
    """All measures of one crop; one that the crop does not show (the gaze of shut eyes) is left out.

    Shapes: image_log (S, S, 3) model encoding; points (478, 2) crop px; pose (3,) yaw, pitch, roll in degrees; valid
    (S, S) 1 where the picture reaches, everywhere if None. source_px: pixels of the source in one of the crop.
    Returns, by NAMES: yaw, pitch, roll degrees. gaze_x, gaze_y: the irises between corners of the eyes, -1..1 to image right
    and up. eye_left, eye_right: gap over width. mouth_open, smile, brow: cm on the head. lips_closed 0..1. teeth: share of
    the mouth's area. level: middle of the skin, model encoding; exposure: the same in stops over 18 % grey; contrast: stops
    from the skin's darker to its lighter parts. light_x, light_y: direction to the light, the unit vector's part to image
    right and up on the head; light_share 0..1: how directed it is. sharpness: width in pixels at which the head would be
    as sharp as its pixels; no more than the crop can hold. face_px: width of the head in source pixels, from ear to ear,
    whichever way it is turned.
    """
    values = measure_points(points, pose, source_px)
    valid = np.ones(image_log.shape[:2], np.float32) if valid is None else valid
    values |= _light_and_teeth(image_log, points, valid)
    values["sharpness"] = _detail_px(image_log, points, valid)
    return {name: values[name] for name in NAMES if np.isfinite(values.get(name, np.nan))}


def measure_points(points: np.ndarray, pose: np.ndarray, source_px: float = 1.0) -> dict[str, float]:
    """Those of NAMES that need no picture: all but PICTURE_NAMES.

    Shapes: points (478, 2), pixels of any picture; ``source_px`` pixels of the source in one of them.
    """
    values = dict(zip(("yaw", "pitch", "roll"), (float(angle) for angle in pose), strict=True))
    values |= expression(points)
    values["face_px"] = HeadFrame.of(points).px_per_cm * FACE_CM * source_px
    return {name: value for name, value in values.items() if np.isfinite(value)}


def expression(points: np.ndarray) -> dict[str, float]:
    """The measures that need the points alone: gaze, eyes, mouth, smile and brow.

    Shapes: points (478, 2), pixels of any picture.
    """
    points = np.asarray(points, np.float64)
    head = on_head(points)
    opens, looks = zip(*(_eye(head, *eye) for eye in EYES), strict=True)
    width = [np.hypot(*(points[right] - points[left])) for _, left, right, _, _ in EYES]  # the nearer eye says more
    weight = np.array([w if is_open > LEAST_OPEN else 0.0 for w, is_open in zip(width, opens, strict=True)])
    gaze = weight @ np.array(looks) / weight.sum() if weight.sum() > 0 else np.full(2, np.nan)
    gap = float(np.mean(head[list(UPPER_LIP), 1] - head[list(LOWER_LIP), 1]))
    corners = head[list(MOUTH_CORNERS), 1].mean() - head[list(LIP_MIDDLES), 1].mean()
    lids = np.mean([head[[left, right], 1].mean() for _, left, right, _, _ in EYES])
    return {
        "gaze_x": float(gaze[0]), "gaze_y": float(gaze[1]), "eye_left": opens[0], "eye_right": opens[1],
        "mouth_open": max(gap, 0.0), "lips_closed": 1 - _ramp(gap, *LIPS_CLOSED_CM),
        "smile": float(corners), "brow": float(head[[b for pair in BROWS for b in pair], 1].mean() - lids),
    }  # fmt: skip


def on_head(points: np.ndarray) -> np.ndarray:
    """The points as the face would show them from the front, (478, 2) cm: x to image right, y up, from the head's middle.

    Depth is taken from the canonical head. The far half of a face in profile is not seen and means little.
    Shapes: points (478, 2) pixels.
    """
    head = canonical_vertices_cm()
    axes = HeadFrame.of(points).axes
    flat = points - head[:, 2:] @ axes[:, 2:].T
    sideways = np.linalg.svd(axes[:, :2])
    stretch = np.maximum(sideways.S, 0.25 * sideways.S[0])  # in profile the x axis vanishes
    back = (sideways.Vh.T / stretch) @ sideways.U.T
    placed = flat @ back.T
    return np.asarray(placed - placed[list(OVAL)].mean(axis=0))


def _eye(
    head: np.ndarray, iris: int, left: int, right: int, upper: tuple[int, ...], lower: tuple[int, ...]
) -> tuple[float, np.ndarray]:
    """Gap over width, and where the iris lies: -1..1 from corner to corner, and the same unit upwards."""
    width = max(float(np.hypot(*(head[right] - head[left]))), 1e-6)
    gap = float((head[list(upper), 1] - head[list(lower), 1]).mean()) / width
    return max(gap, 0.0), (head[iris] - (head[left] + head[right]) / 2) / (width / 2)


def _light_and_teeth(image_log: np.ndarray, points: np.ndarray, valid: np.ndarray) -> dict[str, float]:
    share = min(1.0, LIGHT_PX / image_log.shape[0])
    size = (max(round(image_log.shape[1] * share), 1), max(round(image_log.shape[0] * share), 1))
    small, known = (
        cv2.resize(np.ascontiguousarray(plane, np.float32), size, interpolation=cv2.INTER_AREA)
        for plane in (image_log[..., :3], valid)
    )
    uv, inside = coordinates(points * share, Window.of_image(small))
    where = (lay_on(skin_texture(), uv, inside) > 0.5) & (known > 0.5)
    if not where.any():
        return {}
    luma_lin = decode_log(small) @ np.asarray(LUMA, np.float32)
    low, middle, high = (float(v) for v in np.quantile(small[where] @ np.asarray(LUMA, np.float32), (0.1, 0.5, 0.9)))
    values = {
        "level": middle, "exposure": float(np.log2(max(np.median(luma_lin[where]), 1e-6))) - GREY_STOPS,
        "contrast": (high - low) * LOG_SCALE, "teeth": _teeth(image_log, points, small[where]),
    }  # fmt: skip
    light = head_light(luma_lin, uv, inside, known)
    if light is not None:
        values |= {
            "light_x": float(light.direction[0]),
            "light_y": float(light.direction[1]),
            "light_share": light.share,
        }
    return values


def _teeth(image_log: np.ndarray, points: np.ndarray, skin_log: np.ndarray) -> float:
    """The area of teeth over that inside the outline of the lips."""
    window = Window.around(points[list(LIPS_OUTER)]).expand(2).intersect(Window.of_image(image_log))
    tone = skin_tone([skin_log])
    if window.empty or tone is None:
        return float("nan")
    mouth = region_mask(points, window, "mouth")
    whole = float((mouth + region_mask(points, window, "lips")).sum())
    teeth = teeth_matte(mouth, image_log[window.slices(Window.of_image(image_log))][..., :3], tone)
    return float(teeth.sum()) / whole if whole > 0 else 0.0


def _detail_px(image_log: np.ndarray, points: np.ndarray, valid: np.ndarray) -> float:
    """Of eyes, brows, nose and lips, which every face has; skin may be smooth by itself."""
    window = Window.of_image(image_log)
    where = np.max([region_mask(points, window, name) for name in ("eyes", "brows", "nose", "lips")], axis=0)
    ratio = local_sharpness(np.asarray(image_log, np.float32), where * (np.asarray(valid) > 0.5))
    blurs, ratios = _blur_table()
    blur_px = float(np.interp(-ratio, -ratios, blurs))
    return HeadFrame.of(points).px_per_cm * FACE_CM * PIXEL_SHARP_PX / blur_px


@lru_cache(maxsize=1)
def _blur_table() -> tuple[np.ndarray, np.ndarray]:
    """Blurs in px, and the local_sharpness that edges (a spectrum that falls with the square of frequency) have under them."""
    k = np.linspace(1e-3, np.pi, 2000)
    fine, coarse = (np.exp(-((k * px) ** 2) / 2) for px in (FINE_PX, COARSE_PX))
    blurs = np.geomspace(PIXEL_SHARP_PX / 2, 8, 64)
    power = np.exp(-((k * blurs[:, None]) ** 2)) / k
    ratios = np.sqrt((power * (1 - fine) ** 2).sum(axis=1) / (power * (fine - coarse) ** 2).sum(axis=1))
    return blurs, ratios


def _ramp(value: float, low: float, high: float) -> float:
    return float(min(max((value - low) / (high - low), 0.0), 1.0))
