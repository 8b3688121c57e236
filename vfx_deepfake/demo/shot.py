"""The demo shot on disk: plate, exact truth, painted key frames, release and shot file of the procedural performer.

FOLDER/shot.toml          from the template keyframe_deage
FOLDER/plate/             what the camera saw: half EXR, ACEScg, 24 frames a second
FOLDER/keyframes/         a few frames painted young: the exact change laid on the plate, whose own grain stays
FOLDER/releases/          the performer's release
FOLDER/truth/             answers, which no stage may read: clean plate, young, young with grain, masks, and truth.json
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vfx_deepfake import __version__
from vfx_deepfake.demo.performer.performer import POINT_NAMES, Performer, Truth
from vfx_deepfake.errors import DeliveryError
from vfx_deepfake.files import read_json, write_json
from vfx_deepfake.frames import format_frames
from vfx_deepfake.image.crop import Window
from vfx_deepfake.media.exr import Part, write_exr
from vfx_deepfake.media.metadata import FRAME_RATE, REEL, TIMECODE, Attribute, rate_attribute, timecode_attribute
from vfx_deepfake.media.timecode import advanced
from vfx_deepfake.naming import frame_path
from vfx_deepfake.progress import Progress, Silent
from vfx_deepfake.provenance.register import add_release
from vfx_deepfake.provenance.release import OPERATIONS, SYNTHETIC
from vfx_deepfake.steps.init import InitRequest, init_shot

IDENTITY, SHOW, REEL_NAME = "procedural_performer", "demo", "DEMO_A001"
COLORSPACE = "ACEScg"
RATE = Fraction(24)
_FIRST_TIMECODE = "01:00:00:00"
# chromaticities of ACEScg and its white (AMPAS S-2014-004)
_AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
_MOST_AT_ONCE = 4  # frames drawn side by side; each takes about 250 MiB at 1280 x 720
_TRUTHS = ("clean", "young", "young_grained")


@dataclass(frozen=True, slots=True)
class DemoShot:
    """Where everything of a demo shot lies; patterns with ####."""

    folder: Path
    file: Path
    frames: tuple[int, ...]
    key_frames: tuple[int, ...]
    performer: Performer

    @property
    def name(self) -> str:
        """The shot's name."""
        return self.folder.name

    @property
    def plate(self) -> str:
        """Pattern of the plate."""
        return str(self.folder / "plate" / f"{self.name}.####.exr")

    @property
    def painted(self) -> str:
        """Pattern of the painted key frames."""
        return str(self.folder / "keyframes" / f"{self.name}.####.exr")

    def truth(self, kind: str) -> str:
        """Pattern of an answer: clean, young, young_grained or masks."""
        return str(self.folder / "truth" / kind / f"{self.name}_{kind}.####.exr")

    @property
    def truth_file(self) -> Path:
        """Points, occlusion and grain parameters of every frame."""
        return self.folder / "truth" / "truth.json"

    def plate_frame(self, frame: int) -> Path:
        """The plate's file of one frame."""
        return frame_path(self.plate, frame)

    def truth_frame(self, kind: str, frame: int) -> Path:
        """An answer's file of one frame."""
        return frame_path(self.truth(kind), frame)


def write_demo_shot(
    folder: Path | str,
    *,
    performer: Performer | None = None,
    key_frames: Sequence[int] | int = 5,
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
) -> DemoShot:
    """Write the demo shot, or what is missing of it; a second call renders only frames that are not there.

    ``key_frames``: which frames are painted, or how many. ``overrides``: settings of the shot file, such as
    ``train.steps=40``.
    Raises: DeliveryError when the folder holds a shot with other settings, or the disk refuses.
    """
    folder = Path(folder).absolute()
    performer = performer or Performer()
    progress = progress or Silent()
    chosen = spread_key_frames(performer, key_frames) if isinstance(key_frames, int) else tuple(key_frames)
    shot = DemoShot(folder, folder / "shot.toml", tuple(performer.frames), chosen, performer)
    _claim(shot)
    missing = [frame for frame in shot.frames if not all(path.is_file() for path in _files(shot, frame))]
    _draw(shot, missing, progress)
    _write_truth_file(shot)
    _write_release(folder / "releases")
    if not shot.file.exists():
        init_shot(init_request(shot, overrides))
    return shot


def init_request(shot: DemoShot, overrides: Iterable[str] = ()) -> InitRequest:
    """What ``init`` is asked for to make the demo's shot file."""
    own = (f"shot.show={SHOW}", f"consent.identity={IDENTITY}")
    return InitRequest(
        folder=shot.folder,
        template="keyframe_deage",
        plate=shot.plate,
        colorspace=COLORSPACE,
        frames=format_frames(shot.frames),
        name=shot.name,
        overrides=(*own, *overrides),
    )


def spread_key_frames(performer: Performer, count: int) -> tuple[int, ...]:
    """Frames to paint: spread evenly, first and last among them, none with the face hidden or turned away."""
    free = [frame for frame in performer.frames if performer.face_is_free(frame)]
    targets = np.linspace(performer.frames[0], performer.frames[-1], min(count, len(free)))
    return tuple(sorted({min(free, key=lambda frame: (abs(frame - target), frame)) for target in targets}))


def _claim(shot: DemoShot) -> None:
    """Note the performer's settings in the folder; a folder with other ones is left alone."""
    settings = {
        "performer": _plain(asdict(shot.performer)),
        "key_frames": list(shot.key_frames),
        "drawn_by": __version__,
    }
    path = shot.folder / "truth" / "settings.json"
    if path.exists():
        if read_json(path) != settings:
            raise DeliveryError(
                f"{shot.folder}: holds a demo shot with other settings; choose another folder, or remove it"
            )
    else:
        write_json(path, settings)


def _plain(value: Any) -> Any:
    """Settings as JSON gives them back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _draw(shot: DemoShot, missing: Sequence[int], progress: Progress) -> None:
    """Draw and write frames, several at a time; each is a matter of its own, so the order does not show."""
    progress.start("performer", len(missing), "frames")
    shot.performer.prepare()
    with ThreadPoolExecutor(min(_MOST_AT_ONCE, os.cpu_count() or 1)) as pool:
        try:
            jobs = [pool.submit(_write_frame, shot, frame) for frame in missing]
            for done, job in enumerate(as_completed(jobs), 1):
                job.result()
                progress.advance(done)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    progress.finish()


def _files(shot: DemoShot, frame: int) -> list[Path]:
    files = [shot.plate_frame(frame), _points_file(shot, frame)]
    files += [shot.truth_frame(kind, frame) for kind in (*_TRUTHS, "masks")]
    return [*files, frame_path(shot.painted, frame)] if frame in shot.key_frames else files


def _points_file(shot: DemoShot, frame: int) -> Path:
    return shot.folder / "truth" / "points" / f"{shot.name}.{frame:04d}.json"


def _write_frame(shot: DemoShot, frame: int) -> None:
    truth = shot.performer.truth(frame)
    metadata = _metadata(shot, frame)
    stored = truth.plate.astype(np.float16)
    for kind in _TRUTHS:
        _write_rgb(shot.truth_frame(kind, frame), getattr(truth, kind), metadata)
    names = tuple(truth.masks)
    masks = np.stack([truth.masks[name] for name in names], -1)
    _write(shot.truth_frame("masks", frame), masks, tuple(f"{name}.Y" for name in names), metadata)
    if frame in shot.key_frames:
        painted = stored.astype(np.float32) + (truth.young - truth.clean)
        _write_rgb(frame_path(shot.painted, frame), painted, metadata)
    write_json(_points_file(shot, frame), _frame_facts(truth))
    _write_rgb(shot.plate_frame(frame), stored, metadata)


def _frame_facts(truth: Truth) -> dict[str, Any]:
    pose = truth.moment.pose
    return {
        "points": np.round(truth.points.astype(float), 3).tolist(),
        "occluded": truth.occluded,
        "has_face": truth.has_face,
        "pose_degrees": [pose.yaw, pose.pitch, pose.roll],
        "eyes_open": truth.moment.eyes.opening,
    }


def _write_rgb(path: Path, pixels: np.ndarray, metadata: dict[str, Any]) -> None:
    _write(path, pixels, ("R", "G", "B"), metadata)


def _write(path: Path, pixels: np.ndarray, channels: tuple[str, ...], metadata: dict[str, Any]) -> None:
    window = Window(0, 0, pixels.shape[1], pixels.shape[0])
    write_exr(path, [Part("rgba", pixels, channels, window)], window, metadata)


def _metadata(shot: DemoShot, frame: int) -> dict[str, Any]:
    time = advanced(_FIRST_TIMECODE, frame - shot.frames[0], RATE)
    return {
        TIMECODE: timecode_attribute(time),
        FRAME_RATE: rate_attribute(RATE),
        "chromaticities": Attribute("float[8]", _AP1),
        REEL: REEL_NAME,
        "Software": "vfx_deepfake demo performer",
    }


def _write_truth_file(shot: DemoShot) -> None:
    if shot.truth_file.exists():
        return
    facts = {str(frame): read_json(_points_file(shot, frame)) for frame in shot.frames}
    write_json(
        shot.truth_file,
        {
            "point_names": list(POINT_NAMES),
            "key_frames": list(shot.key_frames),
            "grain": _plain(asdict(shot.performer.grain)),
            "grain_law": "sigma_c(x) = gain * level_c * (max(x, 0) + offset) ** power, scene-linear",
            "frames": facts,
        },
    )


def release_table() -> dict[str, Any]:
    """The performer's release: nobody's likeness, so nobody signed."""
    return {
        "id": "performer",
        "identity": IDENTITY,
        "performer": "nobody: a procedural head drawn by vfx_deepfake.demo",
        "kind": SYNTHETIC,
        "description": "demonstration and tests of this software; the head is drawn by code and is no real person",
        "shows": [SHOW],
        "shots": ["*"],
        "operations": list(OPERATIONS),
        "signed": dt.date(2026, 1, 1),
        "valid_from": dt.date(2026, 1, 1),
        "valid_until": dt.date(2099, 12, 31),
        "approved_by": "the authors of vfx_deepfake",
    }


def _write_release(folder: Path) -> None:
    if not (folder / "performer.toml").exists():
        add_release(folder, release_table())
