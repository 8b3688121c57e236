"""Small performer shots for tests: the real thing, a few frames of it, in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from vfx_deepfake.demo.performer.performance import Performance
from vfx_deepfake.demo.performer.performer import Performer
from vfx_deepfake.demo.shot import DemoShot, write_demo_shot

# enough to go through every line of training, too little to learn much
QUICK = ("train.steps=30", "train.batch_size=2", "train.crop_px=64", "train.save_every=10")


def make_performer_shot(
    folder: Path,
    *,
    width: int = 160,
    height: int = 120,
    count: int = 6,
    first: int = 1001,
    seed: int = 1,
    age: float = 1.0,
    key_frames: Sequence[int] | int = 3,
    microphone: bool = True,
    away: tuple[int, ...] = (),
    overrides: Iterable[str] = QUICK,
) -> DemoShot:
    """Write a small shot of the performer into ``folder``, whose name becomes the shot's.

    ``away``: offsets of frames in which the head is turned from the camera, so that there is no face.
    """
    performer = Performer(
        width=width,
        height=height,
        first=first,
        count=count,
        seed=seed,
        age=age,
        performance=Performance(microphone=microphone, away=away),
    )
    return write_demo_shot(folder, performer=performer, key_frames=key_frames, overrides=overrides)
