"""``keys``, ``deliver``, ``verify``, ``reproduce``: what leaves the house, signed; did it arrive as it left, can it be made again."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from vfx_deepfake.cli.mark import add_new_mark, new_mark
from vfx_deepfake.cli.signing import add_certificate, anchors_of, certificate, verify_file
from vfx_deepfake.errors import ArtistError
from vfx_deepfake.progress import Progress

Result = dict[str, Any]


def add_delivery(stages: Any, shot: Callable[..., None], common: Callable[..., None]) -> None:
    """Add the three commands; ``shot`` and ``common`` add the options that every stage and every command has."""
    deliver = stages.add_parser("deliver", help="pack an approved version, signed")
    shot(deliver)
    deliver.add_argument(
        "--version", dest="of_version", default="", help="e.g. v003 (default: the newest approved one)"
    )
    deliver.add_argument(
        "--to", default="", metavar="DIR", help="folder that receives the delivery (default: the shot's deliveries)"
    )
    deliver.add_argument(
        "--key", default="", metavar="FILE", help="signing key, or signing.toml (default: VFX_DEEPFAKE_SIGNING_KEY)"
    )
    deliver.add_argument(
        "--chain",
        default="",
        metavar="FILE",
        help="its certificates, for credentials (default: VFX_DEEPFAKE_SIGNING_CHAIN)",
    )
    again = stages.add_parser("reproduce", help="make a version's frames again from its record, and compare")
    again.add_argument("shot", help="shot.toml, or the folder that holds it")
    again.add_argument("--version", dest="of_version", required=True, help="e.g. v003")
    again.add_argument("--frames", default="", help="part of the range, e.g. 1001-1020 (default: the whole version)")
    again.add_argument("--from-plate", action="store_true", help="make track and trained network again too")
    again.add_argument("--keep", action="store_true", help="leave the new frames in the work folder")
    common(again)
    verify = stages.add_parser("verify", help="is a delivery what was signed? needs no database")
    verify.add_argument(
        "folder", metavar="PATH", help="the delivery; or one picture or movie, for its credentials alone"
    )
    verify.add_argument(
        "--trusted", default="", metavar="FILE", help="trusted keys (default: VFX_DEEPFAKE_TRUSTED_KEYS)"
    )
    verify.add_argument("--expect", default="", metavar="VERSION", help="the version that was ordered, e.g. v003")
    verify.add_argument(
        "--seen", default="", metavar="FILE", help="remember deliveries there, and refuse older ones next time"
    )
    verify.add_argument(
        "--anchors",
        default="",
        metavar="FILE",
        help="certificates whose credentials to believe (default: VFX_DEEPFAKE_ANCHORS)",
    )
    common(verify)
    keys = stages.add_parser("keys", help="signing keys: new, certificate, trust, retire, list")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="make a signing key")
    new.add_argument("file", help="where; only its owner will be able to read it")
    add_certificate(actions, common)
    add_new_mark(actions, common)
    trust = actions.add_parser("trust", help="put a public key on the list of trusted ones")
    trust.add_argument("list", help="the list, TOML")
    trust.add_argument("public", help="the 64 hex digits that 'keys new' printed")
    trust.add_argument("--name", required=True, help="whose it is, e.g. 'Studio 2026'")
    retire = actions.add_parser("retire", help="say until when a key signs, or that it was stolen")
    retire.add_argument("list", help="the list, TOML")
    retire.add_argument("key", help="the key's 16 hex digits")
    retire.add_argument("--on", default="", metavar="DATE", help="last day, YYYY-MM-DD (default: today)")
    retire.add_argument("--stolen", action="store_true", help="nothing that it signed is believed any more")
    listed = actions.add_parser("list", help="the keys of a list")
    listed.add_argument("list", help="the list, TOML")
    for parser in (new, trust, retire, listed):
        common(parser)


def deliver(args: argparse.Namespace, progress: Progress) -> Result:
    """Pack an approved version."""
    from vfx_deepfake.deliver.stage import deliver_stage
    from vfx_deepfake.provenance.signing import open_signing
    from vfx_deepfake.steps.opened import open_shot

    signing = open_signing(args.key, args.chain)
    return deliver_stage(open_shot(args.shot, args.set), signing, progress, version=args.of_version, to=args.to)


def reproduce(args: argparse.Namespace, progress: Progress) -> Result:
    """Make a version's frames again."""
    from vfx_deepfake.steps.reproduce import reproduce

    return reproduce(
        args.shot, args.of_version, progress, frames=args.frames, from_plate=args.from_plate, keep=args.keep
    )


def verify(args: argparse.Namespace, progress: Progress) -> Result:
    """Compare a delivery with its manifest.

    Raises: ArtistError with one line for every finding.
    """
    from vfx_deepfake.provenance.keys import TRUST_VARIABLE, load_trusted
    from vfx_deepfake.provenance.manifest import read_manifest
    from vfx_deepfake.provenance.seen import newest_seen, remember
    from vfx_deepfake.provenance.verify import Expected, credential_lines, require_intact

    folder, seen, anchors = Path(args.folder), Path(args.seen) if args.seen else None, anchors_of(args.anchors)
    if folder.is_file():
        return verify_file(folder, anchors)
    trusted = load_trusted(_file(args.trusted, TRUST_VARIABLE, "the list of trusted keys", "--trusted"))
    manifest = read_manifest(folder)
    newest = newest_seen(seen, manifest) if seen else None
    require_intact(folder, Expected(trusted, args.expect, newest, anchors), progress)
    if seen:
        remember(seen, manifest)
    words = "digitally altered" if manifest.lineage["digitally_altered"] else "not altered"
    lines = [f"{words}; releases: {', '.join(manifest.lineage['releases']) or 'none'}"]
    return {"intact": str(folder), "shot": manifest.shot, "version": manifest.version, "delivery": manifest.serial,
            "files": len(manifest.files), "lines": lines + credential_lines(folder, manifest, anchors)}  # fmt: skip


def keys(args: argparse.Namespace, progress: Progress) -> Result:
    """The ``keys`` actions."""
    import datetime as dt

    from vfx_deepfake.provenance.keys import TrustedKey, key_id, load_trusted, new_key, write_trusted

    if args.action == "certificate":
        return certificate(args)
    if args.action == "new-mark":
        return new_mark(args)
    if args.action == "new":
        public = new_key(Path(args.file)).public
        return {"key": key_id(public), "file": args.file, "public": public.hex()}
    file = Path(args.list)
    listed = list(load_trusted(file)) if file.is_file() else []
    if args.action == "trust":
        try:
            added = TrustedKey(name=args.name, public=args.public.lower(), valid_from=dt.date.today())
        except ValueError as error:
            raise ArtistError(str(error)) from error
        if any(key.public == added.public for key in listed):
            raise ArtistError(f"{file}: key {added.id} is on the list already")
        write_trusted(file, [*listed, added])
        return {"trusted": added.id, "name": added.name}
    if args.action == "retire":
        try:
            day = dt.date.fromisoformat(args.on) if args.on else dt.date.today()
        except ValueError as error:
            raise ArtistError(f"--on: is '{args.on}'; want a date such as 2026-12-31") from error
        if args.key not in {key.id for key in listed}:
            raise ArtistError(
                f"{file}: no key {args.key}; on the list: {', '.join(key.id for key in listed) or 'none'}"
            )
        changed = [replace(key, revoked=day) if args.stolen else replace(key, valid_until=day) for key in listed]
        write_trusted(file, [new if old.id == args.key else old for old, new in zip(listed, changed, strict=True)])
        return {"retired": args.key, "from" if args.stolen else "after": str(day)}
    return {"keys": len(listed), "lines": [f"{key.id}  {key.name}  {key.valid_from} to {key.valid_until}"
            + (f", revoked on {key.revoked}" if key.revoked != dt.date.max else "") for key in listed]}  # fmt: skip


def _file(said: str, variable: str, what: str, option: str) -> Path:
    text = said or os.environ.get(variable, "")
    if not text:
        raise ArtistError(f"{what} is not named; give {option} FILE, or set {variable}")
    return Path(text)
