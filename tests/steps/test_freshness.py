import os

import pytest

from vfx_deepfake.errors import PlateError
from vfx_deepfake.files import hash_file
from vfx_deepfake.steps.freshness import is_fresh, write_record
from vfx_deepfake.steps.hashes import ContentHashes


def test_fresh_until_input_output_or_record_changes(tmp_path):
    output, record = tmp_path / "a.npz", tmp_path / "a.json"
    output.write_bytes(b"one")
    assert not is_fresh(record, {"x": 1})
    write_record(record, {"x": 1}, [output], seconds=2)
    assert is_fresh(record, {"x": 1})
    assert not is_fresh(record, {"x": 2})
    output.write_bytes(b"two")
    assert not is_fresh(record, {"x": 1})
    output.write_bytes(b"one")
    assert is_fresh(record, {"x": 1})
    record.write_text("{")
    assert not is_fresh(record, {"x": 1})
    output.unlink()
    assert not is_fresh(record, {"x": 1})


def test_hashes_are_remembered_by_size_and_time(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    hashes = ContentHashes(tmp_path / "h.json")
    assert hashes.of(path) == hash_file(path)
    hashes.save()
    again = ContentHashes(tmp_path / "h.json")
    state = path.stat()
    path.write_bytes(b"abd")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert again.of(path) == hashes.of(path), "same size and time: not read again, as promised"
    os.utime(path, ns=(0, 0))
    assert again.of(path) == hash_file(path)


def test_a_lost_cache_does_no_harm(tmp_path):
    (tmp_path / "h.json").write_text("[1]")
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    assert ContentHashes(tmp_path / "h.json").of(path) == hash_file(path)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(PlateError, match=r"gone\.exr: can't be read \(No such file or directory\); put the file back"):
        ContentHashes(tmp_path / "h.json").of(tmp_path / "gone.exr")
