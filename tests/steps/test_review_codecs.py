"""The review stage writes one movie for each codec that ``[review]`` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from vfx_deepfake.cli.main import main
from vfx_deepfake.deliver.package import other_files
from vfx_deepfake.demo.fixtures import make_performer_shot
from vfx_deepfake.shot import load_shot

av = pytest.importorskip("av", reason="PyAV is not installed (extra: review)")

SETTINGS = (
    "model.method=passthrough",
    "qc.enabled=false",
    'review.codecs=["h264", "prores422hq", "dnxhr_hqx"]',
    "review.slate=false",
)


def test_every_codec_has_its_movie_and_none_that_is_not_asked_for(tmp_path: Path) -> None:
    shot = tmp_path / "sh0010"
    make_performer_shot(shot, width=256, height=144, count=2, key_frames=1, microphone=False, overrides=SETTINGS)

    def call(*words: str) -> None:
        assert main([words[0], str(shot), *words[1:], "--progress", "none"]) == 0

    call("render")
    call("review", "--set", 'review.codecs=["prores4444"]')
    call("review")
    call("version")
    paths = load_shot(shot).paths.version(1)
    names = ["sh0010_v001.mp4", "sh0010_v001_dnxhr_hqx.mov", "sh0010_v001_prores422hq.mov"]
    assert [path.name for path in paths.movies()] == names and paths.movies()[0] == paths.movie
    assert sorted(path.name for path in paths.movie.parent.glob("*.m*")) == names
    for path in paths.movies():
        with av.open(str(path)) as movie:
            stream = movie.streams.video[0]
            assert stream.codec_context.color_trc == 13  # the show's display is sRGB
            assert len(list(movie.decode(video=0))) == 2  # no slate
    assert set(other_files(paths, movie=True)) > {f"review/{name}" for name in names}
