"""A shot with its colour config and plate opened: what every stage starts from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from vfx_deepfake import __version__
from vfx_deepfake.color.ocio import BUILTIN, Color
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.media.plate import Plate
from vfx_deepfake.media.sequence import discover, hash_pattern, scan
from vfx_deepfake.naming import frame_path
from vfx_deepfake.settings import Settings
from vfx_deepfake.shot import Shot, load_shot
from vfx_deepfake.steps.hashes import ContentHashes


@contextmanager
def unlocked() -> Iterator[None]:
    """In place of a lock that the caller holds already."""
    yield


@dataclass(frozen=True)
class OpenShot:
    """A shot, its colour and its plate; parts open when first used."""

    shot: Shot

    @property
    def name(self) -> str:
        """The shot's name."""
        return self.shot.name

    @property
    def settings(self) -> Settings:
        """The shot's settings."""
        return self.shot.settings

    @cached_property
    def color(self) -> Color:
        """The show's colour config with the shot as context."""
        config = self.settings.color.config
        return Color(config if config.startswith(BUILTIN) else self.shot.paths.source(config), {"SHOT": self.name})

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """The frames to deliver."""
        spec = self.settings.plate
        if spec.frames:
            return parse_frames(spec.frames, f"{self.shot.file.name} [plate].frames")
        return tuple(scan(self.source_text(spec.pattern)).frames)

    @cached_property
    def plate(self) -> Plate:
        """The plate over the frames to deliver."""
        spec = self.settings.plate
        return Plate(self.source_text(spec.pattern), self.color, spec.colorspace, working=self.settings.color.working, frames=self.frames,
                     part=spec.part, layer=spec.layer, nan_policy=spec.nan_policy)  # fmt: skip

    @cached_property
    def hashes(self) -> ContentHashes:
        """Content hashes, remembered in the shot's work folder."""
        return ContentHashes(self.shot.paths.work / "hashes.json")

    @property
    def hashes_known(self) -> bool:
        """False for a shot whose files were never hashed; asking what is up to date would read the whole plate."""
        return self.hashes.file.is_file()

    def source_text(self, text: str) -> str:
        """A pattern of the shot file as an absolute one."""
        return self.shot.paths.source(text)

    def source(self, text: str) -> Path:
        """A path of the shot file as an absolute one."""
        return Path(self.shot.paths.source(text))

    def plate_files(self) -> list[Path]:
        """One file a frame."""
        return [self.plate.path(frame) for frame in self.frames]

    def plate_hash(self) -> str:
        """One hash over all plate frames."""
        return self.hashes.together(self.plate_files())

    def plate_reading(self) -> dict[str, Any]:
        """All that decides how plate files become working pixels."""
        spec = self.settings.plate
        return {
            "code": __version__,
            "part": spec.part,
            "layer": spec.layer,
            "nan_policy": spec.nan_policy,
            "conversion": self.color.cache_id(spec.colorspace, self.settings.color.working),
        }

    def keyframe_files(self) -> dict[int, Path]:
        """The painted frames on disk, by frame number; none where the method uses none."""
        if not self.settings.model.paints:
            return {}
        pattern = hash_pattern(self.source_text(self.settings.keyframes.pattern))
        folder = Path(pattern).parent
        found = [each for each in discover(folder) if each.pattern == pattern] if folder.is_dir() else []
        return {frame: each.path(frame) for each in found for frame in each.frames}

    def roto_files(self, pattern: str) -> dict[int, Path]:
        """The artist's roto of a pattern of the shot file, by frame, for the frames that have one; none for no pattern."""
        files = {frame: self.roto_file(pattern, frame) for frame in self.frames} if pattern else {}
        return {frame: path for frame, path in files.items() if path.is_file()}

    def roto_file(self, pattern: str, frame: int) -> Path:
        """Where the roto of one frame lies, if it has one."""
        return frame_path(hash_pattern(self.source_text(pattern)), frame)


def shot_rate(opened: OpenShot) -> Fraction:
    """Frames per second: the shot file's, else the plate header's, else 24."""
    text = opened.settings.plate.frame_rate
    return Fraction(text) if text else opened.plate.rate()


def open_shot(file: str | Path, overrides: Iterable[str] = ()) -> OpenShot:
    """Read a shot file; nothing else is touched yet.

    Raises: ShotError with every problem of the file.
    """
    return OpenShot(load_shot(file, overrides))
