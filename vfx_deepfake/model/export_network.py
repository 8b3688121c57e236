"""The network that goes to Nuke: one picture in, one picture with matte out, and nothing around it.

Written for TorchScript and for the contract of Nuke's Inference node: one tensor 1 x C x H x W of the script's own scene-linear values,
any size, float or half, no fixed device; log encoding, padding and compositing happen inside. What an artist dials is an attribute.

Source: Foundry, "CatFileCreator" and "Convert to .cat" of the Nuke reference guide (channels, custom knobs, one tensor in and out).
"""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vfx_deepfake.color.encoding import LOG_BIAS, LOG_SCALE, TOE_OFFSET, TOE_SLOPE, X_BREAK, Y_BREAK

CHANNELS_IN = ("rgba.red", "rgba.green", "rgba.blue")
CHANNELS_OUT = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
LEGAL_CHANNELS = (
    "rgba.red", "rgba.green", "rgba.blue", "rgba.alpha", "depth.Z", "forward.u", "forward.v", "backward.u", "backward.v",
    "deep.front", "deep.back", "disparityL.x", "disparityL.y", "disparityR.x", "disparityR.y", "mask.a", "rotopaint_mask.a",
    "mask_planartrack.a", "mask_splinewarp.a",
)  # fmt: skip
KNOBS = {"strength": "how much of the change is laid on, 0 to 1; the matte stays"}
LEVELS = 4
STRIDE = 2**LEVELS
WIDTH = 16
MIDDLE_LOG, GAIN = 0.4, 4.0
MOST_CHANGE_LOG = 0.5  # nearly nine stops
MATTE_SLACK = 0.05  # the matte's curve goes so far beyond 0 and 1, so that it reaches both


class Student(nn.Module):
    """A U-Net from a log picture to the change of its log values and the matte of change; at first it changes nothing."""

    __constants__ = ("middle", "gain", "most", "slack")  # TorchScript sees no global

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.middle, self.gain, self.most, self.slack = MIDDLE_LOG, GAIN, MOST_CHANGE_LOG, MATTE_SLACK
        widths = [width, 2 * width, 3 * width, 4 * width, 6 * width]
        self.enter = nn.Sequential(_conv(3, widths[0]), _conv(widths[0], widths[0]))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(widths[i], widths[i + 1], 2), _conv(widths[i + 1], widths[i + 1]))
            for i in range(LEVELS)
        )
        self.up = nn.ModuleList(_conv(widths[i + 1] + widths[i], widths[i]) for i in reversed(range(LEVELS)))
        self.leave = nn.Conv2d(widths[0], 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(self, image_log: Tensor) -> Tensor:
        """(B, 3, H, W), sides multiples of STRIDE, to (B, 4, H, W): change of the log values under the matte, matte 0..1."""
        levels = [self.enter((image_log - self.middle) * self.gain)]
        for block in self.down:
            levels.append(block(levels[-1]))
        out = levels.pop()
        for block in self.up:
            skip = levels.pop()
            larger = F.interpolate(out, size=[skip.shape[2], skip.shape[3]], mode="bilinear", align_corners=False)
            out = block(torch.cat([larger, skip], dim=1))
        out = self.leave(out)
        matte = torch.sigmoid(out[:, 3:]) * (1.0 + 2.0 * self.slack) - self.slack
        return torch.cat([self.most * torch.tanh(out[:, :3]), matte.clamp(0.0, 1.0)], dim=1)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.LeakyReLU(0.1))


class ForNuke(nn.Module):
    """A student as Nuke's Inference node takes it.

    In: (1, 3, H, W), CHANNELS_IN, scene-linear in the shot's working space. Out: (1, 4, H, W), CHANNELS_OUT: the picture with
    the change laid on and the matte as alpha. Where the matte is 0 a pixel comes back as it was, bit for bit. The type of the
    output is that of the input; curves are computed in float whatever it is, because half has too few steps for them.
    ``strength`` becomes a knob.
    """

    __constants__ = ("stride", "scale", "bias", "slope", "offset", "x_break", "y_break")

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.stride, self.scale, self.bias, self.slope, self.offset = STRIDE, LOG_SCALE, LOG_BIAS, TOE_SLOPE, TOE_OFFSET
        self.x_break, self.y_break = X_BREAK, Y_BREAK
        self.student = student
        self.strength = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """(1, 3 or more, H, W) scene-linear to (1, 4, H, W)."""
        picture = x[:, :3].float()
        finite = torch.where(torch.isfinite(picture), picture, torch.zeros_like(picture))
        log = self.encoded(finite)
        height, width = log.shape[2], log.shape[3]
        down, right = (
            (self.stride - height % self.stride) % self.stride,
            (self.stride - width % self.stride) % self.stride,
        )
        padded = F.pad(log, [0, right, 0, down], mode="replicate")
        made = self.student(padded.to(self.student.leave.weight.dtype)).float()[:, :, :height, :width]
        change, matte = made[:, :3], made[:, 3:]
        face = self.decoded(log + self.strength * change * matte)
        result = torch.where((matte * self.strength > 0.0).expand_as(picture), face, picture)
        return torch.cat([result, matte], dim=1).to(x.dtype).contiguous()

    def encoded(self, linear: Tensor) -> Tensor:
        """As ``color.encoding.encode_log``, in what TorchScript knows."""
        above = torch.log2(linear.clamp(min=self.x_break)) / self.scale + self.bias
        return torch.where(linear <= self.x_break, linear * self.slope + self.offset, above)

    def decoded(self, log: Tensor) -> Tensor:
        """As ``color.encoding.decode_log``."""
        above = torch.exp2((log - self.bias) * self.scale)
        return torch.where(log <= self.y_break, (log - self.offset) / self.slope, above)


def scripted(student: Student) -> torch.jit.ScriptModule:
    """The TorchScript of a trained student, on the CPU, its attributes left open for knobs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)  # Nuke reads nothing else
        return torch.jit.script(ForNuke(student.float().cpu()).eval())
