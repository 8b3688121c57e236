"""Signing keys: made once, readable by their owner alone, believed as long as the list says so."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from vfx_deepfake.cli.main import main
from vfx_deepfake.errors import ArtistError, ShotError
from vfx_deepfake.provenance.keys import (
    FileSigner,
    TrustedKey,
    is_signature,
    load_trusted,
    new_key,
    open_key,
    write_trusted,
)

# RFC 8032, section 7.1, test 2
SECRET = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")  # fmt: skip


def test_signatures_are_those_of_the_standard():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signer = FileSigner(Ed25519PrivateKey.from_private_bytes(SECRET))
    assert (signer.public, signer.sign(b"\x72")) == (PUBLIC, SIGNATURE)
    assert is_signature(PUBLIC, b"\x72", SIGNATURE)


@pytest.mark.parametrize(("public", "message", "signature"), ((PUBLIC, b"\x73", SIGNATURE), (PUBLIC, b"\x72", SIGNATURE[:-1]),
                                                              (PUBLIC[::-1], b"\x72", SIGNATURE), (b"", b"\x72", SIGNATURE)))  # fmt: skip
def test_what_is_no_signature(public, message, signature):
    assert not is_signature(public, message, signature)


def test_file_is_for_its_owner_alone_and_opens_again(tmp_path: Path):
    made = new_key(tmp_path / "deep" / "key.pem")
    assert stat.S_IMODE((tmp_path / "deep" / "key.pem").stat().st_mode) == 0o600
    assert open_key(tmp_path / "deep" / "key.pem").public == made.public


def test_a_key_is_never_written_over(tmp_path: Path):
    new_key(tmp_path / "key.pem")
    with pytest.raises(ArtistError, match="exists already and is left alone"):
        new_key(tmp_path / "key.pem")


@pytest.mark.parametrize("mode", (0o640, 0o604, 0o660, 0o644))
def test_an_open_key_is_refused(tmp_path: Path, mode: int):
    new_key(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(ArtistError, match="others than its owner may use this key"):
        open_key(tmp_path / "key.pem")


def test_files_that_hold_no_key(tmp_path: Path):
    with pytest.raises(ArtistError, match="can't be read"):
        open_key(tmp_path / "none.pem")
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for name, data, said in (
        ("text.pem", b"hello", "is no private key in PEM"),
        ("ec.pem", other, "an Ed25519 key was expected"),
    ):
        (tmp_path / name).write_bytes(data)
        (tmp_path / name).chmod(0o600)
        with pytest.raises(ArtistError, match=said):
            open_key(tmp_path / name)


def test_list_comes_back_as_written(tmp_path: Path):
    keys = (
        TrustedKey(name="old", public=PUBLIC.hex(), valid_until=dt.date(2026, 6, 30)),
        TrustedKey(name="new", public=SECRET.hex()),
    )
    write_trusted(tmp_path / "trusted.toml", keys)
    assert load_trusted(tmp_path / "trusted.toml") == keys


def test_a_list_with_a_wrong_key(tmp_path: Path):
    (tmp_path / "trusted.toml").write_text('[[key]]\nname = "a"\npublic = "12"\n')
    with pytest.raises(ShotError, match="want the 64 hex digits"):
        load_trusted(tmp_path / "trusted.toml")


def test_rotation_by_command(tmp_path: Path, capsys):
    listed = tmp_path / "trusted.toml"
    assert main(["keys", "new", str(tmp_path / "key.pem")]) == 0
    public = open_key(tmp_path / "key.pem").public.hex()
    assert main(["keys", "trust", str(listed), public, "--name", "Studio"]) == 0
    assert main(["keys", "trust", str(listed), public, "--name", "Studio"]) == 2
    assert main(["keys", "trust", str(listed), "12", "--name", "Studio"]) == 2
    key = load_trusted(listed)[0]
    assert main(["keys", "retire", str(listed), key.id, "--on", "2026-12-31"]) == 0
    assert load_trusted(listed)[0].valid_until == dt.date(2026, 12, 31)
    assert main(["keys", "retire", str(listed), key.id, "--stolen", "--on", "soon"]) == 2
    assert main(["keys", "retire", str(listed), key.id, "--stolen", "--on", "2026-12-01"]) == 0
    assert main(["keys", "retire", str(listed), "0" * 16]) == 2
    capsys.readouterr()
    assert main(["keys", "list", str(listed)]) == 0
    assert "Studio" in capsys.readouterr().out and load_trusted(listed)[0].revoked == dt.date(2026, 12, 1)
