"""What a picture file holds, apart from how it is stored: a digest over names, windows, types and pixels.

Two files with the same digest show the same picture; they may differ in header notes, compression or byte order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.files import hash_file
from vfx_deepfake.media.header import library_words, opened, unreadable

PICTURES = (".exr", ".dpx", ".tif", ".tiff", ".png")


def is_picture(path: Path) -> bool:
    """True for the still formats whose pixels are looked at; everything else is bytes."""
    return path.suffix.lower() in PICTURES


def content_digest(path: Path) -> str:
    """SHA-256 over what the file shows; of a file that is no picture over its bytes.

    Raises: PlateError for a picture that can't be read whole.
    """
    if not is_picture(path):
        return hash_file(path)
    digest = hashlib.sha256()
    with opened(path) as image:
        for index, spec in specs_of(image):
            digest.update(json.dumps(_description(spec), ensure_ascii=True).encode())
            digest.update(np.ascontiguousarray(native_pixels(image, index, spec, path)).data)
    return digest.hexdigest()


def specs_of(image: Any) -> Iterator[tuple[int, Any]]:
    """Every part of an open image with its number."""
    index = 0
    while image.seek_subimage(index, 0):
        yield index, image.spec()
        index += 1


def native_pixels(image: Any, index: int, spec: Any, path: Path) -> np.ndarray:
    """The pixels of one part (H, W, C) in a type that holds each of its channels exactly.

    Raises: PlateError where they can't be read whole.
    """
    kinds = {str(kind) for kind in spec.channelformats} or {str(spec.format)}
    pixels = image.read_image(index, 0, 0, spec.nchannels, kinds.pop() if len(kinds) == 1 else "float")
    if pixels is None:
        raise unreadable(path, library_words(image))
    return np.asarray(pixels)


def _description(spec: Any) -> list[Any]:
    kinds = [str(kind) for kind in spec.channelformats] or [str(spec.format)]
    name = spec.get_string_attribute("name")
    windows = [spec.x, spec.y, spec.width, spec.height, spec.full_x, spec.full_y, spec.full_width, spec.full_height]
    return [name, list(spec.channelnames), kinds, windows, spec.get_int_attribute("oiio:BitsPerSample")]
