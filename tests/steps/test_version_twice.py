"""Publishing a version twice, or on two hosts at once where file locks do not reach, publishes it once."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import hash_file
from vfx_deepfake.progress import Silent
from vfx_deepfake.steps import version
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.render_stage import plan_render, render_stage
from vfx_deepfake.steps.review import review_stage

SETTINGS = ("model.method=passthrough", "review.movie=false", "qc.enabled=false")


@pytest.fixture(scope="module")
def prepared(small_shot, tmp_path_factory):
    """A shot whose version is rendered and reviewed, not published; take a copy."""
    opened = open_shot(shutil.copytree(small_shot.folder, tmp_path_factory.mktemp("prepared") / "small"), SETTINGS)
    render_stage(opened, Silent())
    review_stage(opened, Silent())
    return opened.shot.paths.folder


@pytest.fixture
def ready(prepared, tmp_path):
    return open_shot(shutil.copytree(prepared, tmp_path / "small"), SETTINGS)


def publish(opened, **more):
    return version.version_stage(open_shot(opened.shot.file, SETTINGS), Silent(), **more)["version"]


def frames(opened) -> dict[str, str]:
    return {path.name: hash_file(path) for path in opened.shot.paths.version(1).folder.rglob("*.*") if path.is_file()}


def test_a_second_time_finds_it_done(ready):
    first = publish(ready)
    before = frames(ready)
    assert publish(ready) == first
    assert frames(ready) == before
    assert ready.shot.paths.version_numbers() == [1]


@pytest.mark.parametrize("moment", ["_verified_record", "write_json", "_publish", "sweep_parts", "_protect", "rename"])
def test_another_host_that_publishes_at_any_moment_is_no_harm(ready, monkeypatch, moment):
    """The other host does the whole of it while this one is at ``moment``; ``locked`` stands for locks that do not reach."""
    owner = os if moment == "rename" else version
    real, others = getattr(owner, moment), []

    def meanwhile(*args, **kwargs):
        if not others:
            others.append("under way")
            others.append(publish(ready, locked=True))
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, moment, meanwhile)
    mine = publish(ready, locked=True)
    assert others[1] == mine
    assert ready.shot.paths.version_numbers() == [1]
    assert ready.shot.paths.unfinished() == []
    assert len([name for name in frames(ready) if name.endswith(".exr")]) == 6
    assert publish(ready) == mine


def test_another_version_of_that_number_stays_and_is_said(ready, monkeypatch):
    final = ready.shot.paths.version(1).folder
    real = version._verified_record

    def meanwhile(*args):
        (final / "exr").mkdir(parents=True)
        return real(*args)

    monkeypatch.setattr(version, "_verified_record", meanwhile)
    with pytest.raises(DeliveryError, match="v001: exists already; it stays as it is; run again for the next version"):
        publish(ready)
    assert list(final.iterdir()) == [final / "exr"]
    shutil.rmtree(final)


def test_versions_under_way_on_other_hosts_are_left_alone_for_a_day(ready):
    under_way, given_up = (ready.shot.paths.making(1, name * 12).folder for name in "ab")
    for folder in (under_way, given_up):
        (folder / "exr").mkdir(parents=True)
        (folder / "exr" / "sh.1001.exr").write_bytes(b"")
    long_ago = time.time() - version.GIVEN_UP_AFTER_S - 60
    for path in (given_up / "exr" / "sh.1001.exr", given_up / "exr", given_up):
        os.utime(path, (long_ago, long_ago))
    publish(ready)
    assert ready.shot.paths.unfinished() == [under_way]


def test_without_review_pictures_or_with_damaged_frames_nothing_is_published(own_shot):
    opened = open_shot(own_shot(), SETTINGS)
    render_stage(opened, Silent())
    with pytest.raises(DeliveryError, match="no review pictures of these frames; run 'vfx-deepfake review' first"):
        publish(opened)
    review_stage(opened, Silent())
    damaged = plan_render(opened).paths.exr_frame(1003)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(DeliveryError, match="1003 are not what was rendered; run 'vfx-deepfake render' for them again"):
        publish(opened)
