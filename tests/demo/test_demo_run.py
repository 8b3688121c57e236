"""The ``demo`` command's own part; the stages are tested where they live."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vfx_deepfake.demo.judge import judge, psnr_log
from vfx_deepfake.demo.run import parse_size
from vfx_deepfake.demo.shot import DemoShot
from vfx_deepfake.errors import ShotError
from vfx_deepfake.naming import VersionPaths


def test_a_size_is_read() -> None:
    assert parse_size("1280x720") == (1280, 720)


@pytest.mark.parametrize("text", ["1280", "1280x", "x720", "12x720", "1280 x 720", "-5x100"])
def test_a_wrong_size_is_answered(text: str) -> None:
    with pytest.raises(ShotError, match="give width x height in pixels, each at least 96, such as 1280x720"):
        parse_size(text)


def version_of(pattern: str) -> VersionPaths:
    nothing = Path("nothing")
    return VersionPaths(
        folder=nothing, exr=pattern, dpx="", movie=nothing, sheet=nothing, qc=nothing, record=nothing, number=1
    )


def test_the_untouched_plate_is_judged_as_what_it_is(small_shot: DemoShot) -> None:
    judged = judge(small_shot, version_of(small_shot.plate))
    assert judged.result_db == judged.plate_db
    assert judged.frames == (1002, 1004, 1005)  # the painted ones are left out
    assert 20.0 < judged.as_result()["psnr_log_db"] < 40.0  # age is plain to see


def test_the_answer_itself_is_judged_as_right(small_shot: DemoShot) -> None:
    """The young face with its own grain differs from the painter's answer only in the grain's level."""
    plate = judge(small_shot, version_of(small_shot.plate))
    young = judge(small_shot, version_of(small_shot.truth("young_grained")))
    assert min(young.result_db) > max(plate.plate_db) + 6.0


def test_psnr_of_a_known_error() -> None:
    """In the encoding's straight log part one stop is 1 / 17.52 (ACEScct, AMPAS S-2016-001): 24.87 dB."""
    picture = np.full((4, 4, 3), 0.5, np.float32)
    assert psnr_log(picture, 2 * picture, np.ones((4, 4), bool)) == pytest.approx(20 * np.log10(17.52), abs=0.01)
    assert psnr_log(picture, picture, np.ones((4, 4), bool)) == 120.0
