"""``faceset.toml``: what a faceset is made from, and what makes a crop unfit."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import tomlkit

from vfx_deepfake.errors import FacesetError, ShotError
from vfx_deepfake.files import write_text
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.tables import build, read_toml

SPEC_FILE = "faceset.toml"
SPEC_SCHEMA = 1
DEFAULT_CONFIG = "ocio://studio-config-v2.1.0_aces-v1.3_ocio-v2.3"  # as of shots
SIZE_MULTIPLE = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSpec:
    """[[source]]: stills (a file, a folder, ``*`` and ``?``), a movie, or a sequence with #### for the frame number."""

    path: str  # relative to faceset.toml, or absolute
    colorspace: str  # OCIO name of its encoding: nothing is guessed
    frames: str = ""  # of a movie (the first is 1) or a sequence; empty takes all
    every: int = 1  # takes one frame of so many of a movie or a sequence
    label: str = ""  # any text, kept with each crop
    age: float = 0.0  # years; 0 is the faceset's

    def __post_init__(self) -> None:
        if not self.path.strip() or not self.colorspace.strip():
            raise ValueError("path and colorspace must be said")
        if self.every < 1:
            raise ValueError(f"every is {self.every}; 1 takes each frame, 5 one of five")
        if self.age < 0:
            raise ValueError(f"age is {self.age}; give years, or leave it out")
        if self.frames:
            try:
                parse_frames(self.frames, "frames")
            except ShotError as error:
                raise ValueError(str(error)) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class CullSpec:
    """[cull]: what makes a crop unfit. 0 (or 1 for ``clipped``) switches a test off."""

    sharpness_px: float = 0.0  # least sharpness, see docs/facesets.md; 0 takes a share of the faceset's own
    sharpness_share: float = 0.45  # of the faceset's 90th percentile
    smeared: float = 0.65  # least detail in the weakest direction, as a share of the faceset's 90th percentile
    face_px: float = 0.0  # least width of the head in the source
    valid_share: float = 0.75  # of the face's oval that the source picture reached
    darkest_stops: float = -5.5  # skin against 18 % grey
    brightest_stops: float = 4.0
    clipped: float = 0.06  # share of the skin that lies at the source's white
    yaw_degrees: float = 0.0  # most turn to either side
    pitch_degrees: float = 0.0
    score: float = 0.25  # least agreement of the landmarks
    duplicates: float = 1.0  # distance below which two crops are one, in units of docs/facesets.md
    wrong_person: bool = True
    person_distance: float = 1.0  # distance above which two groups are two persons, 1 as measured
    embedder: str = ""  # module:function of another measure of likeness, see docs/facesets.md

    def __post_init__(self) -> None:
        wrong = [f.name for f in fields(self) if f.name not in ("darkest_stops", "brightest_stops", "wrong_person", "embedder")
                 and getattr(self, f.name) < 0]  # fmt: skip
        if wrong:
            raise ValueError(f"{', '.join(wrong)} can't be negative")
        if self.embedder and self.embedder.count(":") != 1:
            raise ValueError(f"embedder is '{self.embedder}'; write module:function, e.g. studio.faces:embed")


@dataclass(frozen=True, kw_only=True, slots=True)
class FacesetSpec:
    """The whole file."""

    schema: int = SPEC_SCHEMA
    identity: str  # whose face, as releases name it
    release: str = ""  # id of the release; empty takes any that covers the identity
    releases: str = "releases"  # their folder, relative to faceset.toml
    show: str = ""  # production the release must cover; empty leaves that to the shots
    age: float = 0.0  # years, for age sliders; 0 is not said
    size_px: int = 256  # side of the crops
    config: str = DEFAULT_CONFIG  # OCIO
    working: str = "ACEScg"  # scene-linear space, as the shot's
    least_face_px: float = 40.0  # smaller faces are not cut
    cull: CullSpec = field(default_factory=CullSpec)

    def __post_init__(self) -> None:
        if self.schema != SPEC_SCHEMA:
            raise ValueError(f"schema is {self.schema}; this software knows {SPEC_SCHEMA}; install a newer one")
        if not self.identity.strip():
            raise ValueError("identity is empty; say whose face it is, as a release names it")
        if self.size_px < SIZE_MULTIPLE or self.size_px % SIZE_MULTIPLE or self.size_px > 2048:
            raise ValueError(f"size_px is {self.size_px}; want a multiple of {SIZE_MULTIPLE} up to 2048")
        if self.age < 0 or self.least_face_px < 0:
            raise ValueError("age and least_face_px can't be negative")


def load_spec(folder: Path | str) -> tuple[FacesetSpec, tuple[SourceSpec, ...]]:
    """Read a faceset's ``faceset.toml``.

    Raises: FacesetError with one line a problem.
    """
    path = Path(folder) / SPEC_FILE
    if not path.is_file():
        raise FacesetError(f"{path}: no such file; make one with 'vfx-deepfake faceset new'")
    problems: list[str] = []
    try:
        table = read_toml(path)
    except ShotError as error:
        raise FacesetError(str(error)) from error
    entries = table.pop("source", [])
    if not isinstance(entries, list) or not entries or not all(isinstance(each, Mapping) for each in entries):
        problems.append(f"{path}: has no [[source]]; name at least one with path and colorspace")
        entries = []
    spec: FacesetSpec | None = None
    sources: list[SourceSpec] = []
    try:
        spec = build(FacesetSpec, table, SPEC_FILE)
    except ShotError as error:
        problems.append(str(error))
    for number, entry in enumerate(entries, 1):
        try:
            sources.append(build(SourceSpec, entry, f"{SPEC_FILE} [[source]] {number}"))
        except ShotError as error:
            problems.append(str(error))
    if problems or spec is None:
        raise FacesetError("\n".join(problems))
    return spec, tuple(sources)


def from_folder(folder: Path, path: str) -> str:
    """A path as it is typed, as ``faceset.toml`` of a folder has it: absolute ones stay, others are relative to the file."""
    if os.path.isabs(path):
        return path
    return Path(os.path.relpath(os.path.abspath(path), os.path.abspath(folder))).as_posix()


def write_spec(folder: Path, spec: FacesetSpec, sources: Sequence[SourceSpec]) -> Path:
    """Write ``faceset.toml`` with every value that is not a default.

    Raises: FacesetError where there is one already.
    """
    path = folder / SPEC_FILE
    if path.exists():
        raise FacesetError(f"{path}: exists already; change it there, or choose another folder")
    document = tomlkit.document()
    document.update(_said(spec))
    listed = tomlkit.aot()
    for source in sources:
        listed.append(tomlkit.item(_said(source)))
    document["source"] = listed
    write_text(path, tomlkit.dumps(document))
    return path


def _said(spec: Any) -> dict[str, Any]:
    values = asdict(spec)
    defaults = {f.name: f.default for f in fields(spec) if f.default is not MISSING}
    return {
        name: value
        for name, value in values.items()
        if name == "schema" or (name != "cull" and value != defaults.get(name, ...))
    }
