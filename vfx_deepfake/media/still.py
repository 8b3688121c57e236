"""Single display pictures for people: PNG and TIFF of 16 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import written_aside

WHITE = 65535


def write_still(path: Path, picture: np.ndarray, said: str) -> None:
    """Write a picture whole or not at all; the suffix chooses PNG or TIFF. ``said`` goes into the header as its description.

    Shapes: picture (H, W, 3) display-encoded 0..1; rounded to the nearest of 16-bit codes.
    Raises: DeliveryError in OpenImageIO's words, or when the disk refuses.
    """
    codes = np.rint(np.clip(picture, 0.0, 1.0) * np.float32(WHITE)).astype(np.uint16)
    spec = oiio.ImageSpec(codes.shape[1], codes.shape[0], 3, oiio.UINT16)
    spec.attribute("ImageDescription", said)
    with written_aside(path) as aside:
        out = oiio.ImageOutput.create(str(aside))
        if out is None or not (out.open(str(aside), spec) and out.write_image(codes) and out.close()):
            raise DeliveryError(
                f"{path}: could not be written: {(out or oiio).geterror() or 'unknown OpenImageIO error'}"
            )
