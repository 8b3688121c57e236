"""One small shot, approved and delivered; tests work on copies of the delivery."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.provenance.certificates import make_chain
from vfx_deepfake.provenance.credentials import credentials_problem
from vfx_deepfake.provenance.keys import FileSigner, TrustedKey, new_key, write_trusted

SETTINGS = ("model.method=propagate", "qc.enabled=false", "review.movie=false", "pack.slate=true")


def call(*arguments: object) -> None:
    assert main([*map(str, arguments)]) == 0


def credentials_chain(folder: Path, signer: FileSigner) -> str:
    """A chain for the key; empty where credentials can't be written."""
    if credentials_problem():
        return ""
    make_chain(folder / "chain.pem", signer.public, "Studio", folder / "root.pem")
    return str(folder / "chain.pem")


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A show with one shot, its v001 approved and delivered twice: the delivery, and a later one of the same version, with credentials."""
    pytest.importorskip("sqlalchemy", reason="the review database is not installed (extra: dailies)")
    folder = tmp_path_factory.mktemp("studio")
    shot = folder / "show" / "sh0010"
    make_performer_shot(shot, width=96, height=72, count=4, key_frames=2, microphone=False, overrides=SETTINGS)
    signer = new_key(folder / "key.pem")
    write_trusted(folder / "trusted.toml", [TrustedKey(name="Studio", public=signer.public.hex())])
    chain = credentials_chain(folder, signer)
    with pytest.MonkeyPatch.context() as patch:
        if chain:
            patch.setenv("VFX_DEEPFAKE_SIGNING_KEY", str(folder / "key.pem"))
            patch.setenv("VFX_DEEPFAKE_SIGNING_CHAIN", chain)
        call("run", shot, "--progress", "none")
    call("review", "register", shot)
    call("review", "approve", shot, "v001", "--why", "good")
    for name in ("first", "second"):
        credited = ("--chain", chain) if chain else ()
        options = ("--set", "pack.layers=false", *credited) if name == "second" else ()
        call("deliver", shot, "--key", folder / "key.pem", "--to", folder / name, "--progress", "none", *options)
    return folder


@pytest.fixture
def delivery(studio: Path, tmp_path: Path) -> Path:
    """A copy of the first delivery to be damaged."""
    return Path(shutil.copytree(studio / "first" / "demo_sh0010_v001", tmp_path / "delivery"))


@pytest.fixture(scope="session")
def signer(studio: Path) -> FileSigner:
    from vfx_deepfake.provenance.keys import open_key

    return open_key(studio / "key.pem")
