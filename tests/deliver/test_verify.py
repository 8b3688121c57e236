"""What happened to a delivery on its way is named exactly: kind, file and frame."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import OpenImageIO as oiio
import pytest

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import write_json
from vfx_deepfake.media.stamp import read_stamp
from vfx_deepfake.provenance.keys import FileSigner, TrustedKey, load_trusted, new_key
from vfx_deepfake.provenance.manifest import KIND, MANIFEST, SIGNATURE, chained, read_manifest, root_of, write_manifest
from vfx_deepfake.provenance.verify import Expected, Finding, verify

EXR, DPX = "exr/sh0010_v001.1002.exr", "dpx/sh0010_v001.1002.dpx"
NEXT_EXR = "exr/sh0010_v001.1003.exr"


@pytest.fixture
def trusted(studio: Path) -> tuple[TrustedKey, ...]:
    return load_trusted(studio / "trusted.toml")


def findings(folder: Path, trusted: tuple[TrustedKey, ...], **more: object) -> list[Finding]:
    return verify(folder, Expected(trusted, **more))[1]  # type: ignore[arg-type]


def as_named(found: list[Finding]) -> list[tuple[str, str, int | None]]:
    return [(each.kind, each.path, each.frame) for each in found]


def flip(path: Path, at: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1 << bit
    path.write_bytes(data)


def test_untouched_is_intact(delivery, trusted):
    manifest, found = verify(delivery, Expected(trusted, "v001", (1, read_manifest(delivery).root)))
    assert found == []
    frames = [entry.frame for entry in manifest.files if entry.frame is not None]
    assert frames == [1000, 1001, 1002, 1003, 1004] * 2  # a slate ahead of four frames, EXR and DPX
    assert manifest.serial == 1 and manifest.lineage["digitally_altered"] is True


def test_every_frame_names_version_and_manifest(delivery):
    manifest = read_manifest(delivery)
    for entry in manifest.files:
        if entry.frame is not None:
            assert read_stamp(delivery / entry.path) == {**read_stamp(delivery / entry.path), "version_id": "sh0010_v001",
                                                         "manifest": manifest.root}  # fmt: skip


@pytest.mark.parametrize("bit", range(8))
@pytest.mark.parametrize("share", (0.0, 0.02, 0.3, 0.6, 0.999))
@pytest.mark.parametrize("name", (EXR, DPX, "version.json"))
def test_one_flipped_bit_anywhere(delivery, trusted, name, share, bit):
    path = delivery / name
    flip(path, int(share * path.stat().st_size), bit)
    found = findings(delivery, trusted)
    assert [each.path for each in found] == [name]
    assert found[0].kind in ("changed", "damaged", "re-encoded")  # re-encoded: the bit says nothing about the picture
    assert found[0].frame == (1002 if name != "version.json" else None)


def test_a_pixel_changed_by_hand_is_not_a_new_encoding(delivery, trusted):
    picture = oiio.ImageBuf(str(delivery / DPX))
    picture.setpixel(5, 5, (0.1, 0.2, 0.3))
    picture.write(str(delivery / DPX))
    assert as_named(findings(delivery, trusted)) == [("changed", DPX, 1002)]


def test_frames_swapped(delivery, trusted):
    first, second = delivery / EXR, delivery / NEXT_EXR
    first.rename(delivery / "aside")
    second.rename(first)
    (delivery / "aside").rename(second)
    found = findings(delivery, trusted)
    assert as_named(found) == [("swapped", EXR, 1002), ("swapped", NEXT_EXR, 1003)]
    assert "holds the picture of frame 1003" in found[0].words


def test_frame_dropped(delivery, trusted):
    (delivery / DPX).unlink()
    assert as_named(findings(delivery, trusted)) == [("missing", DPX, 1002)]


def test_frame_added(delivery, trusted):
    shutil.copy(delivery / DPX, delivery / "dpx" / "sh0010_v001.1005.dpx")
    found = findings(delivery, trusted)
    assert as_named(found) == [("extra", "dpx/sh0010_v001.1005.dpx", None)]
    assert "holds the picture of frame 1002" in found[0].words


def test_frame_stored_anew(delivery, trusted):
    picture = oiio.ImageBuf(str(delivery / DPX))
    picture.specmod().attribute("oiio:Endian", "little")
    picture.write(str(delivery / DPX))
    assert as_named(findings(delivery, trusted)) == [("re-encoded", DPX, 1002)]


def test_no_signature(delivery, trusted):
    (delivery / SIGNATURE).unlink()
    assert as_named(findings(delivery, trusted)) == [("unsigned", "", None)]


def test_manifest_edited(delivery, trusted):
    text = (delivery / MANIFEST).read_text()
    (delivery / MANIFEST).write_text(text.replace('"digitally_altered": true', '"digitally_altered": false'))
    assert as_named(findings(delivery, trusted)) == [("forged", "", None)]


def test_signed_again_with_a_key_that_nobody_knows(delivery, trusted, tmp_path):
    stranger = new_key(tmp_path / "stranger.pem")
    write_manifest(delivery, replace(read_manifest(delivery), version="v002"), stranger)
    found = findings(delivery, trusted)
    assert as_named(found) == [("unknown key", "", None)]
    assert "Studio" in found[0].words


def test_older_manifest_in_the_place_of_a_newer_one(studio, tmp_path, trusted):
    newer = Path(shutil.copytree(studio / "second" / "demo_sh0010_v001", tmp_path / "newer"))
    root = read_manifest(newer).root
    for name in (MANIFEST, SIGNATURE):
        shutil.copy(studio / "first" / "demo_sh0010_v001" / name, newer / name)
    kinds = {each.kind for each in findings(newer, trusted)}
    assert "replayed" in kinds
    assert ("replayed", "", None) in as_named(findings(newer, trusted, newest=(2, root)))


def test_whole_older_delivery_sent_again(delivery, trusted, studio):
    newer = read_manifest(studio / "second" / "demo_sh0010_v001")
    assert (newer.serial, newer.previous) == (2, read_manifest(delivery).root)
    found = findings(delivery, trusted, newest=(2, newer.root))
    assert as_named(found) == [("replayed", "", None)]
    assert "delivery 2 was already seen" in found[0].words


def test_another_version_than_ordered(delivery, trusted):
    assert as_named(findings(delivery, trusted, version="v002")) == [("replayed", "", None)]


@pytest.mark.parametrize(
    ("field", "days", "believed"),
    (
        ("valid_until", -1, False),
        ("valid_until", 0, True),
        ("valid_from", 1, False),
        ("valid_from", 0, True),
        ("revoked", 0, False),
        ("revoked", 400, False),
    ),
)
def test_rotated_and_stolen_keys(delivery, trusted, field, days, believed):
    day = dt.date.fromisoformat(read_manifest(delivery).made_at[:10]) + dt.timedelta(days)
    found = findings(delivery, (replace(trusted[0], **{field: day}),))
    assert as_named(found) == ([] if believed else [("key not valid", "", None)])


def test_a_chain_that_does_not_hold_is_not_believed(delivery, signer: FileSigner):
    manifest = read_manifest(delivery)
    turned = manifest.files[1::-1] + manifest.files[2:]
    write_manifest(delivery, replace(manifest, files=turned), signer)
    with pytest.raises(ArtistError, match="its chain does not hold together"):
        read_manifest(delivery)


@pytest.mark.parametrize("path", ("../outside.exr", "/etc/passwd"))
def test_a_manifest_can_not_name_files_outside(delivery, signer, path):
    manifest = read_manifest(delivery)
    write_manifest(delivery, replace(manifest, files=(*manifest.files, replace(manifest.files[-1], path=path))), signer)
    with pytest.raises(ArtistError, match="lies outside the delivery"):
        read_manifest(delivery)


@pytest.mark.parametrize(
    ("table", "said"),
    (
        ({}, "is no delivery manifest"),
        ({"kind": KIND, "schema": 9}, "schema is 9"),
        ({"kind": KIND, "schema": 1, "files": 3}, "is damaged"),
    ),
)
def test_strange_manifests(tmp_path, table, said):
    write_json(tmp_path / MANIFEST, table)
    with pytest.raises(ArtistError, match=said):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"), (({"algorithm": "RSA"}, "is signed with 'RSA'"), ({"signature": "xyz"}, "is damaged"))
)
def test_strange_signatures(delivery, trusted, change, said):
    table = json.loads((delivery / SIGNATURE).read_text())
    write_json(delivery / SIGNATURE, {**table, **change})
    with pytest.raises(ArtistError, match=said):
        verify(delivery, Expected(trusted))


def test_chain_depends_on_order_frame_and_content():
    frames = [(1001, "a"), (1002, "b")]
    roots = {
        root_of(chained(each))
        for each in (frames, frames[::-1], [(1001, "a")], [(1001, "a"), (1003, "b")], [(1001, "b"), (1002, "a")], [])
    }
    assert len(roots) == 6
