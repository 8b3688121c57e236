"""The review mark: into the frames of a review movie, and out of any copy of one (docs/forensics.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vfx_deepfake.errors import ArtistError, PlateError, ShotError
from vfx_deepfake.faceset import read_movie
from vfx_deepfake.files import read_json
from vfx_deepfake.frames import parse_frames
from vfx_deepfake.image.mark import Marker, read_mark
from vfx_deepfake.image.mark_code import version_id
from vfx_deepfake.media.sequence import scan
from vfx_deepfake.naming import VersionPaths, frame_path
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.mark_key import open_mark_key
from vfx_deepfake.steps.info import shots_below
from vfx_deepfake.steps.opened import OpenShot, open_shot

WHITE = {"uint8": 255.0, "uint16": 65535.0}
MOST_FRAMES = 240  # read of a movie unless asked for others, evenly spread: ten seconds say as much as an hour


def mark_name(show: str, shot: str, version: int) -> str:
    """What a version's mark stands for."""
    return f"{show}/{shot}/v{version:03d}"


def marked(opened: OpenShot, version: int, pictures: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    """The pictures with the version's mark where ``[review].mark`` asks for it, otherwise as they are.

    Raises: ArtistError when the key is not named or can't be used.
    """
    if not opened.settings.review.mark:
        return pictures
    key = open_mark_key()
    marker = Marker(version_id(mark_name(opened.settings.shot.show, opened.name, version), key), key)
    return map(marker.mark, pictures)


def is_marked(paths: VersionPaths) -> bool:
    """True when the version's record says that its review movie is marked. Raises: ArtistError for a record that can't be read."""
    return bool(read_json(paths.record)["settings"].get("review", {}).get("mark", False))


def detect_mark(
    source: str, progress: Progress, *, key_file: str = "", frames: str = "", among: Sequence[str] = ()
) -> dict[str, Any]:
    """Whose review movie is this a copy of? ``source``: a movie, a picture, or pictures with #### for the number.

    ``among``: folders of shots or shows; the mark is a keyed hash, so a version is named only when it is one of theirs.
    Raises: ArtistError for a key, pictures or folders that can't be read.
    """
    key = open_mark_key(key_file)
    wanted = parse_frames(frames, "--frames") if frames else ()
    try:
        count, pictures = _pictures(source, wanted)
        found = read_mark(_counted(pictures, count, progress), key)
    except ValueError as error:
        raise ShotError(f"{source}: {error}") from error
    progress.finish()
    seen = {"frames": found.frames, "peak": round(found.peak, 1), "picture_share": round(1 / (3 * found.tile), 3)}
    if found.identity is None:
        said = "no mark of this key was found, which does not mean that there was none"
        return {"mark": "", "version": "", "confidence": 0.0, **seen, "lines": [said]}
    name = _names(among, key).get(found.identity, "")
    said = "" if name else "of no version that was searched; name the show's folder with --among"
    return {"mark": found.identity.hex(), "version": name, "confidence": round(found.confidence, 3), **seen,
            "lines": [said] if said else []}  # fmt: skip


def _counted(pictures: Iterable[np.ndarray], count: int, progress: Progress) -> Iterator[np.ndarray]:
    progress.start("detect-mark", count, "frames")
    for done, picture in enumerate(pictures, 1):
        yield picture
        progress.advance(done)


def _pictures(source: str, wanted: tuple[int, ...]) -> tuple[int, Iterator[np.ndarray]]:
    """How many, and the display-encoded pictures (H, W, 3) 0..1 of a movie, a still or a sequence."""
    if source.lower().endswith(read_movie.SUFFIXES):
        movie = Path(source)
        count = read_movie.count_frames(movie)
        chosen = wanted or tuple(range(1, count + 1, -(-count // MOST_FRAMES)))
        return len(chosen), (picture for _, picture in read_movie.read_frames(movie, chosen))
    if Path(source).is_file():
        files = [Path(source)]
    else:
        sequence = scan(source)
        files = [frame_path(sequence.pattern, frame) for frame in wanted or sequence.frames]
    return len(files), (_still(file) for file in files)


def _still(path: Path) -> np.ndarray:
    codes = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if codes is None or codes.dtype.name not in WHITE:
        raise PlateError(f"{path}: can't be read as a display picture; give PNG, JPEG or TIFF of 8 or 16 bits")
    return np.asarray(codes[..., ::-1] / WHITE[codes.dtype.name], np.float32)


def _names(among: Sequence[str], key: bytes) -> dict[bytes, str]:
    """Names of all versions of the shots in these folders, published or under way, by what their marks say."""
    names = {}
    for path in among:
        for file in shots_below(path):
            try:
                opened = open_shot(file)
            except ArtistError:  # a shot that can't be opened has no say in whose copy this is
                continue
            last = max(opened.shot.paths.version_numbers(), default=0) + 1
            for number in range(1, last + 1):
                name = mark_name(opened.settings.shot.show, opened.name, number)
                names[version_id(name, key)] = name
    return names
