"""Is a delivery what was signed? Every file named that was changed, swapped, left out, added or stored anew. Needs no database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vfx_deepfake.errors import ArtistError, PlateError
from vfx_deepfake.files import hash_file
from vfx_deepfake.media.content import content_digest, is_picture
from vfx_deepfake.media.stamp import read_stamp
from vfx_deepfake.progress import SILENT, Progress
from vfx_deepfake.provenance.credentials import ABSENT, INVALID, Credentials, carries, read_credentials
from vfx_deepfake.provenance.keys import TrustedKey
from vfx_deepfake.provenance.manifest import MANIFEST, SIGNATURE, Entry, Manifest, Signed, read_manifest, read_signature

# what is wrong with a file, or with the manifest
CHANGED, SWAPPED, REENCODED, DAMAGED, MISSING, EXTRA = "changed", "swapped", "re-encoded", "damaged", "missing", "extra"
UNSIGNED, FORGED, UNKNOWN_KEY, EXPIRED_KEY, REPLAYED = "unsigned", "forged", "unknown key", "key not valid", "replayed"
STRIPPED, BROKEN = "credentials gone", "credentials broken"
STAMPED = (".exr", ".dpx")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was signed: what kind, which file (empty: the manifest), in plain words."""

    kind: str
    path: str
    frame: int | None
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the receiver knows beforehand: keys to trust, the version ordered, the newest delivery seen (serial, root) if any, and
    the certificates whose credentials to believe."""

    trusted: Sequence[TrustedKey]
    version: str = ""
    newest: tuple[int, str] | None = None
    anchors: Path | None = None


def verify(folder: Path, expected: Expected, progress: Progress = SILENT) -> tuple[Manifest, list[Finding]]:
    """Compare a delivery with its signed manifest.

    Returns the manifest and what was found, the manifest's own faults first; nothing found means that all is as signed.
    Raises: ArtistError when there is no manifest to compare with, or it contradicts itself.
    """
    manifest = read_manifest(folder)
    found = [*_signature(read_signature(folder), manifest, expected.trusted), *_age(manifest, expected)]
    progress.start("verify", len(manifest.files), "files")
    by_content = {entry.content: entry for entry in manifest.files if entry.link}
    stamps: dict[str, str] = {}
    for done, entry in enumerate(manifest.files, 1):
        found += _file(folder, entry, by_content, manifest, stamps)
        progress.advance(done)
    progress.finish()
    found += [*_replaced(manifest, stamps), *_uncredited(folder, manifest, expected.anchors)]
    return manifest, found + list(_extra(folder, manifest, by_content))


def _signature(signed: Signed | None, manifest: Manifest, trusted: Iterable[TrustedKey]) -> Iterable[Finding]:
    if signed is None:
        yield Finding(UNSIGNED, "", None, f"{SIGNATURE} is missing: nobody vouches for this manifest")
        return
    if not signed.fits:
        yield Finding(FORGED, "", None, f"{MANIFEST} is not what key {signed.key} signed: it was changed afterwards")
        return
    keys = {key.public: key for key in trusted}
    key = keys.get(signed.public)
    if key is None:
        known = ", ".join(f"{each.id} ({each.name})" for each in keys.values()) or "none"
        yield Finding(
            UNKNOWN_KEY,
            "",
            None,
            f"signed with key {signed.key}, which is not in the list of trusted keys; trusted: {known}",
        )
        return
    day = dt.date.fromisoformat(manifest.made_at[:10])
    if key.revoked != dt.date.max:
        yield Finding(
            EXPIRED_KEY,
            "",
            None,
            f"key {key.id} ({key.name}) was revoked on {key.revoked}; nothing it signed is believed",
        )
    elif not key.valid_from <= day <= key.valid_until:
        yield Finding(EXPIRED_KEY, "", None,
                      f"key {key.id} ({key.name}) signed for {key.valid_from} to {key.valid_until}; the manifest says {day}")  # fmt: skip


def _age(manifest: Manifest, expected: Expected) -> Iterable[Finding]:
    if expected.version and manifest.version != expected.version:
        yield Finding(
            REPLAYED,
            "",
            None,
            f"this manifest is for {manifest.shot} {manifest.version}; {expected.version} was expected",
        )
    if expected.newest is None:
        return
    serial, root = expected.newest
    if manifest.serial < serial:
        yield Finding(
            REPLAYED,
            "",
            None,
            f"this is delivery {manifest.serial} of {manifest.shot}; delivery {serial} was already seen",
        )
    elif manifest.serial == serial and manifest.root != root:
        yield Finding(
            REPLAYED,
            "",
            None,
            f"another delivery {serial} of {manifest.shot} was already seen; one of them is not genuine",
        )


def _file(
    folder: Path, entry: Entry, by_content: Mapping[str, Entry], manifest: Manifest, stamps: dict[str, str]
) -> list[Finding]:
    path, name = folder / entry.path, _name(entry)
    if not path.is_file():
        return [Finding(MISSING, entry.path, entry.frame, f"{name} is not there")]
    if hash_file(path) == entry.sha256:
        return []
    try:
        content = content_digest(path)
    except PlateError:
        return [Finding(DAMAGED, entry.path, entry.frame, f"{name} was changed and can't be read any more")]
    if entry.link and path.suffix.lower() in STAMPED:
        stamps[entry.path] = read_stamp(path).get("manifest", "")
    other = by_content.get(content)
    if content == entry.content:
        return [
            Finding(
                REENCODED,
                entry.path,
                entry.frame,
                f"{name} shows the same picture, stored anew (header or compression differ)",
            )
        ]
    if other is not None and other.path != entry.path:
        return [Finding(SWAPPED, entry.path, entry.frame, f"{name} holds the picture of {_name(other)}")]
    what = "its picture is not the one delivered" if is_picture(path) else "its content is not what was delivered"
    return [Finding(CHANGED, entry.path, entry.frame, f"{name}: {what}")]


def _replaced(manifest: Manifest, stamps: Mapping[str, str]) -> list[Finding]:
    """Frames whose headers name another manifest: then it is the manifest that does not belong here."""
    others = {root for root in stamps.values() if root and root != manifest.root}
    if not others or len([root for root in stamps.values() if root in others]) * 2 < len(stamps):
        return []
    return [Finding(REPLAYED, "", None, f"the frames name manifest {min(others)[:16]}, this one is {manifest.root[:16]}: "
                    f"it belongs to another delivery (it says {manifest.version}, delivery {manifest.serial})")]  # fmt: skip


def _uncredited(folder: Path, manifest: Manifest, anchors: Path | None) -> Iterator[Finding]:
    """Files that were delivered with credentials and have none now, or some that do not hold."""
    credited = set(manifest.lineage.get("credentials", ()))
    for entry, found in _credentials(folder, manifest, anchors):
        if entry.path in credited and found.state == ABSENT:
            yield Finding(
                STRIPPED, entry.path, entry.frame, f"{_name(entry)} was delivered with credentials and carries none now"
            )
        elif entry.path in credited and found.state == INVALID:
            yield Finding(BROKEN, entry.path, entry.frame, f"{_name(entry)}: {found}")


def credential_lines(folder: Path, manifest: Manifest, anchors: Path | None = None) -> list[str]:
    """What every picture and movie of a delivery that can carry credentials says of itself, a line each."""
    return [f"{_name(entry)}: {found}" for entry, found in _credentials(folder, manifest, anchors)]


def _credentials(folder: Path, manifest: Manifest, anchors: Path | None) -> Iterator[tuple[Entry, Credentials]]:
    for entry in manifest.files:
        if carries(entry.path) and (folder / entry.path).is_file():
            yield entry, read_credentials(folder / entry.path, anchors)


def _extra(folder: Path, manifest: Manifest, by_content: Mapping[str, Entry]) -> Iterable[Finding]:
    known = {entry.path for entry in manifest.files} | {MANIFEST, SIGNATURE}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or name in known:
            continue
        same = by_content.get(_content(path))
        words = f"; it holds the picture of {_name(same)}" if same else ""
        yield Finding(EXTRA, name, None, f"{name} was not delivered{words}")


def _content(path: Path) -> str:
    try:
        return content_digest(path)
    except (PlateError, OSError):
        return ""


def _name(entry: Entry) -> str:
    return f"frame {entry.frame} ({entry.path})" if entry.frame is not None else entry.path


def require_intact(folder: Path, expected: Expected, progress: Progress = SILENT) -> Manifest:
    """The manifest of a delivery in which nothing is wrong.

    Raises: ArtistError with one line for every finding.
    """
    manifest, found = verify(folder, expected, progress)
    if found:
        raise ArtistError("\n".join(f"{folder}: {finding}" for finding in found))
    return manifest
