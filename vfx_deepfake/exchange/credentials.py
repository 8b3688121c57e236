"""Who we are to a tracker: from the environment, or from a file that nobody else may read. Never shown, logged or stored."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ReviewError, ShotError
from vfx_deepfake.tables import build, read_toml

LOGIN, PASSWORD, TOKEN = (f"VFX_DEEPFAKE_TRACKER_{word}" for word in ("LOGIN", "PASSWORD", "TOKEN"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Login and password (ShotGrid: name and key of a script), or a token (Kitsu: of a bot)."""

    login: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not (self.token or (self.login and self.password)):
            raise ValueError("holds neither a token nor login and password; give one of the two")


def read_credentials(file: Path | None) -> Credentials:
    """The credentials of this process; ``file`` is TOML with ``login`` and ``password``, or ``token``.

    The environment wins: VFX_DEEPFAKE_TRACKER_LOGIN and _PASSWORD, or _TOKEN.
    Raises: ReviewError where there are none, or others may read the file.
    """
    named = {name.rpartition("_")[2].lower(): os.environ.get(name, "") for name in (LOGIN, PASSWORD, TOKEN)}
    if any(named.values()):
        return _built(named, "VFX_DEEPFAKE_TRACKER_*")
    if file is None:
        raise ReviewError(
            f"the tracker wants a login; set {LOGIN} and {PASSWORD} (or {TOKEN}), or name a file as 'credentials' in [tracker]"
        )
    _require_private(file)
    return _built(read_toml(file), str(file))


def _built(table: dict[str, Any], where: str) -> Credentials:
    """Without the reader's own words, which could quote a password that is no text."""
    try:
        return build(Credentials, table, where)
    except ShotError:
        raise ReviewError(f"{where}: want the texts login and password, or the text token, and nothing else") from None


def _require_private(file: Path) -> None:
    try:
        found = file.stat()
    except OSError as error:
        raise ReviewError(
            f"{file}: can't be read ({error.strerror}); [tracker].credentials names a TOML file with login and password"
        ) from error
    if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid not in (os.geteuid(), 0):
        raise ReviewError(f"{file}: others may read or change it; chown it to this account and chmod 600 it")
