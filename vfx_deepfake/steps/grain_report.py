"""The shot's grain as it was measured: a record that later stages read, and a plot for people."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vfx_deepfake.color.encoding import encode_log
from vfx_deepfake.files import write_json, written_aside
from vfx_deepfake.image.grain import LEVELS, SPECTRUM_PX, GrainModel

RECORD_NAME, PLOT_NAME = "grain.json", "grain.png"
CHANNELS = ("red", "green", "blue")
MARKS = {"black": 0.0, "18 %": 0.18, "1.0": 1.0, "16": 16.0}  # scene-linear values named on the light axis


def write_grain(folder: Path, model: GrainModel) -> list[Path]:
    """Write the record and its plot; returns both files."""
    record, picture = folder / RECORD_NAME, folder / PLOT_NAME
    write_json(record, model.to_dict())
    with written_aside(picture) as part:
        plot(part, model)
    return [record, picture]


def plot(path: Path, model: GrainModel) -> None:
    """Level against light, spectrum, and the correlations in words."""
    from matplotlib.figure import Figure  # slow to load, and most commands draw nothing

    figure = Figure(figsize=(11, 4.5))
    # fixed: matplotlib's own layout takes as long as the drawing
    figure.subplots_adjust(left=0.08, right=0.98, bottom=0.12, top=0.92)
    level, spectrum = figure.subplots(1, 2)
    freq, power = radial(model)
    for channel, color in enumerate(("tab:red", "tab:green", "tab:blue")):
        level.plot(LEVELS, np.asarray(model.sigma)[channel], color=color, label=CHANNELS[channel])
        spectrum.plot(freq, 10 * np.log10(np.maximum(power[:, channel], 1e-6)), color=color)
    for name, value in MARKS.items():
        at = float(encode_log(np.array(value)))
        level.axvline(at, color="0.85", linewidth=1)
        level.annotate(name, (at, 1.0), xycoords=("data", "axes fraction"), fontsize="small", ha="center", va="bottom")
    level.set(xlabel="light (log code)", ylabel="deviation of the grain (log code)", ylim=(0, None))
    level.legend(fontsize="small")
    spectrum.set(xlabel="cycles a pixel", ylabel="power (dB; white grain has 0)")
    spectrum.set_title(_words(model), fontsize="medium")
    for axes in (level, spectrum):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100, format="png")


def radial(model: GrainModel) -> tuple[np.ndarray, np.ndarray]:
    """The model's power averaged over directions: cycles a pixel (N,), power (N, 3)."""
    half = SPECTRUM_PX // 2
    ring = np.rint(np.hypot(*np.mgrid[: half + 1, : half + 1])).astype(int)
    table = np.asarray(model.spectrum)
    return np.arange(half + 1) / SPECTRUM_PX, np.stack([table[:, ring == k].mean(axis=1) for k in range(half + 1)])


def _words(model: GrainModel) -> str:
    if model.clean:
        return "no grain"
    mix = np.asarray(model.correlation)
    between = ", ".join(f"{a[0]}{b[0]} {mix[i, j]:.2f}" for (i, a), (j, b) in _pairs())
    return f"between channels {between}; frame to frame {np.max(np.abs(model.lag1)):.2f}"


def _pairs() -> list[tuple[tuple[int, str], tuple[int, str]]]:
    named = list(enumerate(CHANNELS))
    return [(one, two) for one in named for two in named if one[0] < two[0]]
