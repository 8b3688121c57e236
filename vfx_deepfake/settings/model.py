"""What makes the face: painted frames, model, training."""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import between, one_of

IDENTITY_METHODS = ("renderer", "autoencoder")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyframeSpec:
    """[keyframes]: the painted frames."""

    pattern: str = "keyframes/{shot}.####.exr"  # any image format; full frame or a data window
    colorspace: str = ""  # OCIO name of the painted files; empty means the plate's


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSpec:
    """[model]: what makes the face."""

    # keyframe (propagation and network), propagate (no training), renderer and autoencoder ([identity], from facesets),
    # sliders ([beauty], no painting), passthrough (plate out)
    method: str = "keyframe"
    target: str = "face"  # face: painted pictures; matte: painted roto
    shared: str = ""  # another shot (file or folder) whose trained network this one takes instead of training its own

    @property
    def paints(self) -> bool:
        """True where the face comes from painted frames."""
        return self.method in ("keyframe", "propagate")

    @property
    def swaps(self) -> bool:
        """True where the face comes from facesets of another identity, or of the same one at another age."""
        return self.method in IDENTITY_METHODS

    @property
    def trains(self) -> bool:
        """True where the shot has a network of its own or a shared one."""
        return self.method == "keyframe" or self.swaps

    def __post_init__(self) -> None:
        one_of("method", self.method, ("keyframe", "propagate", *IDENTITY_METHODS, "sliders", "passthrough"))
        one_of("target", self.target, ("face", "matte"))
        if self.target == "matte" and self.swaps:
            raise ValueError(
                f"target is 'matte' and method is '{self.method}', which makes faces; set method to keyframe"
            )
        if self.shared and self.method != "keyframe":
            raise ValueError(
                f"shared names a trained network and method is '{self.method}'; leave shared out, or set method to keyframe"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSpec:
    """[train]: how the network on top of propagation learns."""

    steps: int = 400  # optimiser steps; longer was never judged better
    batch_size: int = 6  # crops a step
    crop_px: int = 128  # side of a training crop, plate pixels
    learning_rate: float = 1e-3  # peak, AdamW
    seed: int = 1  # same seed, same weights (on a CPU)
    save_every: int = 200  # steps between checkpoints
    device: str = "auto"  # auto, cpu, cuda or cuda:N

    def __post_init__(self) -> None:
        between("steps", self.steps, 1, 1_000_000)
        between("batch_size", self.batch_size, 1, 256)
        between("save_every", self.save_every, 1, 1_000_000)
        between("learning_rate", self.learning_rate, 1e-7, 1.0)
        if self.crop_px % 16 or self.crop_px < 32:
            raise ValueError(f"crop_px is {self.crop_px}; the network halves it, so use a multiple of 16, at least 32")
        if self.device not in ("auto", "cpu", "cuda") and not self.device.startswith("cuda:"):
            raise ValueError(f"device is '{self.device}'; choose auto, cpu, cuda or cuda:0, cuda:1, ...")
