"""The ``demo`` command's own part; the stages are tested where they live."""

from __future__ import annotations

import pytest

from vfx_deepfake.demo.run import parse_size
from vfx_deepfake.errors import ShotError


def test_a_size_is_read() -> None:
    assert parse_size("1280x720") == (1280, 720)


@pytest.mark.parametrize("text", ["1280", "1280x", "x720", "12x720", "1280 x 720", "-5x100"])
def test_a_wrong_size_is_answered(text: str) -> None:
    with pytest.raises(ShotError, match="give width x height in pixels, each at least 96, such as 1280x720"):
        parse_size(text)
