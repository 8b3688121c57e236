"""What a faceset is made from, frame by frame in the scene-linear working space: stills, movies, sequences."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import FacesetError, PlateError, VfxError, located
from vfx_deepfake.faceset import read_movie
from vfx_deepfake.faceset.spec import SourceSpec
from vfx_deepfake.files import hash_file
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.dpx import read_dpx
from vfx_deepfake.media.exr import Frame, read_exr
from vfx_deepfake.media.plate import without_nan
from vfx_deepfake.media.sequence import scan
from vfx_deepfake.naming import frame_path

STILLS = (".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".hdr", ".tga", ".webp", ".bmp", ".jp2", ".heic",
          ".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf")  # fmt: skip
WHITE = 0.995  # of a code value: film and video whites roll into it, sensors clip at it
# Exif's orientation: quarter turns against the clock that make the picture upright, and whether it is mirrored first
UPRIGHT = {2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True), 6: (3, False), 7: (3, True), 8: (1, False)}


@dataclass(frozen=True)
class Source:
    """One file or sequence of a faceset; ``frames`` are those to take, 0 for a still."""

    name: str  # its path as faceset.toml has it, or the file's for a folder and for * and ?
    spec: SourceSpec
    kind: str  # still, movie or sequence
    path: str  # absolute; a sequence's has #### for the frame number
    frames: tuple[int, ...]

    def file(self, frame: int) -> Path:
        """The file that holds a frame."""
        return frame_path(self.path, frame) if self.kind == "sequence" else Path(self.path)

    def stamp(self, frame: int) -> tuple[int, ...]:
        """Size and time of a frame's file: where they changed, the frame is cut again."""
        try:
            state = os.stat(self.file(frame))
        except OSError:
            return (0, 0)
        return (state.st_size, state.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame over ``window``, upright: pixels_lin (H, W, 3) float32 scene-linear and finite; clipped (H, W) bool, at white."""

    pixels_lin: np.ndarray
    clipped: np.ndarray
    window: Window
    sha256: str


def find_sources(folder: Path, specs: Sequence[SourceSpec]) -> tuple[list[Source], dict[str, str]]:
    """Every source that is there, and for each [[source]].path that is not why."""
    found: list[Source] = []
    absent: dict[str, str] = {}
    for spec in specs:
        try:
            found += _found(folder, spec)
        except VfxError as error:
            absent[spec.path] = str(error)
    return found, absent


def _found(folder: Path, spec: SourceSpec) -> list[Source]:
    path = os.path.normpath(folder.absolute() / spec.path)
    name = os.path.basename(path)
    wanted = parse_frames(spec.frames, f"{spec.path}: frames") if spec.frames else None
    if any(mark in name for mark in ("#", "%", "@", "$F")):
        on_disk = scan(path)
        return [Source(spec.path, spec, "sequence", on_disk.pattern, _taken(on_disk.frames, wanted, spec))]
    if name.lower().endswith(read_movie.SUFFIXES):
        count = read_movie.count_frames(Path(path))
        return [Source(spec.path, spec, "movie", path, _taken(range(1, count + 1), wanted, spec))]
    files = _stills(path, spec)
    return [Source(_told(each, path, spec), spec, "still", str(each), (0,)) for each in files]


def _taken(frames: Sequence[int], wanted: tuple[int, ...] | None, spec: SourceSpec) -> tuple[int, ...]:
    there = [frame for frame in frames if wanted is None or frame in wanted]
    if not there:
        raise FacesetError(f"{spec.path}: has none of the frames {spec.frames}; correct the range")
    return tuple(there[:: spec.every])


def _stills(path: str, spec: SourceSpec) -> list[Path]:
    """One file, the pictures of a folder, or what fits ``*`` and ``?`` in the file name, by name."""
    one = Path(path)
    if one.is_file():
        return [one]
    pattern, folder = ("*", one) if one.is_dir() else (one.name, one.parent)
    files = sorted(
        each for each in folder.glob(pattern) if each.suffix.lower() in STILLS and not each.name.startswith(".")
    )
    if not files:
        raise FacesetError(f"{spec.path}: no such file or folder of pictures; correct the path in faceset.toml")
    return files


def _told(file: Path, path: str, spec: SourceSpec) -> str:
    if str(file) == path:
        return spec.path
    folder = spec.path if Path(path).is_dir() else os.path.dirname(spec.path)
    return os.path.join(folder, file.name)


def read_pictures(
    source: Source, frames: Sequence[int], color: Color, working: str
) -> Iterator[tuple[int, Picture | VfxError | None]]:
    """The given frames, rising, each as a picture or as the reason why it can't be had; one frame is held at a time.

    None for the last frames of a movie that says it has more than it has.
    """
    if source.kind == "movie":
        yield from _movie(source, frames, color, working)
        return
    for frame in frames:
        try:
            with located(source.name):
                yield frame, _file(source, frame, color, working)
        except VfxError as error:
            yield frame, error


def _movie(
    source: Source, frames: Sequence[int], color: Color, working: str
) -> Iterator[tuple[int, Picture | VfxError | None]]:
    if not frames:
        return
    digest = _movie_hash(source.path, *source.stamp(0))
    left = list(frames)
    problem: VfxError | None = None
    try:
        for frame, codes in read_movie.read_frames(Path(source.path), tuple(frames)):
            left.remove(frame)
            yield frame, _picture(codes, True, Window.of_image(codes), digest, source, color, working)
        if left and source.spec.frames:
            problem = FacesetError(f"{source.name}: ends before frame {left[0]}; correct frames in faceset.toml")
    except FacesetError as error:
        problem = error
    for frame in left:
        yield frame, problem


@lru_cache(maxsize=1)
def _movie_hash(path: str, _size: int, _time: int) -> str:
    return hash_file(Path(path))


def _file(source: Source, frame: int, color: Color, working: str) -> Picture:
    path = source.file(frame)
    picture = read_dpx(path) if path.suffix.lower() == ".dpx" else read_exr(path)
    pixels, window = _upright(path, picture)
    is_codes = picture.formats[:1] not in (("half",), ("float",), ("double",))
    try:
        digest = hash_file(path)
    except OSError as error:
        raise PlateError(f"{path}: can't be read ({error.strerror})") from error
    return _picture(pixels, is_codes, window, digest, source, color, working)


def _upright(path: Path, picture: Frame) -> tuple[np.ndarray, Window]:
    """R, G, B as a camera's orientation tag says it is to be seen; grey pictures have three equal channels."""
    pixels = picture.pixels[..., :3] if picture.pixels.shape[2] >= 3 else np.repeat(picture.pixels[..., :1], 3, axis=2)
    turns, mirrored = UPRIGHT.get(_orientation(path), (0, False))
    if not turns and not mirrored:
        return pixels, picture.data_window
    turned = np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, turns))
    return turned, Window.of_image(turned)


def _orientation(path: Path) -> int:
    image = oiio.ImageInput.open(str(path))
    if image is None:
        return 1
    try:
        return int(image.spec().get_int_attribute("Orientation", 1))
    finally:
        image.close()


def _picture(
    stored: np.ndarray, is_codes: bool, window: Window, digest: str, source: Source, color: Color, working: str
) -> Picture:
    clipped = np.any(np.asarray(stored >= WHITE), axis=2) if is_codes else np.zeros(stored.shape[:2], bool)
    pixels = stored if np.isfinite(stored).all() else without_nan(stored, "neighbours")
    return Picture(color.convert(pixels, source.spec.colorspace, working), clipped, window, digest)
