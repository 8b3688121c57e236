"""Every error this package raises on purpose, and what the command line does with it.

::

    VfxError                       has an exit code
    ├── ArtistError        (2)     the artist or TD can fix it: one plain line, no traceback
    │   ├── ShotError              shot.toml, templates, overrides
    │   ├── PlateError             frames on disk: missing, damaged, wrong size or channels
    │   ├── ColorError             colour space names, OCIO configs
    │   ├── TrackError             no face, bad imported track
    │   ├── FacesetError           facesets on disk, and what they are made from
    │   ├── KeyframeError          painted frames that do not fit the plate
    │   ├── TrainError             training that can't go on
    │   ├── ConsentError           no release covers the use
    │   ├── DeliveryError          disk full, read-only output, a version that exists
    │   ├── FarmError              an engine that is not there, or that refuses the job
    │   ├── ReviewError            a decision, note or database of review that can't be had
    │   │   ├── NotThereError      no such version, note, playlist or person
    │   │   ├── NoRightError       the role, or the account, may not do it
    │   │   ├── ConflictError      somebody else was first
    │   │   └── UnavailableError   the database itself can't be used at the moment
    │   └── BusyError              another run holds the shot
    └── RetryError         (75)    the farm should try again: interrupted, host out of memory

Anything else that escapes is our bug: exit code 1 and a traceback in the log.

A message says ``where: what was found; what was expected; what to do``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

EXIT_DONE = 0
EXIT_BUG = 1
EXIT_ARTIST = 2
EXIT_RETRY = 75  # EX_TEMPFAIL of sysexits.h


class VfxError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = EXIT_BUG


class ArtistError(VfxError):
    """Something that the person at the keyboard can put right."""

    exit_code = EXIT_ARTIST


class ShotError(ArtistError):
    """Settings that can't be used; the message lists every problem, one a line."""


class PlateError(ArtistError):
    """Frames on disk that are missing, damaged, or not what the shot says."""


class ColorError(ArtistError):
    """A colour space, look or config that OCIO does not know or accept."""


class TrackError(ArtistError):
    """No usable face track."""


class FacesetError(ArtistError):
    """A faceset, or something that one is to be made from, that can't be used."""


class KeyframeError(ArtistError):
    """A painted frame that does not fit its plate frame."""


class TrainError(ArtistError):
    """Training can't go on; the last checkpoint is good."""


class ConsentError(ArtistError):
    """No release on record covers what was asked for."""


class DeliveryError(ArtistError):
    """Output that can't be written; nothing half-written was left behind."""


class FarmError(ArtistError):
    """A farm engine that is not there, or that refuses the job."""


class ReviewError(ArtistError):
    """A decision, a note or a review database that can't be had as asked."""


class NotThereError(ReviewError):
    """What was asked for is not on record."""


class NoRightError(ReviewError):
    """The person may not do it."""


class ConflictError(ReviewError):
    """Somebody else was first, and that stands."""


class UnavailableError(ReviewError):
    """The review database can't be used at the moment."""


class BusyError(ArtistError):
    """Another process works on the same shot."""


class RetryError(VfxError):
    """Nothing is wrong with the shot; the same command may succeed later or elsewhere."""

    exit_code = EXIT_RETRY


@contextmanager
def located(where: str) -> Iterator[None]:
    """Put ``where`` (shot, stage, frame) in front of any error of ours raised inside.

    The type and cause stay; a place that the message already names is not repeated.
    """
    try:
        yield
    except VfxError as error:
        text = str(error)
        if not text.startswith(where):
            error.args = (f"{where}: {text}",)
        raise
