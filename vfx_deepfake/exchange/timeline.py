"""Versions as an OpenTimelineIO timeline: one clip each, with its frames, its movie, and a marker for every note.

Time within a clip is its frame number: frame 1012 is ``RationalTime(1012, rate)`` in the frames, in the movie (whose slate is the frame
before the first) and in the markers. What OpenTimelineIO has no field for stands under ``metadata["vfx_deepfake"]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import opentimelineio as otio

from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.threads import Thread, threads_of
from vfx_deepfake.exchange.versions import Described
from vfx_deepfake.settings.outside import TimelineSpec

NAMESPACE = "vfx_deepfake"
FRAMES, CODES, MOVIE = otio.schema.Clip.DEFAULT_MEDIA_KEY, "dpx", "movie"
LONGEST_NAME = 80  # characters of a marker's name, which players show on one line


def make_timeline(title: str, versions: Sequence[Described], spec: TimelineSpec) -> otio.schema.Timeline:
    """A timeline of one track: the versions as clips, one after the other.

    Raises: ReviewError for a version that is shorter than its handles.
    """
    timeline = otio.schema.Timeline(name=title, metadata={NAMESPACE: {"schema": 1, "title": title}})
    track = otio.schema.Track(name="versions", kind=otio.schema.TrackKind.Video)
    for version in versions:
        track.append(_clip(version, spec.handle_frames))
    timeline.tracks.append(track)
    return timeline


def timeline_text(timeline: otio.schema.Timeline) -> str:
    """A timeline as the text of an ``.otio`` file."""
    return str(otio.adapters.write_to_string(timeline, "otio_json"))


def _clip(version: Described, handle_frames: int) -> otio.schema.Clip:
    first, last = version.frames[0] + handle_frames, version.frames[-1] - handle_frames
    if last < first:
        raise ReviewError(
            f"{version.name}: has frames {version.standing['frames']}, and [timeline].handle_frames takes {handle_frames} off each end; "
            "set it lower in review.toml"
        )
    clip = otio.schema.Clip(
        name=version.title, source_range=_span(version, first, last), metadata={NAMESPACE: about_clip(version)}
    )
    clip.set_media_references(_media(version), FRAMES)
    clip.markers.extend(_marker(version, thread) for thread in threads_of(version.standing["notes"]))
    return clip


def _span(version: Described, first: int, last: int) -> otio.opentime.TimeRange:
    """A range of frames, both ends in it."""
    rate = float(version.rate)
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(last - first + 1, rate)
    )


def _media(version: Described) -> dict[str, otio.core.MediaReference]:
    found = {FRAMES: _sequence(version, version.paths.exr, version.setting("plate", "colorspace"))}
    if version.has_dpx:
        found[CODES] = _sequence(version, version.paths.dpx, version.setting("delivery", "colorspace"))
    if version.paths.movie.is_file():
        shown = ", ".join(filter(None, (version.setting("color", "display"), version.setting("color", "view"))))
        slate = version.slate_frames
        found[MOVIE] = otio.schema.ExternalReference(
            target_url=version.paths.movie.as_uri(),
            available_range=_span(version, version.frames[0] - slate, version.frames[-1]),
            metadata={NAMESPACE: {"colorspace": shown or "default view", "slate_frames": slate}},
        )
    return found


def _sequence(version: Described, pattern: str, colourspace: str) -> otio.schema.ImageSequenceReference:
    path = Path(pattern)
    prefix, _, suffix = path.name.partition("#")
    rest = suffix.lstrip("#")
    return otio.schema.ImageSequenceReference(
        target_url_base=path.parent.as_uri() + "/", name_prefix=quote(prefix), name_suffix=quote(rest),
        start_frame=version.frames[0], frame_step=1, rate=float(version.rate), frame_zero_padding=1 + len(suffix) - len(rest),
        missing_frame_policy=otio.schema.ImageSequenceReference.MissingFramePolicy.hold,
        available_range=_span(version, version.frames[0], version.frames[-1]),
        metadata={NAMESPACE: {"colorspace": colourspace, "frames": version.standing["frames"], "timecode": version.timecode}},
    )  # fmt: skip


def about_clip(version: Described) -> dict[str, Any]:
    """What a clip says of its version. The last seven are those that the ASWF's review group names for media that changes houses."""
    standing = version.standing
    kept = (
        "show",
        "shot",
        "version",
        "state",
        "revision",
        "record_hash",
        "decided_by",
        "decided_at",
        "reason",
        "frames",
        "qc_verdict",
    )
    return {
        **{key: standing[key] for key in kept},
        "qc": {row["measure"]: {key: row[key] for key in ("value", "verdict", "worst_frame")} for row in standing["qc"]},
        "rate": str(version.rate), "timecode": version.timecode, "release": version.origin["release"],
        "source_id": version.source_id, "source_entity": version.name.shot, "source_sub_entity": version.name.shot,
        "source_sub_entity_version": version.name.number, "task": version.setting("shot", "note"),
        "colorspace": version.setting("plate", "colorspace"), "date_authored": version.origin["made_at"],
        "author": version.origin["author"],
    }  # fmt: skip


def _marker(version: Described, thread: Thread) -> otio.schema.Marker:
    """A note and its replies; one on the whole version spans all of it."""
    note = thread.note
    whole = note["first_frame"] is None
    first, last = (version.frames[0], version.frames[-1]) if whole else (note["first_frame"], note["last_frame"])
    lines = note["text"].splitlines() or ["drawing"]
    marker = otio.schema.Marker(
        name=lines[0][:LONGEST_NAME], marked_range=_span(version, first, last), comment=note["text"],
        color=otio.schema.MarkerColor.GREEN if note["resolved_by"] else otio.schema.MarkerColor.RED,
    )  # fmt: skip
    marker.metadata[NAMESPACE] = {
        **_note(note), "whole_version": whole, "state": "resolved" if note["resolved_by"] else "open",
        "resolved_by": note["resolved_by"], "resolved_at": note["resolved_at"],
        "drawing": [dict(stroke) for stroke in note["drawing"]], "replies": [_note(reply) for reply in thread.replies],
    }  # fmt: skip
    return marker


def _note(note: Mapping[str, Any]) -> dict[str, Any]:
    return {key: note[key] for key in ("id", "author", "at", "text")}
