"""EXR frames in and out: windows, overscan, half and float, parts, layers and metadata kept; written whole or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import written_aside
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.header import Header, header_of, library_words, opened, unreadable
from vfx_deepfake.media.metadata import put

# ours to OpenImageIO's name; OpenImageIO itself takes any text and quietly writes zip for one it does not know
COMPRESSIONS = {"none": "none", "zip": "zip", "zips": "zips", "piz": "piz", "dwaa": "dwaa:45"}
HALF_MAX = 65504.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture with its place.

    ``pixels`` (H, W, C) float32 cover ``data_window``; they hold half values exactly where ``half`` says so.
    ``channels`` are R, G, B and A if there is one, or the names asked for. ``formats`` is the file's type of each
    channel.
    """

    pixels: np.ndarray
    data_window: Window
    display_window: Window
    channels: tuple[str, ...]
    metadata: dict[str, Any] = field(default_factory=dict)
    half: bool = True
    formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an EXR to write: pixels (H, W, C) float32 or half that cover ``data_window``, channels named as in
    the file.

    Channels are stored as half, or as float32 where ``half`` is False; ``formats`` says it for each channel instead.
    """

    name: str
    pixels: np.ndarray
    channels: tuple[str, ...]
    data_window: Window
    half: bool = True
    formats: tuple[str, ...] = ()


def read_exr(path: Path | str, part: str = "", layer: str = "", channels: Sequence[str] = ()) -> Frame:
    """Read one frame; any format OpenImageIO knows is taken (painted frames may be PNG or TIFF, integers become 0..1).

    ``part``, ``layer``, ``channels``: as :func:`vfx_deepfake.media.header.read_header`.
    Raises: PlateError in one line for what can't be read whole.
    """
    path = Path(path)
    with opened(path) as image:
        header = header_of(image, path, part, layer, channels)
        pixels = read_pixels(image, header, "half" if header.half else "float")
    return Frame(
        pixels=pixels.astype(np.float32, copy=False),
        data_window=header.data_window,
        display_window=header.display_window,
        channels=header.channels,
        metadata=header.metadata,
        half=header.half,
        formats=header.formats,
    )


def read_pixels(image: Any, header: Header, kind: str) -> np.ndarray:
    """The chosen channels of an open image as (H, W, C), C-contiguous, of OpenImageIO type ``kind``.

    Raises: PlateError when a part of the picture is missing or damaged.
    """
    first, end = min(header.channel_indices), max(header.channel_indices) + 1
    pixels = image.read_image(header.part_index, 0, first, end, kind)
    if pixels is None:
        raise unreadable(header.path, library_words(image))
    pixels = pixels.reshape(header.data_window.height, header.data_window.width, end - first)
    wanted = [index - first for index in header.channel_indices]
    if wanted != list(range(end - first)):
        pixels = np.ascontiguousarray(pixels[..., wanted])
    return pixels


def write_exr(
    path: Path | str,
    parts: Sequence[Part],
    display_window: Window,
    metadata: Mapping[str, Any] | None = None,
    compression: str = "zip",
) -> None:
    """Write one EXR of one or more parts that share the display window; it appears whole or not at all.

    ``metadata`` goes into the header of every part. Finite values beyond half's range are stored as its largest, never
    as infinity.
    Raises: ValueError for parts that contradict themselves or an unknown compression; DeliveryError when the disk
    refuses.
    """
    path = Path(path)
    if compression not in COMPRESSIONS:
        raise ValueError(f"compression is '{compression}'; choose one of {', '.join(COMPRESSIONS)}")
    if not parts or len({part.name for part in parts}) != len(parts):
        raise ValueError(f"{path.name}: parts need names of their own, got {[part.name for part in parts]}")
    specs = tuple(_spec(part, display_window, metadata or {}, COMPRESSIONS[compression]) for part in parts)
    with written_aside(path) as aside:
        write_parts(path, aside, specs, map(_stored, parts))


def write_parts(path: Path, aside: Path, specs: Sequence[Any], pixels: Iterable[np.ndarray]) -> None:
    """Write the parts that ``specs`` describe to ``aside``, the pixels of one after the other; ``path`` is for messages.

    Raises: DeliveryError when the disk refuses.
    """
    out = oiio.ImageOutput.create(str(aside))
    if out is None:
        raise DeliveryError(f"{path}: not written: {library_words(oiio)}")
    done = out.open(str(aside), tuple(specs) if len(specs) > 1 else specs[0])
    for index, (spec, stored) in enumerate(zip(specs, pixels, strict=True)):
        if index and done:
            done = out.open(str(aside), spec, "AppendSubimage")
        done = done and out.write_image(stored)
    if not (done and out.close()):
        raise write_failure(path, aside, library_words(out))


def write_failure(path: Path, aside: Path, words: str) -> Exception:
    """The error for a write that OpenImageIO gave up: the disk's own reason where there is one.

    OpenImageIO says only that it failed; touching the disk ourselves brings out full, read-only and forbidden.
    """
    try:
        with aside.open("ab") as probe:
            probe.write(bytes(1 << 16))
            probe.flush()
    except OSError as error:
        return error
    return DeliveryError(
        f"{path}: could not be written ({words or 'no reason given'}); check the disk and run the same command again"
    )


def _spec(part: Part, display: Window, metadata: Mapping[str, Any], compression: str) -> Any:
    window = part.data_window
    if part.pixels.ndim != 3 or part.pixels.shape != (*window.shape, len(part.channels)):
        raise ValueError(
            f"part '{part.name}': pixels {part.pixels.shape} do not fit {window} with channels {part.channels}"
        )
    if window.empty or display.empty:
        raise ValueError(f"part '{part.name}': EXR can't hold an empty window ({window}, display {display})")
    if len(set(part.channels)) != len(part.channels):
        raise ValueError(f"part '{part.name}': channel names repeat: {', '.join(part.channels)}")
    spec = oiio.ImageSpec(window.width, window.height, len(part.channels), "half")
    spec.x, spec.y = window.x, window.y
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = display.x, display.y, display.width, display.height
    spec.channelnames = part.channels
    formats = _formats(part)
    if set(formats) == {"float"}:
        spec.set_format("float")
    elif set(formats) != {"half"}:
        spec.set_format("float")
        spec.channelformats = tuple(oiio.TypeDesc(name) for name in formats)
    spec.attribute("DateTime", "")  # none unless the metadata has one: the clock would make each writing differ
    put(spec, metadata)
    spec.attribute("compression", compression)
    spec.attribute("name", part.name)
    return spec


def _formats(part: Part) -> tuple[str, ...]:
    formats = part.formats or (("half" if part.half else "float",) * len(part.channels))
    if len(formats) != len(part.channels) or set(formats) - {"half", "float"}:
        raise ValueError(
            f"part '{part.name}': formats {formats} for channels {part.channels}; want half or float for each"
        )
    return formats


def _stored(part: Part) -> np.ndarray:
    """Pixels in the type handed to OpenImageIO: half where all channels are, else float32; half ones kept finite."""
    formats = _formats(part)
    pixels = part.pixels
    if pixels.dtype == np.float16:
        return np.ascontiguousarray(pixels)
    over = np.isfinite(pixels) & (np.abs(pixels) > HALF_MAX)
    over &= np.array([name == "half" for name in formats])
    if over.any():
        pixels = np.where(over, np.copysign(np.float32(HALF_MAX), pixels), pixels)
    return np.ascontiguousarray(pixels, np.float16 if set(formats) == {"half"} else np.float32)
