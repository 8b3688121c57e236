"""OpenTimelineIO timelines, ours or edited elsewhere, back to versions on record.

OpenTimelineIO 0.18 ends the process on some damaged files (very deep nesting; a timeline without tracks that is searched for clips), so the
text is checked before it gets there, and clips are looked for here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import opentimelineio as otio

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.timeline import NAMESPACE
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.store import Store

LARGEST_BYTES = 64 * 2**20  # assumed: a playlist of thousands of clips with notes has a tenth of that
DEEPEST = 200  # nested lists and tables; OpenTimelineIO's own timelines have about 20
_TITLE = re.compile(r"(?P<shot>[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}?)[_ ](?P<version>v\d{3,6})(?![A-Za-z0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What one clip says of itself. where: its place in the file, for messages; record_hash: empty where it is not ours."""

    where: str
    show: str | None
    shot: str
    version: str
    record_hash: str


def read_timeline(file: Path) -> list[ClipFacts]:
    """The versions that a timeline's clips show, in order, each once. Gaps and transitions are no clips.

    Our own metadata says which; without it a name such as ``sh0010_v003`` does, of the clip or of its media.
    Raises: ReviewError for a file that is no timeline, and naming every clip that names no version.
    """
    root = _parsed(file)  # held until the end: what hangs on it goes with it
    facts = [_facts(clip, f"clip {index} ({ascii(clip.name)[:60]})") for index, clip in enumerate(_clips(root), 1)]
    unknown = [where for where, found in facts if found is None]
    if unknown or not facts:
        what = (
            f"{', '.join(unknown[:8])}{' and more' if len(unknown) > 8 else ''} name no version"
            if unknown
            else "holds no clip"
        )
        raise ReviewError(
            f"{file}: {what}; want clips called like sh0010_v003, or exported by 'vfx-deepfake review export'"
        )
    once: dict[tuple[str | None, str, str], ClipFacts] = {}
    for _, found in facts:
        if found:
            once.setdefault((found.show, found.shot, found.version), found)
    return list(once.values())


def registered_versions(store: Store, show: str, clips: Sequence[ClipFacts], where: str) -> list[VersionName]:
    """The versions of ``show`` that the clips mean.

    Raises: ReviewError with a line for each clip that is of another show, not registered, or another version under the same name.
    """
    found, problems = [], []
    for clip in clips:
        name = VersionName(show, clip.shot, clip.version)
        try:
            if clip.show not in (None, show):
                raise ReviewError(
                    f"{name}: is of show {ascii(clip.show)[:80]}, the playlist of {ascii(show)[:80]}; leave it out"
                )
            standing = about(store, name)
            if clip.record_hash not in ("", standing["record_hash"]):
                raise ReviewError(f"{name}: was exported from another version of that name; export the timeline again")
            found.append(name)
        except ReviewError as error:
            problems.append(f"{where}: {clip.where}: {error}")
    if problems:
        raise ReviewError("\n".join(problems))
    return found


def _parsed(file: Path) -> Any:
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise ReviewError(f"{file}: is larger than {LARGEST_BYTES // 2**20} MiB; want a timeline of versions")
        text = file.read_text(encoding="utf-8")
        data = json.loads(text)
        if not isinstance(data, Mapping) or _is_too_deep(data):
            raise ValueError("no object, or nested too deep")
        return otio.adapters.read_from_string(text, "otio_json")
    except OSError as error:
        raise ReviewError(f"{file}: can't be read ({error.strerror}); want an .otio file") from error
    except (
        ValueError,
        LookupError,
        TypeError,
        RuntimeError,
        otio.exceptions.OTIOError,
    ) as error:  # the library raises all of them
        reason = " ".join(str(error).split())[:120]
        raise ReviewError(f"{file}: is no OpenTimelineIO timeline ({reason}); want an .otio file") from error


def _is_too_deep(data: Any) -> bool:
    level, depth = [data], 0
    while level and depth <= DEEPEST:
        inner = [
            each.values() if isinstance(each, Mapping) else each for each in level if isinstance(each, Mapping | list)
        ]
        level, depth = [value for each in inner for value in each], depth + 1
    return depth > DEEPEST


def _clips(item: Any) -> Iterator[Any]:
    """Clips below an object, in order; tracks of sound have no versions."""
    schema = otio.schema
    if isinstance(item, schema.Timeline):
        yield from _clips(item.tracks)
    elif isinstance(item, schema.Clip):
        yield item
    elif isinstance(item, schema.Track) and item.kind == schema.TrackKind.Audio:
        return
    elif isinstance(item, schema.Stack | schema.Track | schema.SerializableCollection):
        for child in item:
            yield from _clips(child)


def _facts(clip: Any, where: str) -> tuple[str, ClipFacts | None]:
    said = clip.metadata.get(NAMESPACE)
    if isinstance(said, Mapping) and all(isinstance(said.get(key), str) for key in ("show", "shot", "version")):
        record_hash = said.get("record_hash")
        return where, ClipFacts(
            where, said["show"], said["shot"], said["version"], record_hash if isinstance(record_hash, str) else ""
        )
    for text in (clip.name, *_media_names(clip)):
        match = _TITLE.match(text)
        if match:
            return where, ClipFacts(where, None, match["shot"], match["version"], "")
    return where, None


def _media_names(clip: Any) -> Iterator[str]:
    for media in clip.media_references().values():
        if isinstance(media, otio.schema.ImageSequenceReference):
            yield unquote(media.name_prefix)
        elif isinstance(media, otio.schema.ExternalReference):
            yield unquote(media.target_url).rpartition("/")[2]
