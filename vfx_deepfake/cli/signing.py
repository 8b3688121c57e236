"""``keys certificate``, and what ``verify`` says of credentials."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError

ANCHORS_VARIABLE = "VFX_DEEPFAKE_ANCHORS"


def add_certificate(actions: Any, common: Callable[..., None]) -> None:
    """Add ``keys certificate`` to the ``keys`` actions."""
    parser = actions.add_parser("certificate", help="make a certificate chain for a key, for use inside the studio")
    parser.add_argument("key", help="signing key, or signing.toml that names a token's")
    parser.add_argument("--name", required=True, help="the studio, as credentials name it")
    parser.add_argument("--to", required=True, metavar="FILE", help="the chain, PEM")
    parser.add_argument(
        "--root",
        default="",
        metavar="FILE",
        help="the studio's root key, made at first (default: root.pem beside the chain)",
    )
    parser.add_argument("--years", type=int, default=5, help="how long it holds (default 5)")
    common(parser)


def certificate(args: argparse.Namespace) -> dict[str, Any]:
    """Make a chain, and the studio's root where there is none."""
    from vfx_deepfake.provenance.certificates import make_chain, root_certificate
    from vfx_deepfake.provenance.signing import open_signer

    if args.years < 1:
        raise ArtistError(f"--years: is {args.years}; want 1 or more")
    to = Path(args.to)
    root = Path(args.root) if args.root else to.with_name("root.pem")
    chain = make_chain(to, open_signer(Path(args.key)).public, args.name, root, args.years)
    return {"chain": args.to, "name": chain.name, "until": f"{chain.until:%Y-%m-%d}",
            "root": str(root), "give_away": str(root_certificate(root))}  # fmt: skip


def anchors_of(said: str) -> Path | None:
    """The certificates to trust; None where nobody named any."""
    text = said or os.environ.get(ANCHORS_VARIABLE, "")
    return Path(text) if text else None


def verify_file(path: Path, anchors: Path | None) -> dict[str, Any]:
    """What one picture or movie says of itself.

    Raises: ArtistError when it carries no credentials, or they do not hold.
    """
    from vfx_deepfake.provenance.credentials import TRUSTED, VALID, read_credentials

    found = read_credentials(path, anchors)
    if found.state not in (TRUSTED, VALID):
        raise ArtistError(f"{path}: {found}")
    return {"file": str(path), "credentials": found.state, "title": found.title, "source_type": found.source_type,
            "actions": list(found.actions), "ingredients": list(found.ingredients), "lineage": dict(found.lineage),
            "lines": [str(found)]}  # fmt: skip
