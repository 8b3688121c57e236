"""Chains: made for a key, checked before anything is signed with it, refused in one plain line."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vfx_deepfake.cli.main import main
from vfx_deepfake.errors import ArtistError, ShotError
from vfx_deepfake.files import write_text
from vfx_deepfake.provenance.certificates import load_chain, make_chain, read_certificates, root_certificate
from vfx_deepfake.provenance.keys import new_key
from vfx_deepfake.provenance.signing import configured, open_signing

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()


def leaf(
    *, key=KEY, days: tuple[int, int] = (-1, 30), ca=False, signs=True, purpose=ExtendedKeyUsageOID.EMAIL_PROTECTION
) -> str:
    """A certificate that vouches for itself, with one thing about it as a case wants it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A Studio")])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days[0]))
        .not_valid_after(now + dt.timedelta(days[1]))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.KeyUsage(signs, not signs, *[False] * 7), critical=True)
    )
    if purpose:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(KEY, None).public_bytes(Encoding.PEM).decode()


def test_a_studio_makes_its_own(tmp_path: Path):
    chain = make_chain(tmp_path / "chain.pem", PUBLIC, "A Studio", tmp_path / "root.pem", years=2)
    ours, root = read_certificates(tmp_path / "chain.pem")
    assert chain.name == "A Studio signing"
    assert 728 <= (chain.until - dt.datetime.now(dt.UTC)).days <= 730  # a day is given away to clocks that differ
    assert read_certificates(root_certificate(tmp_path / "root.pem")) == [root]
    ours.verify_directly_issued_by(root)
    assert stat.S_IMODE((tmp_path / "root.pem").stat().st_mode) == 0o600
    assert "PRIVATE" not in (tmp_path / "chain.pem").read_text() + root_certificate(tmp_path / "root.pem").read_text()


def test_a_new_key_under_the_same_root(tmp_path: Path):
    second = new_key(tmp_path / "second.pem").public
    for name, public in (("first", PUBLIC), ("next", second)):
        make_chain(tmp_path / f"{name}.crt.pem", public, "A Studio", tmp_path / "root.pem")
    assert read_certificates(tmp_path / "first.crt.pem")[1] == read_certificates(tmp_path / "next.crt.pem")[1]
    with pytest.raises(ArtistError, match="exists already and is left alone"):
        make_chain(tmp_path / "next.crt.pem", second, "A Studio", tmp_path / "root.pem")
    root_certificate(tmp_path / "root.pem").write_text(leaf(ca=True))
    with pytest.raises(ArtistError, match="was not issued by 'A Studio'"):
        make_chain(tmp_path / "third.pem", second, "A Studio", tmp_path / "root.pem")


@pytest.mark.parametrize(
    ("text", "said"),
    (
        (leaf(days=(-30, -1)), r"the certificate of 'A Studio' ran out on \d{4}-\d\d-\d\d; get a new one"),
        (leaf(days=(2, 30)), "is good from .* on; check this host's clock"),
        (leaf(key=ec.generate_private_key(ec.SECP256R1())), "for a key of another kind"),
        (leaf(key=Ed25519PrivateKey.generate()), r"is for key [0-9a-f]{16}, the signing key is [0-9a-f]{16}"),
        (leaf(ca=True), "its first certificate is an authority's"),
        (leaf(signs=False), "is not for signatures"),
        (leaf(purpose=ExtendedKeyUsageOID.SERVER_AUTH), r"is for 1\.3\.6\.1\.5\.5\.7\.3\.1 \(extended key usage\)"),
        (leaf(purpose=None), "is for no purpose at all"),
        (leaf() + leaf(key=Ed25519PrivateKey.generate()), "'A Studio' was not issued by 'A Studio', which follows it"),
        ("hello", "holds no certificates in PEM"),
    ),
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, text: str, said: str):
    write_text(tmp_path / "chain.pem", text)
    with pytest.raises(ArtistError, match=said):
        load_chain(tmp_path / "chain.pem", PUBLIC)


def test_no_chain_there(tmp_path: Path):
    with pytest.raises(ArtistError, match="the certificates can't be read"):
        load_chain(tmp_path / "none.pem", PUBLIC)


def test_by_command_and_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    key, chain, settings = tmp_path / "key.pem", tmp_path / "chain.pem", tmp_path / "signing.toml"
    public = new_key(key).public
    command = ["keys", "certificate", str(key), "--name", "A Studio", "--to", str(chain)]
    assert main([*command, "--years", "0"]) == 2
    assert main(command) == 0 and "root.crt" in capsys.readouterr().out
    settings.write_text('key = "key.pem"\nchain = "chain.pem"\ntimestamp_url = "https://tsa.example"\n')
    found = open_signing(str(settings), environment={})
    assert found.chain and (found.signer.public, found.timestamp_url) == (public, "https://tsa.example")
    assert open_signing(str(key), environment={}).chain is None
    by_environment = {"VFX_DEEPFAKE_SIGNING_KEY": str(key), "VFX_DEEPFAKE_SIGNING_CHAIN": str(chain)}
    assert open_signing(environment=by_environment).chain == found.chain
    assert [configured(each) for each in (by_environment, {"VFX_DEEPFAKE_SIGNING_KEY": str(settings)})] == ["", ""]
    assert configured({}) == "no signing key (VFX_DEEPFAKE_SIGNING_KEY)"
    assert configured({"VFX_DEEPFAKE_SIGNING_KEY": str(key)}) == "no certificate chain (VFX_DEEPFAKE_SIGNING_CHAIN)"
    with pytest.raises(ArtistError, match="the signing key is not named"):
        open_signing(environment={})


@pytest.mark.parametrize(
    ("text", "said"),
    (
        ("", "want either key, a PEM file, or a table"),
        ('key = "k"\n[pkcs11]\nmodule = "m"\ntoken = "t"\nlabel = "l"\n', "want either key, a PEM file, or a table"),
        ('key = "k"\ntimestamp_url = "tsa.example"\n', "timestamp_url is 'tsa.example'; want http"),
        (
            '[pkcs11]\nmodule = "m"\ntoken = "t"\nlabel = "l"\npin = "1234"\n',
            "pin: unknown key; known keys: label, module, pin_file",
        ),
    ),
)
def test_signing_files_that_can_not_be(tmp_path: Path, text: str, said: str):
    (tmp_path / "signing.toml").write_text(text)
    with pytest.raises((ArtistError, ShotError), match=said):
        open_signing(str(tmp_path / "signing.toml"), environment={})
