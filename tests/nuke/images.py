"""Pictures as the evaluator holds them, and what each class of node does to them.

Semantics are those of Foundry's documentation: learn.foundry.com/nuke/content/reference_guide, the page of each node, and
"Merge Operations" of the user guide. What these pages leave open is said where it is decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np

from vfx_deepfake.image.crop import Window

RGBA = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
REC709 = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Saturation's default luminance math
GROUPS = {"rgb": RGBA[:3], "rgba": RGBA, "alpha": RGBA[3:]}


@dataclass
class Picture:
    """Channels (H, W) float32 on a canvas that reaches past the picture on all sides, 0 outside ``box``."""

    canvas: Window
    box: Window
    channels: dict[str, np.ndarray] = field(default_factory=dict)

    def get(self, name: str) -> np.ndarray:
        """A channel; one that is not there is black."""
        return self.channels.get(name, np.zeros(self.canvas.shape, np.float32))

    def rgb(self) -> np.ndarray:
        """(H, W, 3) of the canvas."""
        return np.stack([self.get(name) for name in RGBA[:3]], -1)

    def within(self, window: Window) -> np.ndarray:
        """(h, w, 3) of a window."""
        return self.rgb()[window.slices(self.canvas)]

    def changed(self, channels: dict[str, np.ndarray], box: Window | None = None) -> Picture:
        """With other values in some channels, cut to ``box``: outside it there is nothing."""
        box = box or self.box
        kept = np.zeros(self.canvas.shape, np.float32)
        if not box.empty:
            kept[box.slices(self.canvas)] = 1
        fresh = {name: np.where(kept > 0, values, 0).astype(np.float32) for name, values in channels.items()}
        return Picture(self.canvas, box, {**self.channels, **fresh})


def union(a: Window, b: Window) -> Window:
    if a.empty or b.empty:
        return b if a.empty else a
    x, y = min(a.x, b.x), min(a.y, b.y)
    return Window(x, y, max(a.x + a.width, b.x + b.width) - x, max(a.y + a.height, b.y + b.height) - y)


def grown(box: Window, by: int, canvas: Window) -> Window:
    if box.empty:
        return box
    return Window(box.x - by, box.y - by, box.width + 2 * by, box.height + 2 * by).intersect(canvas)


def chosen(picture: Picture, knob: str) -> Iterable[str]:
    """The channels that a ``channels`` knob means; "all" is every channel there is."""
    return GROUPS[knob] if knob in GROUPS else dict.fromkeys([*RGBA, *picture.channels])


# "Merge Operations": A and B are the inputs' channels, a the alpha of A
MERGES = {
    "plus": lambda A, B, a: A + B,
    "minus": lambda A, B, a: A - B,
    "multiply": lambda A, B, a: np.where((A < 0) & (B < 0), A, A * B),
    "min": lambda A, B, a: np.minimum(A, B),
    "max": lambda A, B, a: np.maximum(A, B),
    "difference": lambda A, B, a: np.abs(A - B),
    "stencil": lambda A, B, a: B * (1 - a),
}


def merge(operation: str, a: Picture, b: Picture) -> Picture:
    """Merge2: red, green, blue and alpha; other channels are B's. Bounding box: union, the default."""
    values = {name: MERGES[operation](a.get(name), b.get(name), a.get("rgba.alpha")) for name in RGBA}
    return b.changed(values, union(a.box, b.box))


def keymix(a: Picture, b: Picture, mask: Picture, channels: str, box: str) -> Picture:
    """Keymix: "This follows the formula Aa + B(1-a)"; a is the mask's alpha."""
    alpha = mask.get("rgba.alpha")
    values = {name: a.get(name) * alpha + b.get(name) * (1 - alpha) for name in chosen(b, channels)}
    return b.changed(values, b.box if box == "B" else union(a.box, b.box))


def dissolve(first: Picture, second: Picture, which: float) -> Picture:
    """Dissolve: 0 is the first input, 1 the second."""
    values = {name: first.get(name) * np.float32(1 - which) + second.get(name) * np.float32(which) for name in RGBA}
    return first.changed(values, union(first.box, second.box))


def blur(picture: Picture, channels: str, width: float, height: float, filter_name: str) -> Picture:
    """Blur: "size sets the radius within which pixels are compared".

    Open in the documentation: how much of a gaussian the radius holds (here three deviations), and whether a box is
    as wide as the radius or twice that (here as wide).
    """
    if not width and not height:
        return picture
    values = {}
    for name in chosen(picture, channels):
        plane = picture.get(name)
        for size, axis in ((width, 1), (height, 0)):
            kernel = _box(size) if filter_name == "box" else _gaussian(size)
            shape = kernel[None, :] if axis else kernel[:, None]
            plane = cv2.filter2D(plane, -1, shape, borderType=cv2.BORDER_CONSTANT)
        values[name] = plane
    return picture.changed(values, grown(picture.box, int(np.ceil(max(width, height))), picture.canvas))


def _gaussian(size: float) -> np.ndarray:
    reach = int(np.ceil(size))
    at = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (at / max(size / 3, 1e-6)) ** 2)
    return (kernel / kernel.sum()).astype(np.float32)


def _box(size: float) -> np.ndarray:
    reach = int(np.ceil(size / 2))
    kernel = np.clip(size / 2 + 0.5 - np.abs(np.arange(-reach, reach + 1)), 0, 1) if size else np.ones(1)
    return (kernel / kernel.sum()).astype(np.float32)


def filter_erode(picture: Picture, channels: str, size: float) -> Picture:
    """FilterErode: "negative values cause brighter areas to expand into darker areas and positive values cause darker
    areas to expand into lighter areas", by ``size`` pixels; here without the filter's softness."""
    act = cv2.erode if size > 0 else cv2.dilate
    low, share = int(abs(size)), abs(size) % 1
    values = {}
    for name in chosen(picture, channels):
        sharp = [act(picture.get(name), _disc(radius)) for radius in (low, low + 1)]
        values[name] = sharp[0] + np.float32(share) * (sharp[1] - sharp[0])
    return picture.changed(values, grown(picture.box, low + 1 if size < 0 else 0, picture.canvas))


def _disc(radius: int) -> np.ndarray:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return (x * x + y * y <= radius * radius + radius).astype(np.uint8)


def translate(picture: Picture, right: float, up: float) -> Picture:
    """Transform with nothing but a translation; y is up in Nuke; black outside."""
    matrix = np.array([[1, 0, right], [0, 1, -up]], np.float32)
    size = (picture.canvas.width, picture.canvas.height)
    values = {name: cv2.warpAffine(picture.get(name), matrix, size, flags=cv2.INTER_CUBIC) for name in RGBA}
    return picture.changed(values, grown(picture.box, int(np.ceil(max(abs(right), abs(up)))), picture.canvas))


def grade(picture: Picture, multiply: float) -> Picture:
    """Grade with all knobs at rest but multiply, and no clamps: out = multiply * in."""
    return picture.changed({name: picture.get(name) * np.float32(multiply) for name in RGBA[:3]})


def saturation(picture: Picture, amount: float) -> Picture:
    """Saturation, luminance math Rec 709: 0 is the luminance, 1 the picture."""
    rgb = picture.rgb()
    grey = (rgb @ REC709)[..., None]
    out = grey + np.float32(amount) * (rgb - grey)
    return picture.changed({name: out[..., i] for i, name in enumerate(RGBA[:3])})


def convolve(picture: Picture, matrix: np.ndarray, normalize: bool) -> Picture:
    """Matrix: a kernel laid on every pixel, its sum brought to 1 by ``normalize``."""
    kernel = (matrix / matrix.sum() if normalize else matrix).astype(np.float32)
    values = {name: cv2.filter2D(picture.get(name), -1, kernel, borderType=cv2.BORDER_CONSTANT) for name in RGBA[:3]}
    return picture.changed(values, grown(picture.box, 1, picture.canvas))
