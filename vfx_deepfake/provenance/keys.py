"""Keys that sign manifests: Ed25519 in a file that only its owner may read, and the list of keys a studio trusts.

A key is named by the first 16 hex digits of the SHA-256 of its public half. Keys are changed by making a new one and giving the old one
a last day in the list: what it signed until then stays good.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import tomlkit

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import disk_error, flush_to_disk, write_text
from vfx_deepfake.tables import build, read_toml

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ALGORITHM = "Ed25519"
KEY_VARIABLE = "VFX_DEEPFAKE_SIGNING_KEY"
TRUST_VARIABLE = "VFX_DEEPFAKE_TRUSTED_KEYS"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Signer(Protocol):
    """Whatever holds the private half: a file, or a token that never gives it away."""

    public: bytes  # raw, 32 bytes

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature (RFC 8032) of a message."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedKey:
    """One entry of the list of trusted keys."""

    name: str
    public: str  # 64 hex digits
    valid_from: dt.date = dt.date.min
    valid_until: dt.date = dt.date.max  # last day on which it signed
    revoked: dt.date = (
        dt.date.max
    )  # from this day on nothing it signed is believed, whatever its date: the key was stolen

    def __post_init__(self) -> None:
        if len(self.public) != 64 or any(digit not in "0123456789abcdef" for digit in self.public):
            raise ValueError(
                f"public is '{self.public[:80]}'; want the 64 hex digits that 'vfx-deepfake keys new' printed"
            )

    @property
    def id(self) -> str:
        """The key's name in manifests."""
        return key_id(bytes.fromhex(self.public))


def key_id(public: bytes) -> str:
    """Name of a public key, 16 hex digits."""
    return hashlib.sha256(public).hexdigest()[:16]


class FileSigner:
    """A private key from a PEM file."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.private = key
        self.public = key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """See :class:`Signer`."""
        return self.private.sign(message)


def new_key(path: Path) -> FileSigner:
    """Make a key and write it to ``path``, readable by its owner alone; never over a file that is there.

    Raises: ArtistError when the file exists; DeliveryError when the disk refuses.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(path, pem)
    return FileSigner(key)


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read; never over one that is there.

    Raises: ArtistError when the file exists; DeliveryError when the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        flush_to_disk(path.parent)
    except FileExistsError as error:
        raise ArtistError(f"{path}: exists already and is left alone; choose another name for the new key") from error
    except OSError as error:
        raise disk_error(path, error) from error


def require_private(path: Path) -> None:
    """Refuse a key that others than its owner may read or write.

    Raises: ArtistError; OSError where there is no such file.
    """
    mode = path.stat().st_mode
    if mode & _OTHERS:
        raise ArtistError(f"{path}: others than its owner may use this key (mode {stat.S_IMODE(mode):o}); run 'chmod 600 {path}', "
                          "and make a new key if it has lain open")  # fmt: skip


def open_key(path: Path) -> FileSigner:
    """The key of a file.

    Raises: ArtistError when others may read it, or it is no Ed25519 key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        require_private(path)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise ArtistError(f"{path}: the signing key can't be read ({error.strerror}); check the path, or make one with "
                          "'vfx-deepfake keys new'") from error  # fmt: skip
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ArtistError(
            f"{path}: is no private key in PEM without a pass phrase; make one with 'vfx-deepfake keys new'"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ArtistError(
            f"{path}: is a {type(key).__name__}; an {ALGORITHM} key was expected; make one with 'vfx-deepfake keys new'"
        )
    return FileSigner(key)


def is_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """True when the signature is the key's own of this message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def load_trusted(path: Path) -> tuple[TrustedKey, ...]:
    """The list of trusted keys, ``[[key]]`` tables.

    Raises: ShotError naming the entry and the key that can't be used.
    """
    table = read_toml(path)
    entries = table.get("key", [])
    return tuple(build(TrustedKey, dict(entry), f"{path} [[key]] {number}") for number, entry in enumerate(entries, 1))


def write_trusted(path: Path, keys: Iterable[TrustedKey]) -> None:
    """Write the list whole or not at all."""
    document = tomlkit.document()
    document.add(
        tomlkit.comment("Keys whose signatures 'vfx-deepfake verify' believes. Give it to whoever receives deliveries.")
    )
    tables = tomlkit.aot()
    for key in keys:
        fields: dict[str, Any] = {"name": key.name, "public": key.public}
        fields |= {name: day for name in ("valid_from", "valid_until", "revoked")
                   if (day := getattr(key, name)) not in (dt.date.min, dt.date.max)}  # fmt: skip
        tables.append(tomlkit.item(fields))
    document["key"] = tables
    write_text(path, tomlkit.dumps(document))
