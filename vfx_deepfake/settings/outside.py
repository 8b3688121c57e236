"""``review.toml``: what goes out of the house, and how it looks there."""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import between, one_of

# what a column of the submission list can hold, and its usual heading
SUBMISSION_FIELDS = {
    "date": "Date",
    "vendor": "Vendor",
    "show": "Show",
    "sequence": "Sequence",
    "shot": "Shot",
    "version": "Version",
    "version_name": "Version Name",
    "filename": "Filename",
    "path": "Path",
    "movie": "Movie",
    "source_id": "Source ID",
    "scope": "Scope of Work",
    "submitting_for": "Submitting For",
    "first_frame": "First Frame",
    "last_frame": "Last Frame",
    "duration": "Duration",
    "frames": "Frames",
    "frame_rate": "Frame Rate",
    "status": "Status",
    "note": "Submission Note",
    "colour": "Media Color",
    "author": "Author",
    "date_authored": "Date Authored",
    "decided_by": "Decided By",
    "qc": "QC",
    "release": "Release",
    "record_hash": "Record Hash",
}
USUAL_COLUMNS = (
    "date", "vendor", "show", "shot", "version_name", "filename", "path", "movie", "source_id", "scope", "submitting_for",
    "first_frame", "last_frame", "duration", "frame_rate", "status", "note", "colour", "author", "date_authored",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionSpec:
    """[submission]: the list that goes along with versions."""

    columns: tuple[str, ...] = USUAL_COLUMNS  # fields in order; "Heading = field" gives one another heading
    vendor: str = ""  # empty takes what the shot says
    byte_order_mark: bool = True  # before the text: Excel takes a list without one for Windows-1252

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("columns is empty; name at least one field")
        for heading, field in self.headed():
            one_of("columns", field, tuple(SUBMISSION_FIELDS))
            if not heading:
                raise ValueError(f"columns: '{field}' has an empty heading; write \"Heading = {field}\"")
        headings = [heading for heading, _ in self.headed()]
        twice = sorted({heading for heading in headings if headings.count(heading) > 1})
        if twice:
            raise ValueError(f"columns: {', '.join(twice)} is there twice; every heading must be another one")

    def headed(self) -> tuple[tuple[str, str], ...]:
        """Heading and field of each column."""
        pairs = (text.rpartition("=") for text in self.columns)
        return tuple((head.strip() if sign else SUBMISSION_FIELDS.get(field.strip(), field), field.strip())
                     for head, sign, field in pairs)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperSpec:
    """[paper]: notes as PDF."""

    size: str = "A4"  # or letter
    fonts: tuple[str, ...] = ()  # TrueType files for letters that DejaVu lacks, e.g. Noto Sans; asked in this order

    def __post_init__(self) -> None:
        one_of("size", self.size, ("A4", "letter"))


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineSpec:
    """[timeline]: versions as OpenTimelineIO."""

    handle_frames: int = 0  # at each end of a version that the cut leaves out

    def __post_init__(self) -> None:
        between("handle_frames", self.handle_frames, 0, 1000)
