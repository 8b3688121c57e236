"""A registered version with what its settings and its files say: what every list, timeline and page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import PlateError
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.media.header import read_header
from vfx_deepfake.media.metadata import frame_rate, timecode
from vfx_deepfake.media.plate import DEFAULT_RATE
from vfx_deepfake.naming import ShotPaths, VersionPaths, load_naming
from vfx_deepfake.review.find import VersionName, whereabouts
from vfx_deepfake.review.lineage import made_from
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.store import Store
from vfx_deepfake.settings.checks import is_rate


@dataclass(frozen=True, slots=True)
class Described:
    """One version.

    standing: what :func:`.listing.about` says; settings: of its shot when it was made, by table; origin: who made it when, and from which
    release; rate: frames a second; timecode: of its first frame, empty for none; size_px: width and height of the display window, 0 where
    the frames are gone.
    """

    name: VersionName
    standing: Mapping[str, Any]
    settings: Mapping[str, Mapping[str, Any]]
    origin: Mapping[str, Any]
    paths: VersionPaths
    frames: tuple[int, ...]
    rate: Fraction
    timecode: str
    size_px: tuple[int, int]

    @property
    def title(self) -> str:
        """``sh0010_v003``: how its files begin."""
        return f"{self.name.shot}_{self.name.version}"

    @property
    def source_id(self) -> str:
        """What finds the version again whatever its files are called elsewhere: ``demo-sh0010_v003``."""
        return "-".join(filter(None, (self.name.show, self.title)))

    def setting(self, table: str, key: str) -> str:
        """A text of the settings; empty where the version knows no such key."""
        value = self.settings.get(table, {}).get(key, "")
        return value if isinstance(value, str) else ""

    @property
    def slate_frames(self) -> int:
        """How many pictures of its movie come before the first frame."""
        return 1 if self.settings.get("review", {}).get("slate", True) else 0

    @property
    def has_dpx(self) -> bool:
        """Whether it was delivered as DPX too."""
        return self.setting("delivery", "profile").startswith("dpx")


def describe(store: Store, name: VersionName) -> Described:
    """Everything about a version; its files may be gone, then what only they say is missing.

    Raises: ReviewError where it is not registered.
    """
    with store.reading() as session:
        place = whereabouts(session, store.place.root, name)
    standing, origin = about(store, name), made_from(store, name)
    settings = origin["made_from"].get("settings", {})
    paths = ShotPaths(place.shot_folder, name.shot, load_naming(place.shot_folder)).version(name.number, place.folder)
    frames = parse_frames(standing["frames"])
    metadata, size_px = _header(paths.exr_frame(frames[0]))
    said = str(settings.get("plate", {}).get("frame_rate", ""))
    rate = Fraction(said) if is_rate(said) else frame_rate(metadata) or DEFAULT_RATE
    return Described(
        name, standing, settings, {key: value for key, value in origin.items() if key != "made_from"}, paths, frames,
        rate, timecode(metadata), size_px,
    )  # fmt: skip


def _header(frame: Path) -> tuple[Mapping[str, Any], tuple[int, int]]:
    try:
        header = read_header(frame)
    except PlateError:  # gone, or on a disk that this host has not: the database knows the rest
        return {}, (0, 0)
    return header.metadata, (header.display_window.width, header.display_window.height)
