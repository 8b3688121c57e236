import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vfx_deepfake.errors import ArtistError, BusyError, DeliveryError, PlateError, located
from vfx_deepfake.files import hash_data, one_writer, read_json, sweep_parts, write_json, write_text, written_aside


def test_a_file_appears_whole_with_no_neighbour(tmp_path):
    write_text(tmp_path / "sub" / "a.txt", "hello")
    assert (tmp_path / "sub" / "a.txt").read_text() == "hello"
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError, match="half way"), written_aside(tmp_path / "a.txt") as part:
        part.write_text("ne")
        raise RuntimeError("half way")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_disk_that_refuses_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match=r"a\.txt: could not be written: .*run the same command again"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_json_round_trip_and_damage(tmp_path):
    write_json(tmp_path / "a.json", {"b": [1, 2.5], "a": "ü"})
    assert read_json(tmp_path / "a.json") == {"a": "ü", "b": [1, 2.5]}
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(ArtistError, match=r"a\.json: holds no JSON object; restore it"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"a": 1')
    with pytest.raises(ArtistError, match=r"a\.json: can't be read as JSON"):
        read_json(tmp_path / "a.json")


def test_hash_of_data_ignores_key_order():
    assert hash_data({"a": 1, "b": (1, 2)}) == hash_data({"b": [1, 2], "a": 1})
    assert hash_data({"a": 1}) != hash_data({"a": 1.5})


def test_only_parts_of_dead_processes_are_swept(tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    with pytest.raises(SystemExit), written_aside(tmp_path / "x.exr") as part:
        mine = part.name
        orphan = tmp_path / mine.replace(str(os.getpid()), dead.stdout.strip())
        orphan.write_text("half")
        part.write_text("mine")
        (tmp_path / "below").mkdir()
        (tmp_path / "below" / orphan.name).write_text("half")
        sweep_parts(tmp_path)
        assert sorted(p.name for p in tmp_path.rglob("*")) == [mine, "below"]
        raise SystemExit


HOLD = """
import sys, time
from pathlib import Path
from vfx_deepfake.files import one_writer
with one_writer(Path(sys.argv[1]), "train sh0010"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_writer_at_a_time_and_a_killed_one_lets_go(tmp_path):
    root = Path(__file__).parents[1]
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        words = rf"train sh0010 \(host .*, process {holder.pid}\) works on it; wait until it is done"
        with pytest.raises(BusyError, match=words), one_writer(tmp_path, "x"):
            pass
    finally:
        holder.kill()
        holder.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with one_writer(tmp_path, "again"):
                return
        except BusyError:
            time.sleep(0.05)
    pytest.fail("the lock of a killed process was never let go")


def test_sharers_work_together_and_keep_others_out(tmp_path):
    first, second = one_writer(tmp_path, "render 1", shared=True), one_writer(tmp_path, "render 2", shared=True)
    with first, second, pytest.raises(BusyError, match="works on it; wait"), one_writer(tmp_path, "train"):
        pass
    with (
        one_writer(tmp_path, "train"),
        pytest.raises(BusyError, match=r"train \(host"),
        one_writer(tmp_path, "render", shared=True),
    ):
        pass


def test_located_adds_the_place_once():
    with (
        pytest.raises(PlateError, match=r"^sh0010 frame 1001: no pixels$"),
        located("sh0010"),
        located("sh0010 frame 1001"),
    ):
        raise PlateError("no pixels")
