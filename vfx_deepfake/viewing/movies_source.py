"""What movies and stills of published versions share: frames through the show's view, the consent they need, the file they become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake.errors import DeliveryError, located
from vfx_deepfake.files import hash_data, sweep_parts_of
from vfx_deepfake.frames import format_frames
from vfx_deepfake.media.codecs import codec_named
from vfx_deepfake.media.movie import MovieSpec, movie_problem, write_movie
from vfx_deepfake.media.signal import Signal, signal_of
from vfx_deepfake.media.slate import SlateInfo
from vfx_deepfake.media.timecode import advanced, timecode_of
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.credentials import Credential
from vfx_deepfake.steps.consent import Watch, needs_release, require_ancestors, require_releases
from vfx_deepfake.steps.credentials import credit
from vfx_deepfake.steps.release_report import releases_of_version
from vfx_deepfake.steps.review_pictures import displayed, slate_of
from vfx_deepfake.viewing.published import VERSION, Published

SHOWS_OWN = ("", "")  # display and view: those that the show looks through


@dataclass(frozen=True)
class Cut:
    """Frames of one version, or of its plate, in the order they are shown."""

    version: Published
    frames: tuple[int, ...]
    of: str = VERSION

    @property
    def name(self) -> str:
        """The version's, as its files have it: ``sh0010_v003``."""
        return f"{self.version.opened.name}_{self.version.paths.folder.name}"

    def __str__(self) -> str:
        """The name, and what it is where it is not the version itself: ``sh0010_v003 plate``."""
        return self.name if self.of == VERSION else f"{self.name} {self.of}"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the display window."""
        window = self.version.header.display_window
        return window.width, window.height


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The file that somebody asked for."""

    out: Path
    codec: str = "h264"
    view: tuple[str, str] = SHOWS_OWN


def cut_of(version: Published, frames: Sequence[int] = (), *, handles: int = 0, of: str = VERSION) -> Cut:
    """Some frames of a version, all for none named; ``handles`` frames are taken off at both ends.

    Raises: DeliveryError for frames that it does not have, or where the handles leave nothing.
    """
    missing = sorted(set(frames) - set(version.frames))
    if missing:
        raise DeliveryError(
            f"{version}: has no frames {format_frames(missing)}; it has {format_frames(version.frames)}"
        )
    chosen = tuple(frames) or version.frames
    kept = chosen[handles : len(chosen) - handles]
    if not kept:
        raise DeliveryError(
            f"{version}: handles of {handles} frames at both ends leave nothing of its {len(chosen)} frames; ask for fewer"
        )
    return Cut(version, kept, of)


def require_shown(versions: Iterable[Published]) -> tuple[str, ...]:
    """The releases that let these versions be shown today, by the settings that each was made with, of everybody on its record.

    Raises: ConsentError naming the version and why no release covers it; FacesetError or ShotError where it can't be told whose face it is.
    """
    found: set[str] = set()
    for version in versions:
        if needs_release(version.opened.shot):
            with located(str(version)):
                shot = version.opened.shot
                covered = require_releases(shot, "render")
                seen = sorted(
                    releases_of_version(version.record).keys() - covered.keys()
                )  # whom the network has learnt from
                covered |= require_ancestors(shot, seen, "render")
                found |= {release.id for release in covered.values()}
    return tuple(sorted(found))


def pictures_of(cut: Cut, view: tuple[str, str] = SHOWS_OWN) -> Iterator[tuple[int, np.ndarray]]:
    """Frame number and display picture (H, W, 3) float32, one at a time.

    A release withdrawn meanwhile ends it. Raises: ConsentError; what :meth:`Published.picture` raises.
    """
    version = cut.version
    watch = Watch(version.opened.shot, "render") if needs_release(version.opened.shot) else None
    for frame in cut.frames:
        if watch:
            watch()
        yield frame, displayed(version.opened, version.picture(frame, cut.of), view)


def view_of(cut: Cut, view: tuple[str, str] = SHOWS_OWN) -> tuple[str, str]:
    """Display and view that a cut is shown through. Raises: ColorError for one that its config does not have."""
    return cut.version.color.require_view(*view, str(cut.version)) if view[0] else cut.version.view


def card_of(cut: Cut, releases: Sequence[str], view: tuple[str, str] = SHOWS_OWN) -> SlateInfo:
    """What a slate says of a cut; it carries the day the version was made."""
    version = cut.version
    release = ", ".join(releases) if cut.of == VERSION and needs_release(version.opened.shot) else ""
    info = slate_of(version.opened, version.paths.number, cut.frames, cut.size, version.rate, release)
    made = str(version.record.get("made_at", ""))[:10]
    return replace(info, version=str(cut), date=made or info.date, media_color=", ".join(view_of(cut, view)))


def timecode_at(cut: Cut, frame: int) -> str:
    """The source's timecode of a frame; counted from the frame number where the plate has none."""
    version = cut.version
    if version.timecode:
        return advanced(version.timecode, frame - version.frames[0], version.rate)
    return timecode_of(frame, version.rate)


def one_rate(cuts: Sequence[Cut], what: str) -> Fraction:
    """The frame rate of all cuts.

    Raises: DeliveryError naming two that differ.
    """
    first = cuts[0]
    for cut in cuts:
        if cut.version.rate != first.version.rate:
            raise DeliveryError(
                f"{what}: {first.version} runs at {first.version.rate} frames a second, {cut.version} at {cut.version.rate}; "
                "a movie has one rate, make one for each"
            )
    return first.version.rate


def one_signal(cuts: Sequence[Cut], view: tuple[str, str], what: str) -> Signal:
    """The colour tags of all cuts.

    Raises: DeliveryError naming two whose displays differ; ColorError.
    """
    first = view_of(cuts[0], view)[0]
    for cut in cuts:
        display = view_of(cut, view)[0]
        if signal_of(display) != signal_of(first):
            raise DeliveryError(
                f"{what}: {cuts[0].version} is made for '{first}', {cut.version} for '{display}'; a movie has one kind of "
                "colour, choose a display that both shows have"
            )
    return signal_of(first)


def require_place(wanted: Wanted, versions: Iterable[Published]) -> None:
    """See that a movie of this codec can be written there.

    Raises: DeliveryError without PyAV, for a codec or a file's ending that does not fit, or for a place inside a published version.
    """
    problem = movie_problem((wanted.codec,))
    if problem:
        raise DeliveryError(f"{wanted.out}: {problem}")
    codec = codec_named(wanted.codec)
    endings = (".mov",) if codec.intra else (".mp4", ".mov")
    if wanted.out.suffix.lower() not in endings:
        raise DeliveryError(f"{wanted.out}: {codec.title} goes into {' or '.join(endings)}; name the file so")
    require_outside(wanted.out, versions)


def require_outside(out: Path, versions: Iterable[Published]) -> None:
    """Raises: DeliveryError for a place inside a published version, which never changes."""
    for version in versions:
        if out.absolute().is_relative_to(version.paths.folder.absolute()):
            raise DeliveryError(
                f"{out}: lies inside the published {version}, which never changes; choose another place"
            )


def write(wanted: Wanted, pictures: Iterable[np.ndarray], spec: MovieSpec, cuts: Sequence[Cut], releases: Sequence[str],
          progress: Progress) -> dict[str, Any]:  # fmt: skip
    """Write one movie, whole or not at all, with credentials where a key and a chain are configured; returns what was made.

    Raises: DeliveryError; what the pictures raise.
    """
    sweep_parts_of(wanted.out)
    count = write_movie(wanted.out, pictures, spec)
    progress.finish()
    said = credit([wanted.out], lambda: credential_of(spec.tags["title"], cuts, releases), progress)
    return {"movie": str(wanted.out), "frames": count, "codec": codec_named(spec.codec).title, "rate": str(spec.frame_rate),
            "timecode": spec.timecode, "credentials": said}  # fmt: skip


def credential_of(title: str, cuts: Sequence[Cut], releases: Sequence[str]) -> Credential:
    """What a movie or still of these versions says of itself."""
    versions = {cut.name: cut.version for cut in cuts}
    shown = [cut.version for cut in cuts if cut.of == VERSION]
    return Credential(
        version=title,
        shot=", ".join(sorted({version.opened.name for version in versions.values()})),
        altered=any(version.record.get("digitally_altered") for version in shown),
        trained=any(version.settings.model.trains for version in shown),
        plate=hash_data([version.record["inputs"]["plate"] for version in versions.values()]),
        lineage={
            "versions": {name: version.record_hash for name, version in versions.items()},
            "releases": list(releases),
        },
    )


def counted(pictures: Iterable[np.ndarray], total: int, what: str, progress: Progress) -> Iterator[np.ndarray]:
    """The pictures, with progress shown as they go by."""
    progress.start(what, total, "frames")
    for done, picture in enumerate(pictures, 1):
        yield picture
        progress.advance(done)
