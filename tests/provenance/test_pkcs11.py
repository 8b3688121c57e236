"""A key that stays in its token, with SoftHSM 2 as the token."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.provenance.certificates import make_chain
from vfx_deepfake.provenance.keys import is_signature
from vfx_deepfake.provenance.pkcs11 import PIN_VARIABLE
from vfx_deepfake.provenance.signing import open_signer, open_signing

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "4711"
pytestmark = pytest.mark.skipif(
    not (shutil.which("softhsm2-util") and Path(MODULE).exists()), reason="no SoftHSM 2 here (Debian: softhsm2)"
)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with signing.toml for a token that made an Ed25519 key of its own."""
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed (extra: pkcs11)")
    from pkcs11.util.ec import encode_named_curve_parameters

    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))  # read once, when the library is loaded
        setup = ["softhsm2-util", "--init-token", "--free", "--label", "studio", "--pin", PIN, "--so-pin", "0815"]
        subprocess.run(setup, check=True, capture_output=True)
        with pkcs11.lib(MODULE).get_token(token_label="studio").open(rw=True, user_pin=PIN) as session:
            curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}  # id-Ed25519, RFC 8410
            parameters = session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, curve, local=True)
            parameters.generate_keypair(mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label="sign")
        (folder / "pin").write_text(PIN + "\n")
        (folder / "pin").chmod(0o600)
        yield folder


def settings(folder: Path, **changed: str) -> Path:
    """signing.toml in the folder, with something in it that is not as it should be."""
    values = {"module": MODULE, "token": "studio", "label": "sign", "pin_file": "pin", **changed}
    chain = 'chain = "chain.pem"\n' if (folder / "chain.pem").exists() else ""
    path = folder / "signing.toml"
    path.write_text(chain + "[pkcs11]\n" + "".join(f'{name} = "{value}"\n' for name, value in values.items()))
    return path


def test_a_token_signs_as_a_file_does(token: Path):
    signer = open_signer(settings(token))
    signature = signer.sign(b"manifest")
    assert len(signer.public) == 32 and is_signature(signer.public, b"manifest", signature)
    make_chain(token / "chain.pem", signer.public, "A Studio", token / "root.pem")
    assert open_signing(str(settings(token)), environment={}).chain.name == "A Studio signing"


def test_credentials_by_a_token(token: Path, tmp_path: Path):
    pytest.importorskip("c2pa", reason="c2pa-python is not installed (extra: credentials)")
    from PIL import Image

    from vfx_deepfake.provenance.credentials import TRUSTED, Credential, embed, read_credentials

    signer = open_signer(settings(token))
    chain = make_chain(tmp_path / "chain.pem", signer.public, "A Studio", tmp_path / "root.pem")
    Image.new("RGB", (8, 8)).save(tmp_path / "still.png")
    said = Credential(version="s_v001", shot="s", altered=False, trained=False, plate="0" * 64, lineage={})
    embed(tmp_path / "still.png", said, signer, chain)
    assert read_credentials(tmp_path / "still.png", tmp_path / "root.crt").state == TRUSTED


def test_pin_from_the_environment(token: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(PIN_VARIABLE, PIN)
    assert open_signer(settings(token, pin_file="")).public
    monkeypatch.delenv(PIN_VARIABLE)
    with pytest.raises(ArtistError, match="the PIN of token 'studio' is not known; set VFX_DEEPFAKE_PIN"):
        open_signer(settings(token, pin_file=""))


@pytest.mark.parametrize(
    ("changed", "said"),
    (
        ({"token": "other"}, "has no token 'other'"),
        ({"label": "other"}, "has no one Ed25519 key 'other'"),
        ({"module": "/nowhere.so"}, "of /nowhere.so failed"),
        ({"pin_file": "none"}, "the PIN can't be read"),
        ({"pin_file": "wrong"}, "refuses the PIN"),
        ({"pin_file": "open"}, "others than its owner may read this PIN"),
    ),
)
def test_what_is_refused(token: Path, changed: dict[str, str], said: str):
    for name, mode in (("wrong", 0o600), ("open", 0o644)):
        (token / name).write_text("9999")
        (token / name).chmod(mode)
    with pytest.raises(ArtistError, match=said):
        open_signer(settings(token, **changed))
