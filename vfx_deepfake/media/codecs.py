"""The codecs that movies are written in, by the names that settings and commands use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from vfx_deepfake.errors import DeliveryError


@dataclass(frozen=True, kw_only=True, slots=True)
class Codec:
    """One way to encode. ``halved``: chroma has half the columns, half the rows."""

    name: str
    title: str  # for people
    encoder: str  # FFmpeg's name
    pix_fmt: str
    bits: int
    halved: tuple[bool, bool]
    suffix: str
    options: Mapping[str, str] = field(default_factory=dict)
    least: tuple[int, int] = (4, 4)  # width and height that the encoder takes at least
    intra: bool = True  # every frame is whole

    @property
    def tail(self) -> str:
        """What a movie's file is called after its version: ``.mp4``, ``_prores4444.mov``."""
        return self.suffix if self.suffix == ".mp4" else f"_{self.name}{self.suffix}"


_ALL = (
    Codec(
        name="h264", title="H.264, 8 bit 4:2:0", encoder="libx264", pix_fmt="yuv420p", bits=8, halved=(True, True), suffix=".mp4",
        options={"preset": "veryfast", "bf": "0", "sc_threshold": "0", "x264-params": "open-gop=0"}, intra=False,
    ),
    Codec(
        name="prores4444", title="ProRes 4444, 10 bit 4:4:4", encoder="prores_ks", pix_fmt="yuv444p10le", bits=10, halved=(False, False),
        suffix=".mov", options={"profile": "4444", "vendor": "apl0"},
    ),
    Codec(
        name="prores422hq", title="ProRes 422 HQ, 10 bit", encoder="prores_ks", pix_fmt="yuv422p10le", bits=10, halved=(True, False),
        suffix=".mov", options={"profile": "hq", "vendor": "apl0"},
    ),
    Codec(
        name="dnxhr_hqx", title="DNxHR HQX, 10 bit 4:2:2", encoder="dnxhd", pix_fmt="yuv422p10le", bits=10, halved=(True, False),
        suffix=".mov", options={"profile": "dnxhr_hqx"}, least=(256, 120),
    ),
    Codec(
        name="dnxhr_hq", title="DNxHR HQ, 8 bit 4:2:2", encoder="dnxhd", pix_fmt="yuv422p", bits=8, halved=(True, False),
        suffix=".mov", options={"profile": "dnxhr_hq"}, least=(256, 120),
    ),
)  # fmt: skip
CODECS: Mapping[str, Codec] = {codec.name: codec for codec in _ALL}


def codec_named(name: str) -> Codec:
    """The codec of a name.

    Raises: DeliveryError listing the known ones.
    """
    if name not in CODECS:
        raise DeliveryError(f"codec is '{name}'; choose one of {', '.join(CODECS)}")
    return CODECS[name]


def options_of(codec: Codec, frame_rate: Fraction, crf: int) -> dict[str, str]:
    """What the encoder is told: for H.264 also its quality, and a key frame every half second at most."""
    if codec.intra:
        return dict(codec.options)
    return {**codec.options, "crf": str(crf), "g": str(max(round(frame_rate / 2), 1))}
