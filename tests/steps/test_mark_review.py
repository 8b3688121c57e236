"""The mark goes into the review movie and nowhere else, and can be read from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.deliver.package import other_files
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.errors import ArtistError, PlateError, ShotError
from vfx_deepfake.faceset.read_movie import read_frames
from vfx_deepfake.naming import VersionPaths
from vfx_deepfake.progress import SILENT
from vfx_deepfake.provenance.mark_key import MARK_KEY_VARIABLE, new_mark_key, open_mark_key
from vfx_deepfake.shot import load_shot
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.review_mark import detect_mark, mark_name

SETTINGS = ("model.method=passthrough", "qc.enabled=false")

pytest.importorskip("av", reason="review movies need PyAV (extra: review)")


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One plate made into two shots of one name, the review movie of the second marked."""
    folder = tmp_path_factory.mktemp("show")
    make_performer_shot(
        folder / "plain/sh0010", width=320, height=240, count=3, key_frames=1, microphone=False, overrides=SETTINGS
    )
    shutil.copytree(folder / "plain", folder / "marked")
    new_mark_key(folder / "mark.key")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK_KEY_VARIABLE, str(folder / "mark.key"))
        assert main(["run", str(folder / "plain/sh0010"), "--progress", "none"]) == 0
        assert main(["run", str(folder / "marked/sh0010"), "--progress", "none", "--set", "review.mark=true"]) == 0
    return folder


def version(show: Path, kind: str) -> VersionPaths:
    return load_shot(show / kind / "sh0010").paths.version(1)


def test_finals_are_the_same_bytes(show: Path) -> None:
    plain, marked = version(show, "plain"), version(show, "marked")
    for files in ("exr/*.exr", "dpx/*.dpx"):
        names = sorted(path.name for path in plain.folder.glob(files))
        assert len(names) == 3 and names == sorted(path.name for path in marked.folder.glob(files))
    for path in [*plain.folder.glob("exr/*.exr"), *plain.folder.glob("dpx/*.dpx"), plain.sheet]:
        assert path.read_bytes() == (marked.folder / path.relative_to(plain.folder)).read_bytes(), path.name
    assert plain.movie.read_bytes() != marked.movie.read_bytes()


def test_a_delivery_leaves_the_marked_movie_behind(show: Path) -> None:
    assert set(other_files(version(show, "plain"), movie=True)) > {f"review/{version(show, 'plain').movie.name}"}
    marked = version(show, "marked")
    assert set(other_files(marked, movie=True)) == {"version.json", f"review/{marked.sheet.name}"}


def test_the_movie_names_its_version(show: Path, capsys: pytest.CaptureFixture[str]) -> None:
    movie, key = str(version(show, "marked").movie), str(show / "mark.key")
    assert main(["detect-mark", movie, "--key", key, "--among", str(show / "marked"), "--progress", "none"]) == 0
    said = capsys.readouterr().out
    assert mark_name("demo", "sh0010", 1) in said and "confidence" in said
    stranger = detect_mark(movie, SILENT, key_file=key)
    assert stranger["mark"] and stranger["version"] == ""
    assert stranger["lines"] == ["of no version that was searched; name the show's folder with --among"]
    assert stranger["confidence"] > 0.8 and stranger["frames"] == 4  # the slate is one


def test_grabbed_frames_are_read_too(show: Path, tmp_path: Path) -> None:
    for number, picture in read_frames(version(show, "marked").movie):
        cv2.imwrite(str(tmp_path / f"grab.{number:04d}.png"), np.rint(picture[..., ::-1] * 255).astype(np.uint8))
    key = str(show / "mark.key")
    assert detect_mark(str(tmp_path / "grab.####.png"), SILENT, key_file=key, frames="2-4")["frames"] == 3
    assert detect_mark(str(tmp_path / "grab.####.png"), SILENT, key_file=key)["mark"]
    assert detect_mark(str(tmp_path / "grab.0002.png"), SILENT, key_file=key)["frames"] == 1


def test_nothing_is_found_where_nothing_is(show: Path, tmp_path: Path) -> None:
    found = detect_mark(str(version(show, "plain").movie), SILENT, key_file=str(show / "mark.key"))
    assert (found["mark"], found["confidence"]) == ("", 0.0)
    assert found["lines"] == ["no mark of this key was found, which does not mean that there was none"]
    new_mark_key(tmp_path / "other.key")
    assert detect_mark(str(version(show, "marked").movie), SILENT, key_file=str(tmp_path / "other.key"))["mark"] == ""


def test_without_a_key_nothing_is_made(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MARK_KEY_VARIABLE, raising=False)
    opened = open_shot(show / "marked/sh0010", ["review.mark=true"])
    from vfx_deepfake.steps.review_mark import marked

    with pytest.raises(ArtistError, match=f"is not named; set {MARK_KEY_VARIABLE}"):
        marked(opened, 1, [])


def test_keys_that_can_not_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mark.key"
    assert main(["keys", "new-mark", str(path)]) == 0
    assert len(open_mark_key(str(path))) == 32
    with pytest.raises(ArtistError, match="exists already"):
        new_mark_key(path)
    path.chmod(0o640)
    with pytest.raises(ArtistError, match="others than its owner"):
        open_mark_key(str(path))
    path.chmod(0o600)
    for content, words in (
        (b"no hex", "is no key of a review mark"),
        (b"abcd", "holds 2 bytes"),
        (b"\xff\xfe", "is no key"),
    ):
        path.write_bytes(content)
        with pytest.raises(ArtistError, match=words):
            open_mark_key(str(path))
    with pytest.raises(ArtistError, match="can't be read"):
        open_mark_key(str(tmp_path / "absent"))


def test_what_is_no_display_picture_is_refused(show: Path, tmp_path: Path) -> None:
    key = str(show / "mark.key")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(PlateError, match="can't be read as a display picture"):
        detect_mark(str(tmp_path / "text.png"), SILENT, key_file=key)
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(ShotError, match="a mark can be read from"):
        detect_mark(str(tmp_path / "tiny.png"), SILENT, key_file=key)
