"""Credentials of real pictures and movies, read back by the library's own reader: whole, changed, stripped."""

from __future__ import annotations

import datetime as dt
import getpass
import shutil
import socket
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from vfx_deepfake import __version__
from vfx_deepfake.cli.main import main
from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import write_text
from vfx_deepfake.media.movie import MovieSpec, write_movie
from vfx_deepfake.provenance.certificates import Chain, load_chain, make_chain, read_certificates
from vfx_deepfake.provenance.credentials import (
    ABSENT,
    BY_HAND,
    EXPIRED,
    INVALID,
    LINEAGE,
    TRAINED,
    TRUSTED,
    VALID,
    Credential,
    embed,
    read_credentials,
)
from vfx_deepfake.provenance.keys import TrustedKey, new_key, open_key
from vfx_deepfake.provenance.manifest import Manifest, entries_of, root_of, write_manifest
from vfx_deepfake.provenance.verify import Expected, credential_lines, verify

c2pa = pytest.importorskip("c2pa", reason="c2pa-python is not installed (extra: credentials)")

SAID = Credential(version="sh0010_v003", shot="sh0010", altered=True, trained=True, plate="ab" * 32,
                  lineage={"inputs_hash": "cd" * 32, "releases": ["actor-2026"], "manifest_root": "ef" * 32})  # fmt: skip
FILES = ("still.png", "still.tif", "still.jpg", "movie.mp4", "movie.mov")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise as pictures and movies under ``plain``, the same with credentials under ``signed``, and what signed them."""
    pytest.importorskip("av", reason="PyAV is not installed (extra: review)")
    folder = tmp_path_factory.mktemp("made")
    (folder / "plain").mkdir()
    noise = np.random.default_rng(1).random((3, 32, 48, 3), np.float32)
    for name in FILES[:3]:
        Image.fromarray((noise[0] * 255).astype(np.uint8)).save(folder / "plain" / name)
    for name in FILES[3:]:
        spec = MovieSpec(frame_rate=Fraction(24), timecode="01:00:00:00")
        write_movie(folder / "plain" / name, noise, spec)
    shutil.copytree(folder / "plain", folder / "signed")
    chain = make_chain(folder / "chain.pem", new_key(folder / "key.pem").public, "A Studio", folder / "root.pem")
    for name in FILES:
        embed(folder / "signed" / name, SAID, open_key(folder / "key.pem"), chain)
    return folder


def decoded(path: Path) -> list[np.ndarray]:
    """Every picture of a file, and of a movie its timecode track counted too."""
    if path.suffix not in (".mp4", ".mov"):
        return [np.asarray(Image.open(path))]
    import av

    with av.open(str(path)) as container:
        tracks = np.array([len(container.streams), int(container.duration or 0)])
        return [tracks, *(frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0))]


@pytest.mark.parametrize("name", FILES)
def test_read_back(made: Path, name: str):
    path = made / "signed" / name
    found = read_credentials(path, made / "root.crt")
    assert (found.state, found.why) == (TRUSTED, ())
    assert read_credentials(path).state == VALID  # the library knows no studio by itself
    assert (found.generator, found.title, found.signed_by) == (f"vfx_deepfake {__version__}", "sh0010_v003", "A Studio")
    assert (found.source_type, found.actions) == (TRAINED, ("c2pa.opened", "c2pa.edited"))
    assert found.ingredients == ("sh0010 plate",)
    assert found.lineage == {**SAID.lineage, "plate_sha256": SAID.plate, "digitally_altered": True}


@pytest.mark.parametrize("name", FILES)
def test_pictures_are_the_same(made: Path, name: str):
    before, after = decoded(made / "plain" / name), decoded(made / "signed" / name)
    assert len(before) == len(after) and all(map(np.array_equal, before, after))
    assert read_credentials(made / "plain" / name).state == ABSENT


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_in_the_picture(made: Path, tmp_path: Path, name: str):
    data = bytearray((made / "signed" / name).read_bytes())
    # TIFF pictures lie ahead of the credentials, all others behind them
    at = 1000 if name.endswith("tif") else len(data) - 500
    data[at] ^= 1
    (tmp_path / name).write_bytes(data)
    found = read_credentials(tmp_path / name, made / "root.crt")
    mismatch = "assertion.bmffHash.mismatch" if name.startswith("movie") else "assertion.dataHash.mismatch"
    assert (found.state, found.why) == (INVALID, (mismatch,))


def test_another_studio_is_not_ours(made: Path, tmp_path: Path):
    shutil.copy(made / "plain" / "still.png", tmp_path / "still.png")
    stranger = new_key(tmp_path / "key.pem")
    embed(
        tmp_path / "still.png",
        SAID,
        stranger,
        make_chain(tmp_path / "chain.pem", stranger.public, "Not They", tmp_path / "root.pem"),
    )
    found = read_credentials(tmp_path / "still.png", made / "root.crt")
    assert (found.state, found.signed_by) == (VALID, "Not They")
    assert "whom no trusted certificate vouches for" in str(found)


def test_a_certificate_that_ran_out_since(made: Path, tmp_path: Path):
    shutil.copy(made / "plain" / "still.png", tmp_path / "still.png")
    key, now = open_key(made / "key.pem"), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A Studio")])
    root = read_certificates(made / "root.crt")[0]
    ends = now + dt.timedelta(seconds=5)  # time enough to sign, which takes hundredths of a second
    builder = x509.CertificateBuilder(root.subject, name, key.private.public_key(), 7, now - dt.timedelta(days=1), ends)
    for extension, critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(True, *[False] * 8), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    issued = builder.sign(open_key(made / "root.pem").private, None)
    write_text(tmp_path / "chain.pem", "".join(each.public_bytes(Encoding.PEM).decode() for each in (issued, root)))
    embed(tmp_path / "still.png", SAID, key, load_chain(tmp_path / "chain.pem", key.public))
    assert read_credentials(tmp_path / "still.png", made / "root.crt").state == TRUSTED
    while dt.datetime.now(dt.UTC) < ends + dt.timedelta(seconds=1):
        time.sleep(0.5)
    found = read_credentials(tmp_path / "still.png", made / "root.crt")
    assert found.state == EXPIRED and "the certificate of A Studio has run out" in str(found)
    data = bytearray((tmp_path / "still.png").read_bytes())
    data[-500] ^= 1
    (tmp_path / "still.png").write_bytes(data)
    assert read_credentials(tmp_path / "still.png", made / "root.crt").state == INVALID


def test_credentials_replace_older_ones(made: Path, tmp_path: Path):
    shutil.copy(made / "signed" / "movie.mp4", tmp_path / "movie.mp4")
    key = open_key(made / "key.pem")
    by_hand = Credential(version="sh0010_v004", shot="sh0010", altered=True, trained=False, plate="1" * 64, lineage={})
    embed(tmp_path / "movie.mp4", by_hand, key, chain_of(made))
    found = read_credentials(tmp_path / "movie.mp4", made / "root.crt")
    assert (found.state, found.title, found.source_type) == (TRUSTED, "sh0010_v004", BY_HAND)
    assert list(tmp_path.iterdir()) == [tmp_path / "movie.mp4"]


def test_nothing_is_claimed_of_a_plate_passed_through(made: Path, tmp_path: Path):
    shutil.copy(made / "plain" / "still.tif", tmp_path / "still.tif")
    passed = Credential(version="sh0010_v001", shot="sh0010", altered=False, trained=True, plate="1" * 64, lineage={})
    embed(tmp_path / "still.tif", passed, open_key(made / "key.pem"), chain_of(made))
    found = read_credentials(tmp_path / "still.tif", made / "root.crt")
    assert (found.state, found.source_type, found.actions) == (TRUSTED, "", ("c2pa.opened",))
    assert found.lineage["digitally_altered"] is False


def test_no_path_host_or_user_inside(made: Path):
    with c2pa.Reader(made / "signed" / "still.png") as reader:
        store = reader.detailed_json()
    assert LINEAGE in store and "thumbnail" not in store
    assert not [place for place in (made.parent, Path.cwd(), f"{Path.home()}/") if str(place) in store]
    assert not {socket.gethostname(), getpass.getuser()} & set(store.split('"'))


def test_what_can_not_be_signed(made: Path, tmp_path: Path):
    key, chain = open_key(made / "key.pem"), chain_of(made)
    with pytest.raises(ArtistError, match="can't carry credentials; of pictures and movies .png"):
        embed(tmp_path / "frame.exr", SAID, key, chain)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ArtistError, match="credentials could not be written"):
        embed(tmp_path / "text.png", SAID, key, chain)
    assert (tmp_path / "text.png").read_text() == "no picture" and len(list(tmp_path.iterdir())) == 1


def test_verify_names_what_happened_to_credentials(made: Path, tmp_path: Path):
    names = ("still.png", "movie.mp4", "movie.mov")
    for name in names:
        shutil.copy(made / "signed" / name, tmp_path / name)
    entries = entries_of(tmp_path, dict.fromkeys(names))
    manifest = Manifest(show="s", shot="sh0010", version="v003", serial=1, previous="", made_at="2026-01-01T00:00:00+00:00", made_by={},
                        lineage={"credentials": list(names)}, root=root_of(()), files=entries)  # fmt: skip
    signer = open_key(made / "key.pem")
    write_manifest(tmp_path, manifest, signer)
    expected = Expected((TrustedKey(name="A Studio", public=signer.public.hex()),), anchors=made / "root.crt")
    assert verify(tmp_path, expected)[1] == []
    assert all(
        "credentials trusted: sh0010_v003" in line for line in credential_lines(tmp_path, manifest, expected.anchors)
    )
    Image.open(tmp_path / "still.png").save(tmp_path / "still.png")
    movie = bytearray((tmp_path / "movie.mp4").read_bytes())
    movie[-500] ^= 1
    (tmp_path / "movie.mp4").write_bytes(movie)
    found = [(each.kind, each.path) for each in verify(tmp_path, expected)[1]]
    assert found == [("re-encoded", "still.png"), ("changed", "movie.mp4"),
                     ("credentials gone", "still.png"), ("credentials broken", "movie.mp4")]  # fmt: skip


def test_verify_of_one_file(made: Path, capsys: pytest.CaptureFixture[str]):
    anchors = ("--anchors", str(made / "root.crt"))
    assert main(["verify", str(made / "signed" / "movie.mov"), *anchors]) == 0
    assert "credentials trusted: sh0010_v003, compositeWithTrainedAlgorithmicMedia" in capsys.readouterr().out
    assert main(["verify", str(made / "plain" / "movie.mov"), *anchors]) == 2
    assert "movie.mov: carries no credentials" in capsys.readouterr().err


def chain_of(made: Path) -> Chain:
    return load_chain(made / "chain.pem", open_key(made / "key.pem").public)
