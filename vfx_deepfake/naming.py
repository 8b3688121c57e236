"""Where every file of a shot lies: the only place where a path is built.

A studio changes the patterns in one file, ``naming.toml``, found through ``VFX_DEEPFAKE_NAMING``, beside the shot file, or in a folder
above it. Frame patterns use ``#`` for digits; ``{shot}``, ``{version}``, ``{run}`` are filled in.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from vfx_deepfake.errors import ShotError
from vfx_deepfake.tables import build, read_toml

NAMING_FILE = "naming.toml"
NAMING_VARIABLE = "VFX_DEEPFAKE_NAMING"
REVIEW_FILE = "review.toml"
RULES_VARIABLE = "VFX_DEEPFAKE_PATH_MAPPING"


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """Patterns of a shot's files, relative to the shot's folder unless absolute."""

    track: str = "track"
    track_raw: str = "track/detections"
    runs: str = "runs/run_{run:04d}"
    versions: str = "versions/v{version:03d}"
    exr: str = "exr/{shot}_v{version:03d}.####.exr"
    dpx: str = "dpx/{shot}_v{version:03d}.####.dpx"
    review: str = "review/{shot}_v{version:03d}"
    qc: str = "qc"
    coverage: str = "coverage"
    work: str = "work"
    jobs: str = "work/farm/job_{job:04d}"
    deliveries: str = "deliveries"


@dataclass(frozen=True, slots=True)
class VersionPaths:
    """The files of one version, published or still under way."""

    folder: Path
    exr: str  # pattern with #, absolute
    dpx: str
    movie: Path
    sheet: Path
    qc: Path
    record: Path
    number: int

    def exr_frame(self, frame: int) -> Path:
        """The EXR of one frame."""
        return frame_path(self.exr, frame)

    def dpx_frame(self, frame: int) -> Path:
        """The DPX of one frame."""
        return frame_path(self.dpx, frame)

    def movie_as(self, tail: str) -> Path:
        """The movie of another codec: ``tail`` is what its name ends in, e.g. ``_prores4444.mov``."""
        return self.movie.with_name(self.movie.stem + tail)

    def movies(self) -> list[Path]:
        """Every movie of the version that is there, the H.264 one first."""
        others = sorted(self.movie.parent.glob(f"{self.movie.stem}_*.mov"))
        return [*([self.movie] if self.movie.is_file() else []), *others]


@dataclass(frozen=True, slots=True)
class ShotPaths:
    """The folders of one shot."""

    folder: Path
    shot: str
    naming: Naming
    rules: tuple[tuple[str, str], ...] = ()  # of path mapping: folder where the job was made, folder here

    @property
    def track(self) -> Path:
        """Folder of the track and its report."""
        return self.folder / self.naming.track

    @property
    def track_file(self) -> Path:
        """The smoothed track of the whole shot."""
        return self.track / "track.npz"

    @property
    def detections(self) -> Path:
        """Folder of raw detections, one file a frame, so that a killed track goes on."""
        return self.folder / self.naming.track_raw

    @property
    def coverage(self) -> Path:
        """Folder of the report on what the shot's facesets lack."""
        return self.folder / self.naming.coverage

    @property
    def work(self) -> Path:
        """Folder of things that can be made again: hash caches, stage records."""
        return self.folder / self.naming.work

    def mattes(self, identity: str) -> Path:
        """Folder of the mattes learnt from ``identity``; can be made again."""
        return self.work / f"mattes_{identity[:12]}"

    def appearance(self, identity: str) -> Path:
        """How the shot's face usually looks, measured from ``identity``; can be made again."""
        return self.work / f"appearance_{identity[:12]}.npz"

    def colour_match(self, identity: str) -> Path:
        """What the colour match measured for a version made from ``identity``; can be made again."""
        return self.work / f"colour_match_{identity[:12]}.json"

    def drift(self, identity: str) -> Path:
        """How far an identity's performance drifts, measured for what ``identity`` names; can be made again."""
        return self.work / f"drift_{identity[:12]}.json"

    def job(self, number: int) -> Path:
        """Folder of one farm submission: the job's description, scripts and logs."""
        return self.folder / self.naming.jobs.format(job=number, shot=self.shot)

    @property
    def deliveries(self) -> Path:
        """Folder of the deliveries, and of the list of them."""
        return self.folder / self.naming.deliveries

    @property
    def tasks(self) -> Path:
        """Folder of what farm tasks say of themselves, one file a task."""
        return self.work / "tasks"

    def run(self, number: int) -> Path:
        """Folder of one training run."""
        return self.folder / self.naming.runs.format(run=number, shot=self.shot)

    def version(self, number: int, folder: Path | None = None) -> VersionPaths:
        """The files of version ``number``; ``folder`` when it is still being made somewhere else."""
        base = folder or self.folder / self.naming.versions.format(version=number, shot=self.shot)
        fill = {"shot": self.shot, "version": number}
        review = base / self.naming.review.format(**fill)
        return VersionPaths(
            folder=base,
            exr=str(base / self.naming.exr.format(**fill)),
            dpx=str(base / self.naming.dpx.format(**fill)),
            movie=review.with_name(review.name + ".mp4"),
            sheet=review.with_name(review.name + "_sheet.png"),
            qc=base / self.naming.qc.format(**fill),
            record=base / "version.json",
            number=number,
        )

    def making(self, number: int, identity: str) -> VersionPaths:
        """Version ``number`` while it is being made: a hidden folder beside its place, so that the rename is whole.

        ``identity`` is the hash of what it is made from: hosts that make the same version meet there, others do not.
        """
        place = self.version(number).folder
        return self.version(number, place.with_name(f".{place.name}.{identity[:12]}.making"))

    def published_qc(self, number: int) -> Path:
        """Where the figures of a published version go, because its own folder never changes."""
        return self.work / "qc" / f"v{number:03d}"

    def unfinished(self) -> list[Path]:
        """Hidden folders of versions under way or given up."""
        return sorted((self.folder / self.naming.versions).parent.glob(".*.making"))

    def version_numbers(self) -> list[int]:
        """Numbers of the published versions, rising."""
        return _numbers(self.folder / self.naming.versions, "version")

    def run_numbers(self) -> list[int]:
        """Numbers of the training runs, rising."""
        return _numbers(self.folder / self.naming.runs, "run")

    def job_numbers(self) -> list[int]:
        """Numbers of the farm submissions, rising."""
        return _numbers(self.folder / self.naming.jobs, "job")

    def source(self, text: str) -> str:
        """A path or pattern as written in the shot file: ``{shot}`` filled in, mapped to this host, relative to the shot's folder."""
        return str(self.folder / mapped(text.replace("{shot}", self.shot), dict(self.rules)))


def _numbers(pattern: Path, word: str) -> list[int]:
    """Numbers of the folders that match a pattern such as ``v{version:03d}``."""
    name = re.sub(r"\\\{" + word + r":0(\d)d\\\}", r"(\\d{\1,})", re.escape(pattern.name))
    matcher = re.compile(name)
    if not pattern.parent.is_dir():
        return []
    found = (matcher.fullmatch(entry.name) for entry in pattern.parent.iterdir() if entry.is_dir())
    return sorted(int(match.group(1)) for match in found if match)


def frame_path(pattern: str, frame: int) -> Path:
    """Fill the run of ``#`` in a pattern with a frame number, padded to its length; a minus sign comes before the digits."""
    match = re.search("#+", pattern)
    if not match:
        raise ShotError(f"{pattern}: has no frame number; put #### where it belongs")
    digits = f"{'-' if frame < 0 else ''}{abs(frame):0{len(match.group())}d}"
    return Path(pattern[: match.start()] + digits + pattern[match.end() :])


def load_naming(folder: Path) -> Naming:
    """The studio's patterns for shots in ``folder``, or the default ones.

    Raises: ShotError when the file is damaged or a pattern lacks what makes its files distinct.
    """
    named = os.environ.get(NAMING_VARIABLE)
    places = [Path(named)] if named else [parent / NAMING_FILE for parent in (folder, *folder.parents)]
    for path in places:
        if named or path.is_file():
            naming = build(Naming, read_toml(path), str(path))
            _check(naming, path)
            return naming
    return Naming()


def review_file(folder: Path) -> Path | None:
    """The ``review.toml`` that holds for what lies in ``folder``: there or in the nearest folder above; None without one."""
    return next((file for parent in (folder, *folder.parents) if (file := parent / REVIEW_FILE).is_file()), None)


def _check(naming: Naming, path: Path) -> None:
    needs = {"runs": ("{run:0",), "jobs": ("{job:0",), "versions": ("{version:0",), "exr": ("#",), "dpx": ("#",)}
    problems = [
        f"{path}.{key}: '{getattr(naming, key)}' lacks '{mark}'; without it files would overwrite each other"
        for key, marks in needs.items()
        for mark in marks
        if mark not in getattr(naming, key)
    ]
    for key in Naming.__dataclass_fields__:
        try:
            getattr(naming, key).format(shot="s", run=1, version=1, job=1)
        except (KeyError, ValueError, IndexError):
            problems.append(
                f"{path}.{key}: '{getattr(naming, key)}' uses an unknown field; known: {{shot}}, {{run:04d}}, {{version:03d}}, {{job:04d}}"
            )
    if problems:
        raise ShotError("\n".join(problems))


def load_rules() -> tuple[tuple[str, str], ...]:
    """The path-mapping rules of a farm task, longest folder first: ``VFX_DEEPFAKE_PATH_MAPPING`` names their file.

    Raises: ShotError when the file can't be read.
    Source: Open Job Description, How Jobs Are Run, "Path Mapping".
    """
    file = os.environ.get(RULES_VARIABLE)
    if not file:
        return ()
    try:
        listed = json.loads(Path(file).read_text(encoding="utf-8")).get("path_mapping_rules", [])
        rules = [(str(rule["source_path"]), str(rule["destination_path"])) for rule in listed]
    except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise ShotError(f"{file}: can't be read as path-mapping rules ({error}); submit the job again") from error
    return tuple(sorted(rules, key=lambda rule: -len(rule[0])))


def mapped(text: str, rules: Mapping[str, str]) -> str:
    """A path by the first rule whose folder holds it, or as it is. ``rules``: folder where the job was made -> folder here.

    A folder matches whole: /plates does not match /plates2. Folders of Windows match by either slash and in any case.
    """
    for source, destination in rules.items():
        windows = "\\" in source or source[1:2] == ":"
        kind = PureWindowsPath if windows else PurePosixPath
        if kind(text).is_relative_to(kind(source)):
            return str(PurePosixPath(destination, *kind(text).relative_to(kind(source)).parts))
    return text


def data_folder(name: str) -> Path:
    """Folder of files that ship with the package, ``ocio_configs`` or ``shot_templates``.

    An installed package (wheel, rez) holds it inside, a checkout beside the package.
    """
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parents[1] / name
