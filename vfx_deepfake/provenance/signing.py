"""What signs: a key file, or a token that ``signing.toml`` names; with it the chain that says whose key it is.

``signing.toml`` has ``key`` (a PEM file) or a table ``[pkcs11]``, and may have ``chain`` and ``timestamp_url``. Its paths are relative
to it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.provenance.certificates import Chain, load_chain
from vfx_deepfake.provenance.keys import KEY_VARIABLE, Signer, open_key
from vfx_deepfake.provenance.pkcs11 import TokenSigner, TokenSpec
from vfx_deepfake.tables import build, read_toml

CHAIN_VARIABLE = "VFX_DEEPFAKE_SIGNING_CHAIN"


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningSpec:
    """``signing.toml`` without its table ``[pkcs11]``."""

    key: str = ""
    chain: str = ""
    timestamp_url: str = ""  # RFC 3161 service; empty: nothing is sent anywhere

    def __post_init__(self) -> None:
        if self.timestamp_url and not self.timestamp_url.startswith(("http://", "https://")):
            raise ValueError(f"timestamp_url is '{self.timestamp_url}'; want http:// or https://, or leave it out")


@dataclass(frozen=True, slots=True)
class Signing:
    """A key ready to sign; ``chain`` is None where nobody said whose it is."""

    signer: Signer
    chain: Chain | None
    timestamp_url: str = ""


def open_signing(key: str = "", chain: str = "", environment: Mapping[str, str] = os.environ) -> Signing:
    """The signer and its chain. key: a PEM file or signing.toml; both arguments win over file and environment.

    Raises: ArtistError when no key is named, or key or chain can't be used.
    """
    named = key or environment.get(KEY_VARIABLE, "")
    if not named:
        raise ArtistError(f"the signing key is not named; give --key FILE, or set {KEY_VARIABLE}")
    signer, spec = _signer(Path(named))
    place = chain or environment.get(CHAIN_VARIABLE, "") or spec.chain
    return Signing(signer, load_chain(Path(place), signer.public) if place else None, spec.timestamp_url)


def open_signer(path: Path) -> Signer:
    """The key alone: of a PEM file, or the one that signing.toml names.

    Raises: ArtistError when it can't be used.
    """
    return _signer(path)[0]


def configured(environment: Mapping[str, str] = os.environ) -> str:
    """Why nothing signs here by itself; empty when the environment names a key and a chain."""
    named = environment.get(KEY_VARIABLE, "")
    if not named:
        return f"no signing key ({KEY_VARIABLE})"
    inside = named.endswith(".toml") and Path(named).is_file() and "chain" in read_toml(Path(named))
    return "" if inside or environment.get(CHAIN_VARIABLE) else f"no certificate chain ({CHAIN_VARIABLE})"


def _signer(path: Path) -> tuple[Signer, SigningSpec]:
    if path.suffix != ".toml":
        return open_key(path), SigningSpec()
    table = read_toml(path)
    token = table.pop("pkcs11", None)
    spec = build(SigningSpec, table, str(path))
    if bool(spec.key) == (token is not None) or not isinstance(token, dict | None):
        raise ArtistError(f"{path}: want either key, a PEM file, or a table [pkcs11]")
    signer: Signer = (
        TokenSigner(build(TokenSpec, token, f"{path} [pkcs11]"), path)
        if token is not None
        else open_key(path.parent / spec.key)
    )
    chain = str(path.parent / spec.chain) if spec.chain else ""
    return signer, SigningSpec(key=spec.key, chain=chain, timestamp_url=spec.timestamp_url)
