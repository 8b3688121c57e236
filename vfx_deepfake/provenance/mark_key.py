"""The secret of the review mark: 32 random bytes as hex, in a file that only its owner may read.

Who has it can read marks, and could forge or remove them; who hasn't sees nothing to look for.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.provenance.keys import require_private, write_private

MARK_KEY_VARIABLE = "VFX_DEEPFAKE_MARK_KEY"  # path of the file, for stages that mark
KEY_BYTES = 32
_MAKE = "make one with 'vfx-deepfake keys new-mark FILE'"


def new_mark_key(path: Path) -> None:
    """Make a key file; never over one that is there.

    Raises: ArtistError when the file exists; DeliveryError when the disk refuses.
    """
    write_private(path, secrets.token_hex(KEY_BYTES).encode() + b"\n")


def open_mark_key(said: str = "") -> bytes:
    """The key of the file that is named, or else of the one that the environment names.

    Raises: ArtistError when none is named, others may read it, or it is no such key.
    """
    path = Path(said or os.environ.get(MARK_KEY_VARIABLE, ""))
    if not path.name:
        raise ArtistError(f"the key of the review mark is not named; set {MARK_KEY_VARIABLE} to its file, or {_MAKE}")
    try:
        require_private(path)
        text = path.read_bytes().strip()
        key = bytes.fromhex(text.decode("ascii"))
    except OSError as error:
        raise ArtistError(
            f"{path}: the key of the review mark can't be read ({error.strerror}); check the path, or {_MAKE}"
        ) from error
    except ValueError as error:
        raise ArtistError(f"{path}: is no key of a review mark ({2 * KEY_BYTES} hex digits); {_MAKE}") from error
    if len(key) != KEY_BYTES:
        raise ArtistError(f"{path}: holds {len(key)} bytes; a key of a review mark has {KEY_BYTES}; {_MAKE}")
    return key
