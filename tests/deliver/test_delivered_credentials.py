"""Review pictures and delivered ones say what they are where a key and a chain are configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.files import read_json
from vfx_deepfake.provenance.credentials import BY_HAND, TRUSTED, read_credentials
from vfx_deepfake.provenance.keys import FileSigner, key_id
from vfx_deepfake.provenance.manifest import read_manifest

pytest.importorskip("c2pa", reason="c2pa-python is not installed (extra: credentials)")
SHEET = "sh0010_v001_sheet.png"


def test_the_contact_sheet_in_review(studio: Path, signer: FileSigner):
    version = studio / "show/sh0010/versions/v001"
    sheet = next(version.rglob(SHEET))
    found = read_credentials(sheet, studio / "root.crt")
    record = read_json(version / "version.json")
    # painted key frames carried along, no network: people's work
    assert (found.state, found.title, found.source_type) == (TRUSTED, "sh0010_v001", BY_HAND)
    assert found.lineage["inputs_hash"] == record["inputs_hash"]
    assert found.lineage["releases"] == sorted(set(record["releases"].values()))
    assert record["credentials"] == f"signed with key {key_id(signer.public)}"


def test_a_delivery_names_its_manifest(studio: Path, capsys: pytest.CaptureFixture[str]):
    delivery = studio / "second/demo_sh0010_v001"
    manifest = read_manifest(delivery)
    found = read_credentials(delivery / "review" / SHEET, studio / "root.crt")
    assert (found.state, found.lineage["manifest_root"]) == (TRUSTED, manifest.root)
    assert found.lineage["record_hash"] == manifest.lineage["record_hash"]
    assert manifest.lineage["credentials"] == [f"review/{SHEET}"]
    options = ("--trusted", str(studio / "trusted.toml"), "--anchors", str(studio / "root.crt"))
    assert main(["verify", str(delivery), "--progress", "none", *options]) == 0
    assert f"review/{SHEET}: credentials trusted: sh0010_v001, humanEdits" in capsys.readouterr().out


def test_without_a_chain_nothing_is_added(studio: Path):
    assert read_manifest(studio / "first/demo_sh0010_v001").lineage["credentials"] == []
