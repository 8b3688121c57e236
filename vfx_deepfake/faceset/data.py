"""A faceset on disk: its record, its crops, its points.

``faceset.json`` lists every crop that was cut, culled ones too; ``points.npz`` has a row for each of them in the same
order; ``crops/000001.exr`` is a square RGBA picture whose R, G, B are the model encoding of the scene-linear working
space and whose A is 1 where the source picture reached.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from vfx_deepfake.errors import ArtistError, FacesetError, PlateError
from vfx_deepfake.files import hash_data, read_json, write_json, written_aside
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, read_exr, write_exr

SCHEMA = 1
RECORD_FILE = "faceset.json"
POINTS_FILE = "points.npz"
CROPS_FOLDER = "crops"
KEEP_MIB = 128  # of crops that were read, kept by each faceset
NUM_POINTS = 478
_CROP_NAME = re.compile(rf"{CROPS_FOLDER}/\d+\.exr")
_REMAKE = "build it again with 'vfx-deepfake faceset build'"


class CropView(NamedTuple):
    """The fields of a view of a face: image_log (S, S, 3), points (478, 2) crop px, pose (3,) degrees, valid (S, S)."""

    image_log: np.ndarray
    points: np.ndarray
    pose: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True, kw_only=True)
class CropRecord:
    """One crop: where it comes from, how it was cut, what was measured, and why it is not used, if so."""

    file: str  # crops/000001.exr
    source: str  # as faceset.toml names it
    frame: int  # of the source; 0 for a still
    face: int = 0  # which face of the frame, from the largest
    source_sha256: str  # of the file that holds the frame
    sha256: str  # of the crop's own file
    matrix: tuple[tuple[float, ...], ...]  # (2, 3) source px to crop px, pixel centres at .5
    face_px: float  # longer side of the face's box in the source
    score: float = 1.0  # 0..1, how well several views agreed on the points
    measures: Mapping[str, float] = field(default_factory=dict)
    culled: str = ""  # the reason; empty where the crop is used
    by_hand: bool = False  # kept or dropped by a person: culling leaves it alone
    group: int = -1  # of crops that look like one person, 0 the largest; -1 not known
    age: float | None = None
    label: str = ""

    @property
    def number(self) -> int:
        """The crop's number, as its file and the contact sheets have it."""
        return int(Path(self.file).stem)


@dataclass(frozen=True, eq=False)
class Faceset:
    """Crops of one identity, those in use only unless it was loaded otherwise; safe to read from several threads.

    points (N, 478, 2) float32 crop px; pose (N, 3) float32 yaw, pitch, roll in degrees, of the crop.
    """

    folder: Path
    name: str
    identity: str
    release: str
    age: float | None
    size: int
    working: str
    crops: tuple[CropRecord, ...]
    points: np.ndarray
    pose: np.ndarray
    record: Mapping[str, Any] = field(repr=False, default_factory=dict)
    _kept: OrderedDict[int, np.ndarray] = field(repr=False, default_factory=OrderedDict)
    _lock: Any = field(repr=False, default_factory=Lock)

    def __len__(self) -> int:
        return len(self.crops)

    @property
    def hash(self) -> str:
        """SHA-256 over the crops in use and their points, for lineage: equal hashes, equal training material."""
        rows = [[crop.sha256, crop.age, hash_data(self.points[i].tolist())] for i, crop in enumerate(self.crops)]
        return hash_data([self.identity, self.size, self.working, rows])

    def image_log(self, index: int) -> np.ndarray:
        """(size, size, 3) float32, model encoding; read-only, because it is kept.

        Raises: FacesetError when the crop's file is missing, damaged or of another size.
        """
        return self._rgba(index)[..., :3]

    def valid(self, index: int) -> np.ndarray:
        """(size, size) float32, 1 where the source picture reached."""
        return self._rgba(index)[..., 3]

    def view(self, index: int) -> CropView:
        """One crop as a view: picture, points, pose and where it is valid."""
        return CropView(self.image_log(index), self.points[index], self.pose[index], self.valid(index))

    def _rgba(self, index: int) -> np.ndarray:
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        pixels = read_crop(self.folder / self.crops[index].file, self.size)
        with self._lock:
            self._kept[index] = pixels
            while len(self._kept) * pixels.nbytes > KEEP_MIB << 20:
                self._kept.popitem(last=False)
        return pixels


def load_faceset(folder: Path | str, *, culled: bool = False) -> Faceset:
    """Open a faceset; crops are read when they are asked for. ``culled`` takes those too that are not used.

    Raises: FacesetError where there is none, where it is damaged, or where no crop is in use.
    """
    folder = Path(folder)
    record = read_record(folder)
    crops = records_of(record, folder)
    points, pose = read_points(folder, len(crops))
    chosen = [i for i, crop in enumerate(crops) if culled or not crop.culled]
    if not chosen:
        why = (
            f"all {len(crops)} crops are culled; look at its sheets and keep some"
            if crops
            else f"holds no crop; {_REMAKE}"
        )
        raise FacesetError(f"{folder}: {why}")
    return Faceset(
        folder=folder, name=folder.absolute().name, identity=record["identity"], release=record["release"], age=record["age"],
        size=record["size_px"], working=record["working"], crops=tuple(crops[i] for i in chosen), points=points[chosen],
        pose=pose[chosen], record=record,
    )  # fmt: skip


def read_record(folder: Path) -> dict[str, Any]:
    """``faceset.json``, its own fields checked.

    Raises: FacesetError.
    """
    path = folder / RECORD_FILE
    if not path.is_file():
        found = (
            "it has a faceset.toml that was not built yet" if (folder / "faceset.toml").is_file() else "no such faceset"
        )
        raise FacesetError(f"{folder}: {found}; build it with 'vfx-deepfake faceset build', or correct the path")
    try:
        record = read_json(path)
    except ArtistError as error:
        raise FacesetError(str(error)) from error
    if record.get("schema") != SCHEMA:
        raise FacesetError(f"{path}: schema is {record.get('schema')!r}; this release reads {SCHEMA}; {_REMAKE}")
    wanted = {
        "identity": str,
        "release": str,
        "age": (float, int, type(None)),
        "size_px": int,
        "working": str,
        "crops": list,
    }
    wrong = [name for name, kind in wanted.items() if not isinstance(record.get(name, ...), kind)]  # type: ignore[arg-type]
    if wrong:
        raise FacesetError(f"{path}: {', '.join(wrong)} can't be used; {_REMAKE}")
    return record


def records_of(record: Mapping[str, Any], folder: Path) -> list[CropRecord]:
    """Every crop of a record.

    Raises: FacesetError for an entry that is not understood.
    """
    made = []
    for number, entry in enumerate(record["crops"], 1):
        try:
            crop = CropRecord(**{**entry, "matrix": tuple(map(tuple, entry["matrix"]))})
        except (TypeError, KeyError) as error:
            raise FacesetError(
                f"{folder / RECORD_FILE}: crop {number} is not understood ({error}); {_REMAKE}"
            ) from error
        if not (isinstance(crop.file, str) and _CROP_NAME.fullmatch(crop.file)):
            raise FacesetError(f"{folder / RECORD_FILE}: crop {number} has the file {crop.file!r}; {_REMAKE}")
        made.append(crop)
    return made


def read_points(folder: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 478, 2) and poses (N, 3) of all crops.

    Raises: FacesetError when the file is missing, damaged, or has not ``count`` rows.
    """
    path = folder / POINTS_FILE
    try:
        with np.load(path, allow_pickle=False) as arrays:
            points, pose = (np.asarray(arrays[name], np.float32) for name in ("points", "pose"))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise FacesetError(f"{path}: can't be read ({error}); {_REMAKE}") from error
    if points.shape != (count, NUM_POINTS, 2) or pose.shape != (count, 3):
        raise FacesetError(f"{path}: has points {points.shape} and poses {pose.shape} for {count} crops; {_REMAKE}")
    return points, pose


def write_points(folder: Path, points: np.ndarray, pose: np.ndarray) -> None:
    """Write ``points.npz``, whole or not at all. Write it before the record: that never names points that are not there."""
    with written_aside(folder / POINTS_FILE) as part, part.open("wb") as handle:
        np.savez(handle, points=points.astype(np.float32), pose=pose.astype(np.float32))


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write ``faceset.json``, whole or not at all."""
    write_json(folder / RECORD_FILE, record)


def read_crop(path: Path, size: int) -> np.ndarray:
    """(size, size, 4) float32: log R, G, B and where the picture reached; read-only.

    Raises: FacesetError for a file that is missing, damaged or of another size.
    """
    try:
        frame = read_exr(path)
    except PlateError as error:
        raise FacesetError(f"{error}; or {_REMAKE}") from error
    if frame.pixels.shape[:2] != (size, size) or frame.channels[:3] != ("R", "G", "B"):
        found = f"{frame.pixels.shape[1]} x {frame.pixels.shape[0]}, channels {', '.join(frame.channels)}"
        raise FacesetError(f"{path}: is {found}; {size} x {size} with R, G, B was expected; {_REMAKE}")
    pixels = frame.pixels
    if pixels.shape[2] == 3:
        pixels = np.concatenate([pixels, np.ones((size, size, 1), np.float32)], axis=2)
    pixels.setflags(write=False)
    return pixels


def write_crop(path: Path, image_log: np.ndarray, valid: np.ndarray) -> None:
    """Write a crop, whole or not at all. Half: in the log encoding its steps lie 77 dB below a value of 1.

    Shapes: image_log (S, S, 3) float32, valid (S, S) 0..1.
    """
    pixels = np.concatenate([image_log, valid[..., None]], axis=2).astype(np.float32)
    window = Window.of_image(pixels)
    write_exr(path, [Part("", pixels, ("R", "G", "B", "A"), window)], window, {"vfx_deepfake:encoding": "model log"})
