"""The border to OpenImageIO for reading: opening, headers, the choice of part and channels, and its errors as one
plain line.

Damaged files: OpenImageIO 3.2 checks chunk tables and sizes itself. On top of that the limits below keep a header that
lies about its size from filling the memory, every failure is turned into one line, and a test reads a museum of broken
files in processes with a time and memory limit.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import OpenImageIO as oiio

from vfx_deepfake.errors import PlateError
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.metadata import carried, film_metadata, legible

MAX_SIDE_PX = 65_536
MAX_IMAGE_MIB = 8_192
COLOURS = {"r": "R", "red": "R", "g": "G", "green": "G", "b": "B", "blue": "B", "a": "A", "alpha": "A"}
MAIN_PART = "rgba"  # taken where several parts would do
COPY_AGAIN = "copy the file again from its source or have the frame rendered again"

oiio.attribute("limits:resolution", MAX_SIDE_PX)
oiio.attribute("limits:imagesize_MB", MAX_IMAGE_MIB)


@dataclass(frozen=True, slots=True)
class Header:
    """What one image file says before its pixels are read; ``channels`` are those chosen, with R, G, B, A spelt so."""

    path: Path
    format: str  # OpenImageIO's name: openexr, dpx, png, ...
    part: str
    part_index: int
    data_window: Window
    display_window: Window
    file_channels: tuple[str, ...]  # every channel of the part
    channels: tuple[str, ...]
    channel_indices: tuple[int, ...]
    formats: tuple[str, ...]  # of the chosen channels: half, float, uint8, uint16, ...
    bits: int  # significant bits a channel, e.g. 10 for 10-bit DPX
    metadata: dict[str, Any]

    @property
    def half(self) -> bool:
        """True where every chosen channel is 16-bit float."""
        return all(name == "half" for name in self.formats)


def read_header(path: Path | str, part: str = "", layer: str = "", channels: Sequence[str] = ()) -> Header:
    """Read a file's header and choose part and channels.

    ``part`` names an EXR part (empty: the only one that has the channels, or ``rgba``); ``layer`` a layer (empty: plain R, G, B and A
    if present, else a single channel); ``channels`` asks for exactly these, by their names in the file.
    Raises: PlateError for a missing, damaged, deep or stereo file, and for a part, layer or channel it does not have.
    """
    with opened(Path(path)) as image:
        return header_of(image, Path(path), part, layer, channels)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An open ``ImageInput``, closed afterwards.

    Raises: PlateError in one line when it can't be opened, or when OpenImageIO fails inside.
    """
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "no such file"
        raise PlateError(f"{path}: {found}; a readable image was expected; check the path")
    try:
        image = oiio.ImageInput.open(str(path))
    except (RuntimeError, UnicodeDecodeError, MemoryError) as error:
        raise unreadable(path, str(error)) from error
    if image is None:
        raise unreadable(path, library_words(oiio))
    try:
        yield image
    except (UnicodeDecodeError, MemoryError) as error:
        raise unreadable(path, str(error)) from error
    finally:
        image.close()


def unreadable(path: Path, words: str) -> PlateError:
    """The line for a file that is damaged, truncated or no image."""
    return PlateError(
        f"{path}: damaged or not an image ({words or 'no reason given'}); a whole image was expected; {COPY_AGAIN}"
    )


def library_words(source: Any) -> str:
    """OpenImageIO's pending error as one short line; damaged files put bytes in it that are no text."""
    try:
        text = source.geterror()
    except UnicodeDecodeError:
        return "its header holds broken text"
    first = next((line for line in text.splitlines() if line.strip()), "")
    first = re.sub(r"EXR Error \(.*?\): (EXR_ERR_\w+ )?", "", first).strip()
    return "".join(c if c.isprintable() else "?" for c in first)[:160]


def header_of(image: Any, path: Path, part: str = "", layer: str = "", channels: Sequence[str] = ()) -> Header:
    """The header of an open image; see :func:`read_header`."""
    specs = _specs(image, path)
    _refuse_deep_and_stereo(specs, path)
    index = _choose_part(specs, path, part, layer, channels)
    spec = specs[index]
    names = _channel_names(spec)
    picked = _choose_channels(names, path, layer, channels)
    formats = tuple(str(spec.channelformats[i] if spec.channelformats else spec.format) for i in picked.values())
    return Header(
        path=path,
        format=image.format_name(),
        part=_part_name(spec),
        part_index=index,
        data_window=_window(spec.x, spec.y, spec.width, spec.height, path),
        display_window=_window(spec.full_x, spec.full_y, spec.full_width, spec.full_height, path),
        file_channels=names,
        channels=tuple(picked),
        channel_indices=tuple(picked.values()),
        formats=formats,
        bits=spec.get_int_attribute("oiio:BitsPerSample") or _DEPTHS.get(formats[0], 32),
        metadata=film_metadata(carried(spec)) if image.format_name() == "dpx" else carried(spec),
    )


_DEPTHS = {"uint8": 8, "uint16": 16, "half": 16}


def _channel_names(spec: Any) -> tuple[str, ...]:
    return tuple(legible(name) for name in spec.channelnames)


def _part_name(spec: Any) -> str:
    return legible(spec.get_string_attribute("name"))


def _specs(image: Any, path: Path) -> list[Any]:
    specs: list[Any] = []
    while image.seek_subimage(len(specs), 0):
        specs.append(image.spec())
    if not specs:
        raise unreadable(path, library_words(image))
    return specs


def _window(x: int, y: int, width: int, height: int, path: Path) -> Window:
    if width <= 0 or height <= 0:
        raise unreadable(path, f"its header says {width} x {height} pixels")
    return Window(x, y, width, height)


def _refuse_deep_and_stereo(specs: list[Any], path: Path) -> None:
    if any(spec.deep for spec in specs):
        raise PlateError(
            f"{path}: deep image (many samples a pixel); a flat one was expected; flatten it (Nuke: DeepToImage)"
        )
    views = {legible(spec.get_string_attribute("view")) for spec in specs} - {""}
    for spec in specs:
        views |= {legible(str(view)) for view in spec.getattribute("multiView") or ()}
    if len(views) > 1:
        found = ", ".join(sorted(views))
        raise PlateError(f"{path}: stereo image, views {found}; one view was expected; write each view as its own shot")


def _choose_part(specs: list[Any], path: Path, part: str, layer: str, channels: Sequence[str]) -> int:
    names = [_part_name(spec) for spec in specs]
    if part:
        if part in names:
            return names.index(part)
        known = ", ".join(name for name in names if name) or "it has one part without a name"
        raise PlateError(f"{path}: no part '{part}'; {_near(part, names)}parts in the file: {known}")
    fitting = [index for index, spec in enumerate(specs) if _pick(_channel_names(spec), layer, channels)]
    if len(fitting) > 1:
        fitting = [index for index in fitting if names[index].lower() == MAIN_PART] or fitting
    if len(fitting) > 1:
        found = ", ".join(f"'{names[index]}'" for index in fitting)
        raise PlateError(f"{path}: parts {found} all have the channels; one was expected; name it in [plate].part")
    return fitting[0] if fitting else 0


def _choose_channels(names: tuple[str, ...], path: Path, layer: str, channels: Sequence[str]) -> dict[str, int]:
    picked = _pick(names, layer, channels)
    if picked:
        return picked
    found = ", ".join(names[:24]) + (", ..." if len(names) > 24 else "")
    if channels:
        wanted, advice = ", ".join(channels), "name one that is there"
    elif layer:
        wanted, advice = (
            f"{layer}.R, {layer}.G, {layer}.B",
            f"{_near(layer, _layers(names))}choose a layer that is there",
        )
    else:
        wanted, advice = (
            "R, G, B",
            "name the layer in the shot file, [plate].layer, or write the plate with these channels",
        )
    raise PlateError(f"{path}: channels {found}; expected {wanted}; {advice}")


def _pick(names: tuple[str, ...], layer: str, channels: Sequence[str]) -> dict[str, int]:
    """Name to index of the wanted channels; empty where they are not all there."""
    if channels:
        return {name: names.index(name) for name in channels} if set(channels) <= set(names) else {}
    prefix = f"{layer}." if layer else ""
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        rest = name.removeprefix(prefix) if name.startswith(prefix) else ""
        colour = COLOURS.get(rest.lower())
        if colour and colour not in found:
            found[colour] = index
    if {"R", "G", "B"} <= found.keys():
        return {colour: found[colour] for colour in "RGBA" if colour in found}
    if len(names) == 1 and not layer:
        return {names[0]: 0}
    return {}


def _layers(names: Sequence[str]) -> list[str]:
    return sorted({name.rpartition(".")[0] for name in names} - {""})


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, [each for each in known if each], n=1)
    return f"did you mean '{near[0]}'? " if near else ""
