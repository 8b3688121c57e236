"""A signing key in a token that never gives it away (PKCS#11 3.0, EDDSA), by the library python-pkcs11 (extra ``pkcs11``).

The PIN comes from a file that only its owner may read, or from the environment; never from the command line, which others can see.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError

PIN_VARIABLE = "VFX_DEEPFAKE_PIN"
PUBLIC_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenSpec:
    """``[pkcs11]`` of signing.toml: which key of which token."""

    module: str  # the maker's library, e.g. /usr/lib/softhsm/libsofthsm2.so
    token: str  # the token's label
    label: str  # the key's label, of private and public half alike
    pin_file: str = ""  # empty: VFX_DEEPFAKE_PIN


class TokenSigner:
    """An Ed25519 key of a token, see :class:`vfx_deepfake.provenance.keys.Signer`."""

    def __init__(self, spec: TokenSpec, where: Path) -> None:
        """Look the key up. where: signing.toml, to which ``pin_file`` is relative.

        Raises: ArtistError when library, token, key or PIN is not what it should be.
        """
        self._spec, self._where = spec, where
        self._pin = _pin(spec, where)
        self.public = self._used(_public_half)

    def sign(self, message: bytes) -> bytes:
        """See :class:`vfx_deepfake.provenance.keys.Signer`."""
        return self._used(lambda session, label: _private_half(session, label, message))

    def _used(self, task: Any) -> bytes:
        """What a task does in a session of its own; the library's errors in plain words."""
        try:
            import pkcs11
        except ImportError as error:
            raise ArtistError(
                f"{self._where}: [pkcs11] needs python-pkcs11; pip install 'vfx_deepfake[pkcs11]'"
            ) from error
        spec, where = self._spec, self._where
        try:
            token = pkcs11.lib(spec.module).get_token(token_label=spec.token)
            with token.open(user_pin=self._pin) as session:
                return bytes(task(session, spec.label))
        except pkcs11.NoSuchToken as error:
            raise ArtistError(
                f"{where}: {spec.module} has no token '{spec.token}'; check [pkcs11].token and that it is plugged in"
            ) from error
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, pkcs11.PinLocked) as error:
            raise ArtistError(f"{where}: token '{spec.token}' refuses the PIN ({type(error).__name__}); correct it before trying again, "
                              "tokens lock themselves after a few")  from error  # fmt: skip
        except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned) as error:
            raise ArtistError(f"{where}: token '{spec.token}' has no one Ed25519 key '{spec.label}', public and private half; "
                              "check [pkcs11].label")  from error  # fmt: skip
        except pkcs11.PKCS11Error as error:
            raise ArtistError(f"{where}: token '{spec.token}' of {spec.module} failed ({str(error) or type(error).__name__}); "
                              "check [pkcs11].module and that the token signs with EDDSA")  from error  # fmt: skip


def _public_half(session: Any, label: str) -> bytes:
    """The raw public key: the point is stored bare or as a DER octet string, tokens differ."""
    import pkcs11

    key = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, key_type=pkcs11.KeyType.EC_EDWARDS, label=label)
    return bytes(key[pkcs11.Attribute.EC_POINT])[-PUBLIC_BYTES:]


def _private_half(session: Any, label: str, message: bytes) -> bytes:
    import pkcs11

    key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, key_type=pkcs11.KeyType.EC_EDWARDS, label=label)
    return bytes(key.sign(message, mechanism=pkcs11.Mechanism.EDDSA))


def _pin(spec: TokenSpec, where: Path) -> str:
    if not spec.pin_file:
        pin = os.environ.get(PIN_VARIABLE, "")
        if not pin:
            raise ArtistError(
                f"{where}: the PIN of token '{spec.token}' is not known; set {PIN_VARIABLE}, or [pkcs11].pin_file"
            )
        return pin
    path = where.parent / spec.pin_file
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ArtistError(
                f"{path}: others than its owner may read this PIN; run 'chmod 600 {path}', and change the PIN"
            )
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ArtistError(f"{path}: the PIN can't be read ({error.strerror}); check [pkcs11].pin_file") from error
