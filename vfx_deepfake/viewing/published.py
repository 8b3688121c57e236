"""A published version opened for looking: its files, and settings from its record and not from today's shot file.

Every file is held against the hash that the record has of it before it is shown: what is on the screen is what was registered, or a line
that says that it is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from vfx_deepfake.color.ocio import Color
from vfx_deepfake.errors import ConflictError, NotThereError, TrackError, located
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.files import hash_data, read_json
from vfx_deepfake.frames import format_frames, parse_frames
from vfx_deepfake.media.dpx import read_dpx
from vfx_deepfake.media.exr import Frame, read_exr
from vfx_deepfake.media.header import Header, read_header
from vfx_deepfake.media.metadata import frame_rate, timecode
from vfx_deepfake.media.plate import DEFAULT_RATE
from vfx_deepfake.media.sequence import hash_pattern
from vfx_deepfake.media.timecode import exists
from vfx_deepfake.naming import ShotPaths, VersionPaths, frame_path, load_naming, load_rules
from vfx_deepfake.settings import Settings
from vfx_deepfake.shot import SHOT_FILE, Shot
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.tables import build
from vfx_deepfake.viewing.unchanged import require_unchanged

RECORD = "version.json"
VERSION, PLATE = "version", "plate"  # what a picture can be of


@dataclass(frozen=True)
class Published:
    """A published version. ``opened`` has the settings it was made with; nothing of the shot file as it is today."""

    opened: OpenShot
    paths: VersionPaths
    record: Mapping[str, Any]
    record_hash: str
    frames: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.opened.name} {self.paths.folder.name}"

    @property
    def settings(self) -> Settings:
        """The settings it was made with."""
        return self.opened.settings

    @property
    def color(self) -> Color:
        """The show's colour config with the shot as context."""
        return self.opened.color

    @property
    def plate_space(self) -> str:
        """Colour space of the version's ``rgba`` and of its plate."""
        return self.settings.plate.colorspace

    @property
    def working(self) -> str:
        """The scene-linear working space, the element layers' own."""
        return self.settings.color.working

    @cached_property
    def view(self) -> tuple[str, str]:
        """Display and view that the show looks through.

        Raises: ColorError where the config has no such view.
        """
        spec = self.settings.color
        return self.color.require_view(spec.display, spec.view, f"{self}: version.json [color]")

    @cached_property
    def header(self) -> Header:
        """The first frame's header; it carries the plate's metadata.

        Raises: PlateError where it can't be read.
        """
        return read_header(self.exr(self.frames[0]), part="rgba")

    @cached_property
    def conversion(self) -> str:
        """Identifies what brings stored pixels to the working space: equal texts, equal pixels."""
        return self.color.cache_id(self.plate_space, self.working)

    @cached_property
    def rate(self) -> Fraction:
        """Frames per second: what the settings say, else the plate's header, else 24."""
        said = self.settings.plate.frame_rate
        return Fraction(said) if said else frame_rate(self.header.metadata) or DEFAULT_RATE

    @cached_property
    def timecode(self) -> str:
        """Time code of the first frame, empty where the plate has none that its rate knows."""
        found = timecode(self.header.metadata)
        return found if exists(found, self.rate) else ""

    @cached_property
    def track(self) -> FaceTrack | None:
        """The face's track, where the shot's is still the one that this version was made from."""
        digest, file = self.record["inputs"].get("track"), self.opened.shot.paths.track_file
        if not digest or not file.is_file():
            return None
        try:
            require_unchanged(file, str(digest), str(self))
            return FaceTrack.load(file)
        except (ConflictError, TrackError):
            return None

    def exr(self, frame: int) -> Path:
        """The EXR of a frame, as it was registered.

        Raises: NotThereError for a frame that the version does not have, or whose file is gone; ConflictError for a file that is not
        what was registered.
        """
        files = self.record["frames"].get(str(frame))
        if files is None:
            raise NotThereError(f"{self}: has no frame {frame}; it has {format_frames(self.frames)}")
        path = self.paths.exr_frame(frame)
        return self._checked(path, files.get(path.relative_to(self.paths.folder).as_posix(), ""))

    def plate(self, frame: int) -> Path:
        """The plate's file of a frame, as it was when the version was made.

        Raises: NotThereError where this host does not have it; ConflictError where it is another one by now.
        """
        self._require(frame)
        path = frame_path(hash_pattern(self.opened.source_text(self.settings.plate.pattern)), frame)
        return self._checked(path, self.record["inputs"]["plate"].get(path.name, ""))

    def picture(self, frame: int, of: str = VERSION) -> Frame:
        """A frame of the version or of its plate as stored: R, G, B (and A) in ``plate_space``.

        Raises: as :meth:`exr` and :meth:`plate`; PlateError for a damaged file.
        """
        if of == VERSION:
            return read_exr(self.exr(frame), part="rgba")
        if of != PLATE:
            raise NotThereError(f"{self}: 'of' is {ascii(of)[:40]}; want {VERSION} or {PLATE}")
        path = self.plate(frame)
        spec = self.settings.plate
        return read_dpx(path) if path.suffix.lower() == ".dpx" else read_exr(path, spec.part, spec.layer)

    def review_file(self, path: Path) -> Path:
        """Sheet or movie, as it was registered.

        Raises: NotThereError, ConflictError as :meth:`exr`.
        """
        return self._checked(path, self.record.get("review", {}).get(path.name, ""))

    def plate_problem(self) -> str:
        """Why the plate can't be shown on this host; empty where its first and last frame are there."""
        try:
            for frame in dict.fromkeys((self.frames[0], self.frames[-1])):
                self.plate(frame)
        except (NotThereError, ConflictError) as error:
            return str(error)
        return ""

    def _require(self, frame: int) -> None:
        if frame not in self.frames:
            raise NotThereError(f"{self}: has no frame {frame}; it has {format_frames(self.frames)}")

    def _checked(self, path: Path, digest: str) -> Path:
        if not digest:
            raise NotThereError(f"{self}: {path.name} is not on its record; want a file that was registered with it")
        require_unchanged(path, digest, str(self))
        return path


def kept_published(shot_folder: Path, folder: Path, registered: str) -> Published:
    """:func:`open_published`, opened once for as long as the record's file stays as it is.

    Raises: as there.
    """
    try:
        state = (folder / RECORD).stat()
    except OSError as error:
        raise NotThereError(
            f"{folder / RECORD}: can't be read ({error.strerror}); the version's files are gone or not mounted on this host"
        ) from error
    return _kept(shot_folder, folder, registered, (state.st_size, state.st_mtime_ns, state.st_ino))


@lru_cache(maxsize=64)
def _kept(shot_folder: Path, folder: Path, registered: str, _state: tuple[int, int, int]) -> Published:
    return open_published(shot_folder, folder, registered)


def open_published(shot_folder: Path, folder: Path, registered: str = "") -> Published:
    """Open the version in ``folder`` by its own record.

    ``registered``: the record's hash as the database has it; empty does not compare.
    Raises: ConflictError where the record is not the registered one; ArtistError where it can't be read or its settings can't be used.
    """
    record_file = folder / RECORD
    record = read_json(record_file)
    found = hash_data(record)
    if registered and found != registered:
        raise ConflictError(
            f"{record_file}: was changed after it was registered (its hash is {found[:12]}, {registered[:12]} is on record); "
            "nothing of it is shown; restore the version's folder"
        )
    with located(str(record_file)):
        settings = build(Settings, record["settings"], "[settings]")
        frames = parse_frames(record["inputs"]["frames"], "inputs.frames")
    name = settings.shot.name
    shot = Shot(shot_folder / SHOT_FILE, settings, ShotPaths(shot_folder, name, load_naming(shot_folder), load_rules()))
    number = int(str(record["version"]).removeprefix("v"))
    return Published(OpenShot(shot), shot.paths.version(number, folder), record, found, frames)
