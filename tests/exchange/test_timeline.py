"""Playlists as OpenTimelineIO: what another program reads, and back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlsplit

import opentimelineio as otio
import pytest

from tests.review.versions import name
from vfx_deepfake.errors import ReviewError
from vfx_deepfake.exchange.export import Selection, export
from vfx_deepfake.exchange.threads import threads_of
from vfx_deepfake.exchange.timeline import make_timeline, timeline_text
from vfx_deepfake.exchange.timeline_read import DEEPEST, read_timeline, registered_versions
from vfx_deepfake.exchange.versions import describe
from vfx_deepfake.review.choosing import choose
from vfx_deepfake.review.notes import add_note, resolve_note
from vfx_deepfake.review.playlists import set_playlist
from vfx_deepfake.settings.outside import TimelineSpec

STROKES = [{"colour": "#ff8800", "width_px": 3, "points": [[10.5, 20.0], [30.0, 40.25]]}]


def timeline_of(store, **selected):
    return otio.adapters.read_from_string(export(store, "otio", Selection(**selected))[0].decode(), "otio_json")


def clip_of(store, **selected):
    """A copy of the first clip that stands alone: in Python a clip is void once its timeline is gone."""
    timeline = timeline_of(store, **selected)
    return timeline.find_clips()[0].deepcopy()


def written(tmp_path, content):
    file = tmp_path / "cut.otio"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_a_playlist_keeps_its_order_there_and_back(show, tmp_path):
    wanted = [("sh0020", "v001"), ("sh0010", "v002"), ("sh0010", "v001")]
    set_playlist(show, "ana", "demo", "monday", wanted)
    content, num_versions = export(show, "otio", Selection(playlist="monday"))
    assert num_versions == 3
    file = written(tmp_path, content)
    back = registered_versions(show, "demo", read_timeline(file), str(file))
    assert [(each.shot, each.version) for each in back] == wanted


def test_frames_and_movie_as_another_program_finds_them(pictured):
    timeline = timeline_of(pictured, shot=choose(pictured)[0].shot, version="v002")
    clip = timeline.find_clips()[0]
    frames = clip.media_reference
    assert clip.active_media_reference_key == otio.schema.Clip.DEFAULT_MEDIA_KEY
    assert (frames.start_frame, frames.end_frame(), frames.frame_zero_padding, frames.rate) == (1001, 1014, 4, 24.0)
    for media in (frames, clip.media_references()["dpx"]):  # each image's address leads to a file that is there
        for index in range(media.number_of_images_in_sequence()):
            assert path_of(media.target_url_for_image_number(index)).is_file()
    movie = clip.media_references()["movie"]
    assert path_of(movie.target_url).is_file()
    assert movie.available_range.start_time.value == 1000  # the slate
    assert clip.source_range == frames.available_range
    assert clip.source_range.start_time.value == 1001
    assert frames.metadata["vfx_deepfake"]["colorspace"] == "ACEScg"


def path_of(url):
    parts = urlsplit(url)
    assert parts.scheme == "file"
    return Path(unquote(parts.path))


def test_what_a_clip_says_of_its_version(show):
    clip = clip_of(show, shot="sh0010", version="v001")
    said = clip.metadata["vfx_deepfake"]
    standing = describe(show, name(1)).standing
    assert {key: said[key] for key in ("state", "record_hash", "qc_verdict", "frames")} == {
        key: standing[key] for key in ("state", "record_hash", "qc_verdict", "frames")
    }
    assert said["qc"]["seam"]["worst_frame"] == 1002
    assert (said["source_id"], said["source_entity"], said["source_sub_entity_version"]) == (
        "demo-sh0010_v001",
        "sh0010",
        1,
    )
    assert (said["rate"], said["release"], said["date_authored"]) == ("24", "ana_2026", "2026-03-01T10:00:00+00:00")


def test_notes_are_markers(show):
    note = add_note(show, "ana", name(), "lip slips\n=cmd()", frames="1002-1003", drawing=STROKES)
    reply = add_note(show, "art", name(), "fixed", reply_to=note["id"])
    add_note(show, "ana", name(), "thanks", reply_to=reply["id"])
    add_note(show, "sam", name(), "over all fine")
    resolve_note(show, "art", note["id"])
    clip = clip_of(show, shot="sh0010", version="v001")
    whole, ranged = clip.markers
    assert (whole.comment, whole.color, whole.metadata["vfx_deepfake"]["whole_version"]) == (
        "over all fine",
        "RED",
        True,
    )
    assert whole.marked_range == clip.source_range
    assert (ranged.name, ranged.comment, ranged.color) == ("lip slips", "lip slips\n=cmd()", "GREEN")
    assert (ranged.marked_range.start_time.value, ranged.marked_range.end_time_inclusive().value) == (1002, 1003)
    said = ranged.metadata["vfx_deepfake"]
    assert (said["author"], said["state"], said["resolved_by"]) == ("ana", "resolved", "art")
    assert [reply["text"] for reply in said["replies"]] == ["fixed", "thanks"]
    assert json.loads(otio.core.serialize_json_to_string(said["drawing"])) == STROKES


def test_a_reply_whose_note_is_missing_is_no_reply():
    note = {"id": "a", "reply_to": "gone", "at": "1", "text": "x"}
    assert [thread.note["id"] for thread in threads_of([note])] == ["a"]


def test_handles_are_outside_the_cut_and_inside_the_media(show):
    version = describe(show, name())
    timeline = make_timeline("t", [version], TimelineSpec(handle_frames=1))
    clip = timeline.find_clips()[0]
    assert (clip.source_range.start_time.value, clip.source_range.duration.value) == (1002, 1)
    assert (clip.available_range().start_time.value, clip.available_range().duration.value) == (1001, 3)
    with pytest.raises(
        ReviewError, match=r"sh0010 v001: has frames 1001-1003, and .*handle_frames takes 2 off each end"
    ):
        make_timeline("t", [version], TimelineSpec(handle_frames=2))


def test_a_rate_that_is_no_whole_number(show):
    version = replace(describe(show, name()), rate=Fraction(24000, 1001))
    text = timeline_text(make_timeline("t", [version], TimelineSpec()))
    timeline = otio.adapters.read_from_string(text, "otio_json")
    clip = timeline.find_clips()[0]
    assert clip.media_reference.rate == 24000 / 1001
    assert clip.source_range.start_time.to_frames() == 1001
    assert clip.metadata["vfx_deepfake"]["rate"] == "24000/1001"


def test_a_cut_made_elsewhere(show, tmp_path):
    """Clips without our metadata: by their names or by their media; gaps, sound and repeats are passed over."""
    schema, time = otio.schema, otio.opentime
    span = time.TimeRange(time.RationalTime(0, 24), time.RationalTime(10, 24))
    frames = schema.ImageSequenceReference("file:///x/", "sh0020_v001.", ".exr", 1001, 1, 24, 4)
    picture = schema.Track("V1", children=[
        schema.Clip("sh0010_v002", source_range=span), schema.Gap(source_range=span),
        schema.Stack(children=[schema.Clip("A001", media_reference=frames, source_range=span)]),
        schema.Clip("sh0010 v002", source_range=span),
    ])  # fmt: skip
    sound = schema.Track("A1", kind="Audio", children=[schema.Clip("music", source_range=span)])
    timeline = schema.Timeline("cut")
    timeline.tracks.extend([picture, sound])
    file = written(tmp_path, timeline_text(timeline))
    found = registered_versions(show, "demo", read_timeline(file), str(file))
    assert found == [name(2), name(1, "sh0020")]


def test_what_is_not_registered_is_named_clip_by_clip(show, tmp_path):
    add = otio.schema.Clip
    timeline = otio.schema.Timeline("cut")
    ours = clip_of(show, shot="sh0010", version="v001").clone()
    ours.metadata["vfx_deepfake"]["record_hash"] = "0" * 64
    timeline.tracks.append(otio.schema.Track(children=[add("sh0010_v009"), add("sh0099_v001"), ours]))
    file = written(tmp_path, timeline_text(timeline))
    with pytest.raises(ReviewError) as error:
        registered_versions(show, "demo", read_timeline(file), "cut.otio")
    lines = str(error.value).splitlines()
    assert "clip 1 ('sh0010_v009'): sh0010 v009: is not registered; on record: v001, v002" in lines[0]
    assert "clip 2 ('sh0099_v001'): sh0099 v001: is not registered" in lines[1]
    assert "clip 3 ('sh0010_v001'): sh0010 v001: was exported from another version of that name" in lines[2]
    ours.metadata["vfx_deepfake"]["record_hash"] = ""
    only = otio.schema.Timeline("cut")
    only.tracks.append(otio.schema.Track(children=[ours.clone()]))
    with pytest.raises(ReviewError, match="is of show 'demo', the playlist of 'other'"):
        registered_versions(show, "other", read_timeline(written(tmp_path, timeline_text(only))), "cut.otio")


DEEP = '{"OTIO_SCHEMA":"Stack.1","children":[' * DEEPEST + "]}" * DEEPEST
DAMAGED = {
    "empty": "", "no JSON": "nope", "a list": "[]", "not UTF-8": b"\xff\xfe", "a number": "3", "NUL": "\x00",
    "a schema of the future": '{"OTIO_SCHEMA":"Timeline.99"}', "an unknown schema": '{"OTIO_SCHEMA":"Nope.1"}',
    "no tracks": '{"OTIO_SCHEMA":"Timeline.1","tracks":null}', "half a file": '{"OTIO_SCHEMA":"Timeline.1","tracks":{',
    "a child that is none": '{"OTIO_SCHEMA":"Timeline.1","tracks":{"OTIO_SCHEMA":"Stack.1","children":[null,3]}}',
    "deep lists": "[" * 1_000_000, "deep stacks": '{"OTIO_SCHEMA":"Timeline.1","tracks":' + DEEP + "}",
    "metadata of another shape": '{"OTIO_SCHEMA":"Clip.2","name":"x","metadata":{"vfx_deepfake":{"show":1,"shot":[]}}}',
}  # fmt: skip


def test_damaged_files_get_one_line_and_do_not_end_the_process(tmp_path):
    """In a process of its own, because the library ends the process on some of these."""
    for index, content in enumerate(DAMAGED.values()):
        (tmp_path / f"{index}.otio").write_bytes(content if isinstance(content, bytes) else content.encode())
    code = (
        "import sys\nfrom pathlib import Path\nfrom vfx_deepfake.errors import ReviewError\n"
        "from vfx_deepfake.exchange.timeline_read import read_timeline\n"
        "for file in sys.argv[1:]:\n"
        "    try:\n        read_timeline(Path(file))\n        print('read')\n"
        "    except ReviewError as error:\n        print(len(str(error).splitlines()), str(error))\n"
    )
    files = [str(tmp_path / f"{index}.otio") for index in range(len(DAMAGED))] + [str(tmp_path / "none.otio")]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = done.stdout.splitlines()
    assert len(answers) == len(files)
    for answer, what in zip(answers, [*DAMAGED, "not there"], strict=True):
        assert answer.startswith("1 "), f"{what}: {answer}"
        assert "want" in answer, f"{what}: {answer}"


def test_names_that_look_like_a_version_but_are_none(tmp_path):
    for called in ("sh0010", "v001", "sh0010_v1", "../../etc_v001", "sh0010_v001extra", "sh_v0000001"):
        timeline = otio.schema.Timeline("cut")
        timeline.tracks.append(otio.schema.Track(children=[otio.schema.Clip(called)]))
        with pytest.raises(ReviewError, match=r"clip 1 .* name no version; want clips called like sh0010_v003"):
            read_timeline(written(tmp_path, timeline_text(timeline)))
