from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.faceset.small import SIZE, picture, small_faceset
from vfx_deepfake.errors import FacesetError
from vfx_deepfake.faceset.data import load_faceset
from vfx_deepfake.model.identity.method import View


def change(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "faceset.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    edit(record)
    path.write_text(json.dumps(record), encoding="utf-8")


def cull_first(record: dict[str, Any]) -> None:
    record["crops"][0]["culled"] = "soft"


def test_a_faceset_comes_back_as_written(tmp_path: Path) -> None:
    faceset = load_faceset(small_faceset(tmp_path / "b"))
    assert (faceset.name, faceset.identity, faceset.release, faceset.size, len(faceset)) == (
        "b",
        "performer_b",
        "b_2026",
        SIZE,
        4,
    )
    # half in log: 11 bits of significand, so half a step is 2**-11 of a value near 1; below black the steps are finer
    np.testing.assert_allclose(faceset.image_log(2), picture(3), atol=1.2 * 2**-11)
    assert faceset.points.shape == (4, 478, 2)
    np.testing.assert_allclose(faceset.pose[:, 0], np.linspace(-20, 20, 4), atol=1e-3)  # float32 points
    assert [crop.number for crop in faceset.crops] == [1, 2, 3, 4]


def test_a_crop_is_a_view(tmp_path: Path) -> None:
    view = View(*load_faceset(small_faceset(tmp_path)).view(1))
    assert view.image_log.shape == (SIZE, SIZE, 3)
    assert view.valid.shape == (SIZE, SIZE)
    assert set(np.unique(view.valid)) == {0.0, 1.0}
    assert view.points.shape == (478, 2)
    assert view.pose.shape == (3,)


def test_culled_crops_stay_on_disk_and_out_of_use(tmp_path: Path) -> None:
    folder = small_faceset(tmp_path)
    before = load_faceset(folder)
    change(folder, cull_first)
    after, everything = load_faceset(folder), load_faceset(folder, culled=True)
    assert [crop.number for crop in after.crops] == [2, 3, 4]
    np.testing.assert_array_equal(after.points, before.points[1:])
    assert len(everything) == 4
    assert after.hash != before.hash == load_faceset(folder, culled=True).hash


def test_kept_crops_are_read_once_and_not_written_to(tmp_path: Path) -> None:
    faceset = load_faceset(small_faceset(tmp_path))
    first = faceset.image_log(0)
    assert np.shares_memory(first, faceset.image_log(0))
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 0


def test_what_is_no_faceset_is_said(tmp_path: Path) -> None:
    with pytest.raises(FacesetError, match="no such faceset; build it"):
        load_faceset(tmp_path / "nowhere")
    (tmp_path / "faceset.toml").touch()
    with pytest.raises(FacesetError, match="not built yet"):
        load_faceset(tmp_path)


DAMAGE: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (lambda r: r.update(schema=99), "schema is 99; this release reads 1"),
    (lambda r: r.update(size_px="big", identity=3), "identity, size_px can't be used"),
    (lambda r: r["crops"].pop(), r"has points \(4, 478, 2\) and poses \(4, 3\) for 3 crops"),
    (lambda r: r["crops"][1].update(file="../../secret.exr"), r"crop 2 has the file '../../secret.exr'"),
    (lambda r: r["crops"][1].update(colour="red"), "crop 2 is not understood"),
    (lambda r: r["crops"][1].pop("matrix"), "crop 2 is not understood"),
    (lambda r: [c.update(culled="soft") for c in r["crops"]], "all 4 crops are culled"),
]


@pytest.mark.parametrize(("edit", "words"), DAMAGE)
def test_a_damaged_record_is_one_line(tmp_path: Path, edit: Callable[[dict[str, Any]], None], words: str) -> None:
    folder = small_faceset(tmp_path)
    change(folder, edit)
    with pytest.raises(FacesetError, match=words) as error:
        load_faceset(folder)
    assert "\n" not in str(error.value)


def test_damaged_files_are_one_line(tmp_path: Path) -> None:
    folder = small_faceset(tmp_path)
    faceset = load_faceset(folder)
    (folder / "crops" / "000002.exr").write_bytes(b"no picture")
    with pytest.raises(FacesetError, match=r"000002\.exr.*build it again"):
        faceset.image_log(1)
    (folder / "points.npz").write_bytes(b"PK")
    with pytest.raises(FacesetError, match=r"points\.npz: can't be read"):
        load_faceset(folder)
    (folder / "faceset.json").write_text("[")
    with pytest.raises(FacesetError, match="can't be read as JSON"):
        load_faceset(folder)
