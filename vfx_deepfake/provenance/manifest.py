"""The signed manifest of a delivery: every file, in order, chained by what it shows, and who says so.

``manifest.json`` lists the files; each frame's link is SHA-256(link before, frame, content digest), the last one is the ``root`` that
every frame's header names. ``manifest.sig`` is the Ed25519 signature over the bytes of ``manifest.json``. docs/manifest.md has the format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError, ShotError
from vfx_deepfake.files import hash_file, read_json, write_json
from vfx_deepfake.media.content import content_digest
from vfx_deepfake.provenance.keys import ALGORITHM, Signer, is_signature, key_id
from vfx_deepfake.tables import build

SCHEMA = 1
KIND = "vfx_deepfake delivery manifest"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
START = "0" * 64  # link before the first frame


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One delivered file. ``frame`` is None and ``link`` empty for files that are not a frame."""

    path: str  # relative to the manifest's folder, slashes forward
    frame: int | None = None
    bytes: int
    sha256: str
    content: str  # digest of what it shows, media/content.py
    link: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a delivery holds. ``serial`` counts the deliveries of a shot from 1; ``previous`` is the root of the one before."""

    show: str
    shot: str
    version: str
    serial: int
    previous: str
    made_at: str
    made_by: Mapping[str, str]
    lineage: Mapping[str, Any]  # record hash, inputs hash, releases, digitally altered, who approved
    root: str
    files: tuple[Entry, ...]

    def as_data(self) -> dict[str, Any]:
        """The content of ``manifest.json``."""
        return {"kind": KIND, "schema": SCHEMA, **asdict(self), "files": [asdict(entry) for entry in self.files]}


def chained(frames: Iterable[tuple[int | None, str]]) -> list[str]:
    """The links of frames given as (frame, content digest), in order."""
    links, link = [], START
    for frame, content in frames:
        link = hashlib.sha256(f"{link}\n{'' if frame is None else frame}\n{content}".encode()).hexdigest()
        links.append(link)
    return links


def entries_of(folder: Path, files: Mapping[str, int | None]) -> tuple[Entry, ...]:
    """Entries of the files of a folder, path to frame, in the order given.

    Raises: PlateError for a picture that can't be read.
    """
    contents = {name: content_digest(folder / name) for name in files}
    frames = [name for name, frame in files.items() if frame is not None]
    links = dict(zip(frames, chained((files[name], contents[name]) for name in frames), strict=True))
    return tuple(
        Entry(path=name, frame=frame, bytes=(folder / name).stat().st_size, sha256=hash_file(folder / name),
              content=contents[name], link=links.get(name, ""))
        for name, frame in files.items()
    )  # fmt: skip


def root_of(links: Iterable[str]) -> str:
    """The last link; START where there is no frame."""
    return next((link for link in reversed(list(links)) if link), START)


def write_manifest(folder: Path, manifest: Manifest, signer: Signer) -> None:
    """Write manifest and signature into the delivery's folder."""
    write_json(folder / MANIFEST, manifest.as_data())
    message = (folder / MANIFEST).read_bytes()
    write_json(folder / SIGNATURE, {
        "algorithm": ALGORITHM, "key": key_id(signer.public), "public": signer.public.hex(), "signature": signer.sign(message).hex(),
    })  # fmt: skip


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a delivery, its own chain checked; the signature is another question.

    Raises: ArtistError when it is missing, damaged, of a newer schema, or contradicts itself.
    """
    path = folder / MANIFEST
    table = read_json(path)
    if table.pop("kind", "") != KIND:
        raise ArtistError(f"{path}: is no delivery manifest; give the folder that 'vfx-deepfake deliver' made")
    schema = table.pop("schema", None)
    if schema != SCHEMA:
        raise ArtistError(f"{path}: schema is {schema!r}; this release knows {SCHEMA}; install a newer one")
    files = table.pop("files", None)
    try:
        entries = tuple(build(Entry, entry, f"{path} files") for entry in (files if isinstance(files, list) else []))
        manifest = Manifest(**table, files=entries)
    except (ShotError, TypeError) as error:
        raise ArtistError(f"{path}: is damaged ({error}); ask for the delivery's manifest again") from error
    for entry in manifest.files:
        if Path(entry.path).is_absolute() or ".." in Path(entry.path).parts:
            raise ArtistError(
                f"{path}: names '{entry.path}', which lies outside the delivery; don't trust this manifest"
            )
    linked = [entry for entry in manifest.files if entry.link]
    if [entry.link for entry in linked] != chained((e.frame, e.content) for e in linked) or root_of(
        e.link for e in linked
    ) != manifest.root:
        raise ArtistError(
            f"{path}: its chain does not hold together: entries were changed, moved, added or taken out; don't trust it"
        )
    return manifest


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature file says; ``fits`` when it is the key's own over the manifest's bytes."""

    key: str
    public: str
    fits: bool


def read_signature(folder: Path) -> Signed | None:
    """The signature of a delivery's manifest; None where there is none.

    Raises: ArtistError when the file is damaged or of an algorithm that this release does not know.
    """
    path = folder / SIGNATURE
    if not path.is_file():
        return None
    table = read_json(path)
    if table.get("algorithm") != ALGORITHM:
        raise ArtistError(
            f"{path}: is signed with {table.get('algorithm')!r}; this release knows {ALGORITHM}; install a newer one"
        )
    try:
        public, signature = bytes.fromhex(str(table["public"])), bytes.fromhex(str(table["signature"]))
    except (KeyError, ValueError) as error:
        raise ArtistError(f"{path}: is damaged; ask for the delivery's signature again") from error
    return Signed(key_id(public), public.hex(), is_signature(public, (folder / MANIFEST).read_bytes(), signature))


def canonical(data: Mapping[str, Any]) -> bytes:
    """Plain data as the bytes that are signed: sorted keys, no spaces, UTF-8."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
