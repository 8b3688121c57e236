"""Faults planted into the files of a finished version, as they happen between a render and a client."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from vfx_deepfake.color.encoding import decode_log, encode_log
from vfx_deepfake.image.blend import clean_comp
from vfx_deepfake.media.delivery import delivery_codes
from vfx_deepfake.media.dpx import read_codes, write_dpx
from vfx_deepfake.media.exr import Frame, Part, read_exr, write_exr
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.steps.elements import APPLIED, DATA_CHANNELS, ELEMENT_CHANNELS
from vfx_deepfake.steps.opened import OpenShot, open_shot

PARTS = {"rgba": (), "elements": ELEMENT_CHANNELS, "data": DATA_CHANNELS}
Change = Callable[[np.ndarray, "Layers"], np.ndarray]


class Layers:
    """Element layers of one frame over the whole picture, 0 where they do not reach."""

    def __init__(self, elements: Frame, shape: tuple[int, int]) -> None:
        full = np.zeros((*shape, elements.pixels.shape[2]), np.float32)
        window = elements.data_window
        full[window.y : window.bottom, window.x : window.right] = elements.pixels
        self.matte = full[..., ELEMENT_CHANNELS.index(APPLIED)]
        face, clean = (
            full[..., [ELEMENT_CHANNELS.index(f"{layer}.{c}") for c in "RGB"]] for layer in ("face", "clean")
        )
        self.clean_comp = clean_comp(clean, face, self.matte)
        self.inside = self.matte > 0


class Planted:
    """A private copy of a shot whose version v001 may be tampered with; DPX follow the EXR unless a test says otherwise."""

    def __init__(self, source: Path, folder: Path) -> None:
        shutil.copytree(source, folder)
        for path in (folder / "versions").rglob("*"):
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
        self.opened: OpenShot = open_shot(folder)
        self.paths: VersionPaths = self.opened.shot.paths.version(1)

    def layers(self, frame: int) -> tuple[np.ndarray, Layers]:
        """The delivered R, G, B and the layers under it."""
        path = self.paths.exr_frame(frame)
        rgba = read_exr(path, part="rgba")
        return rgba.pixels, Layers(read_exr(path, part="elements", channels=ELEMENT_CHANNELS), rgba.pixels.shape[:2])

    def change(self, frame: int, change: Change, follow: bool = True) -> None:
        """Rewrite a frame's delivered pixels, and its DPX from them where ``follow`` says so."""
        path = self.paths.exr_frame(frame)
        parts = {name: read_exr(path, part=name, channels=names) for name, names in PARTS.items()}
        rgba = parts["rgba"]
        new = np.asarray(change(rgba.pixels.copy(), self.layers(frame)[1]), np.float32)
        written = [
            Part(name, new if name == "rgba" else each.pixels, each.channels, each.data_window, formats=each.formats)
            for name, each in parts.items()
        ]
        write_exr(path, written, rgba.display_window, rgba.metadata)
        if follow:
            self.deliver(frame)

    def deliver(self, frame: int) -> None:
        """The DPX of what the EXR holds now."""
        spec, opened = self.opened.settings.delivery, self.opened
        stored = read_exr(self.paths.exr_frame(frame), part="rgba")
        codes, _ = delivery_codes(stored, opened.color, opened.plate.colorspace, spec.colorspace, 10)
        write_dpx(self.paths.dpx_frame(frame), codes, 10, metadata=stored.metadata)

    def swap(self, one: int, other: int) -> None:
        """Exchange the files of two frames."""
        for file in (self.paths.exr_frame, self.paths.dpx_frame):
            aside = file(one).with_name("aside")
            os.rename(file(one), aside)
            os.rename(file(other), file(one))
            os.rename(aside, file(other))

    def one_code_off(self, frame: int) -> None:
        """One code of one DPX pixel wrong by one."""
        path = self.paths.dpx_frame(frame)
        codes, bits = read_codes(path)
        codes[5, 7, 1] ^= 1
        write_dpx(path, codes, bits)


def without_grain(pixels: np.ndarray, layers: Layers) -> np.ndarray:
    """The clean comp delivered as it is."""
    pixels[layers.inside] = layers.clean_comp[layers.inside]
    return pixels


def with_held_grain(planted: Planted, frame: int) -> Change:
    """A clean comp under the grain of another frame, held, each place at its own level."""
    pixels, layers = planted.layers(frame)
    held_log = _grain(pixels, layers)

    def change(pixels: np.ndarray, layers: Layers) -> np.ndarray:
        scaled = held_log / np.maximum(_local_level(held_log), 1e-6) * _local_level(_grain(pixels, layers))
        grained = decode_log(encode_log(layers.clean_comp) + scaled)
        pixels[layers.inside] = grained[layers.inside]
        return pixels

    return change


def _grain(pixels: np.ndarray, layers: Layers) -> np.ndarray:
    """Delivered grain, (H, W, 3) log; 0 outside the matte."""
    return np.where(layers.inside[..., None], encode_log(pixels) - encode_log(layers.clean_comp), 0)


def _local_level(grain_log: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(
        np.minimum(np.abs(grain_log), 4 * np.median(np.abs(grain_log[grain_log != 0]))), (0, 0), 4.0
    )


def through_8_bits(pixels: np.ndarray, layers: Layers) -> np.ndarray:
    """The face as an 8-bit picture for a display, and back."""
    codes = np.rint(255 * np.clip(pixels, 0, 1) ** (1 / 2.2))
    back = (codes / 255) ** 2.2
    return np.where(layers.inside[..., None], back, pixels)


def shifted(pixels: np.ndarray, layers: Layers) -> np.ndarray:
    """The whole frame one pixel to the right."""
    return np.roll(pixels, 1, axis=1)


def graded(log_step: float, hard: bool = False) -> Change:
    """The face brighter by a step in log; ``hard`` ends it at a line instead of with the matte."""

    def change(pixels: np.ndarray, layers: Layers) -> np.ndarray:
        weight = (layers.matte > 0.5).astype(np.float32) if hard else layers.matte
        new = decode_log(encode_log(pixels) + np.float32(log_step) * weight[..., None])
        return np.where(layers.inside[..., None], new, pixels)

    return change


def one_pixel_outside(pixels: np.ndarray, layers: Layers) -> np.ndarray:
    """One pixel outside the matte moved by one step of half float."""
    row, column = np.argwhere(~layers.inside & (pixels[..., 1] > 0.01))[0]
    pixels[row, column, 1] = np.nextafter(np.float16(pixels[row, column, 1]), np.float16(np.inf)).astype(np.float32)
    return pixels
