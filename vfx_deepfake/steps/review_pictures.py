"""What people look at: the review movie and the contact sheet of a version, from its own files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from vfx_deepfake.frames import format_frames
from vfx_deepfake.image.crop import Window, paste
from vfx_deepfake.media.codecs import codec_named
from vfx_deepfake.media.exr import Frame, read_exr
from vfx_deepfake.media.metadata import timecode
from vfx_deepfake.media.movie import MovieSpec, write_movies
from vfx_deepfake.media.sheet import Column, contact_sheet, evenly_spread, make_column, write_png
from vfx_deepfake.media.signal import signal_of
from vfx_deepfake.media.slate import Look, SlateInfo, review_frames
from vfx_deepfake.media.timecode import advanced, exists, timecode_of
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import Progress
from vfx_deepfake.settings.delivery import ReviewSpec
from vfx_deepfake.steps.elements import APPLIED
from vfx_deepfake.steps.opened import OpenShot, shot_rate
from vfx_deepfake.steps.review_mark import marked


def displayed(opened: OpenShot, frame: Frame, view: tuple[str, str] = ("", "")) -> np.ndarray:
    """The display window of a plate-space frame through a display and view, the show's own for empty ones.

    Returns (H, W, 3) float32 display-encoded; black where the frame has no pixels.
    """
    settings = opened.settings
    display, name = view if view[0] else (settings.color.display, settings.color.view)
    canvas = np.zeros((*frame.display_window.shape, 3), np.float32)
    shown = np.nan_to_num(np.ascontiguousarray(frame.pixels[..., :3]), posinf=0.0, neginf=0.0)
    picture = opened.color.display_encode(shown, settings.plate.colorspace, display, name)
    paste(canvas, frame.display_window, picture, frame.data_window)
    return canvas


def slate_info(opened: OpenShot, version: int, release: str) -> SlateInfo:
    """What the slate says of a version that is being made."""
    window = opened.plate.header.display_window
    return slate_of(opened, version, opened.frames, (window.width, window.height), shot_rate(opened), release)


def slate_of(
    opened: OpenShot, version: int, frames: Sequence[int], size: tuple[int, int], rate: Fraction, release: str
) -> SlateInfo:
    """What a slate says of some frames of a version, by the shot's settings; ``size`` is width and height."""
    spec, review = opened.settings.shot, opened.settings.review
    display, view = opened.color.require_view(opened.settings.color.display, opened.settings.color.view, "[color]")
    return SlateInfo(
        show=spec.show, shot=spec.name, version=f"{spec.name}_v{version:03d}", date=dt.date.today().isoformat(),
        frames=f"{format_frames(frames)} ({len(frames)})", status=review.submitting_for,
        types=review.shot_types, scope=spec.note, note=review.note, vendor=spec.vendor,
        resolution=f"{size[0]} x {size[1]}", frame_rate=str(rate), media_color=f"{display}, {view}",
        likeness=f"digitally altered; release {release}" if release else "not altered",
    )  # fmt: skip


def make_movie(opened: OpenShot, paths: VersionPaths, release: str, progress: Progress) -> int:
    """Write the review movies with slate and burn-ins, one for each codec; returns the number of their frames.

    Raises: DeliveryError where no encoder is installed or it fails; ArtistError where a mark is asked for and its key can't be used.
    """
    rate = shot_rate(opened)
    first = read_exr(paths.exr_frame(opened.frames[0]), part="rgba").metadata
    written = timecode(first)
    start = written if exists(written, rate) else ""
    info = slate_info(opened, paths.number, release)
    progress.start("movie", len(opened.frames), "frames")
    review, color = opened.settings.review, opened.settings.color
    display, _ = opened.color.require_view(color.display, color.view, "[color]")
    begin = start_timecode(start, opened.frames[0], rate, slate=review.slate)
    spec = MovieSpec(frame_rate=rate, timecode=begin, signal=signal_of(display), tags={"title": info.version})
    pictures = review_frames(_pictures(opened, paths, progress), info, rate, start, look_of(review))
    specs = {paths.movie_as(codec_named(name).tail): replace(spec, codec=name) for name in review.codecs}
    count = write_movies(specs, marked(opened, paths.number, pictures))
    progress.finish()
    return count


def look_of(review: ReviewSpec) -> Look:
    """How the shot wants its movies' frames dressed."""
    return Look(slate=review.slate, letterbox=review.letterbox, burn_in=review.burn_in)


def start_timecode(start: str, first: int, rate: Fraction, *, slate: bool) -> str:
    """The timecode of a movie's first frame: that of its first picture, or one frame before where a slate sits."""
    if start:
        return advanced(start, -slate, rate)
    return timecode_of(max(first - slate, 0), rate)


def _pictures(opened: OpenShot, paths: VersionPaths, progress: Progress) -> Iterator[tuple[int, np.ndarray]]:
    for done, frame in enumerate(opened.frames, 1):
        yield frame, displayed(opened, read_exr(paths.exr_frame(frame), part="rgba"))
        progress.advance(done)


def make_sheet(opened: OpenShot, paths: VersionPaths, face_frames: Sequence[int]) -> None:
    """Write the contact sheet: plate, result, difference gained up and matte of some frames, the face's if there are any."""
    chosen = evenly_spread(face_frames or opened.frames, opened.settings.review.sheet_frames)
    columns = [face_column(opened, paths, frame) for frame in chosen]
    title = f"{opened.name} v{paths.number:03d}"
    write_png(
        paths.sheet, contact_sheet(columns, title, f"{opened.settings.shot.note}   {format_frames(opened.frames)}")
    )


def face_column(opened: OpenShot, paths: VersionPaths, frame: int) -> Column:
    """One frame for the sheet: whole, and plate, result, difference and matte round the face."""
    plate = opened.plate.read(frame)
    result = read_exr(paths.exr_frame(frame), part="rgba")
    layer = read_exr(paths.exr_frame(frame), part="elements", channels=(APPLIED,))
    matte = np.zeros((*plate.display_window.shape, 1), np.float32)
    paste(matte, plate.display_window, layer.pixels, layer.data_window)
    window = layer.data_window if layer.pixels.any() else None
    origin = plate.display_window
    return make_column(str(frame), displayed(opened, plate), displayed(opened, result), matte[..., 0], _face(layer.pixels, window),
                       (origin.x, origin.y))  # fmt: skip


def _face(matte: np.ndarray, window: Window | None) -> Window | None:
    """The box of what is replaced, so that the sheet's cells frame the work and not the whole crop."""
    if window is None:
        return None
    rows, columns = np.nonzero(matte[..., 0] > 0.01)
    if not len(rows):
        return window
    left, top = int(columns.min()), int(rows.min())
    return Window(window.x + left, window.y + top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
