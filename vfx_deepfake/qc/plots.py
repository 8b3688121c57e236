"""Plots of a version's measures over its frames, and of its grain against light, as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vfx_deepfake.qc.grain import Levels
from vfx_deepfake.qc.verdict import Measure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE_INCHES, DPI = (5.2, 2.1), 100
GROUND, INK, DIM, LINE = "#232323", "#d2d2d2", "#8c8c8c", "#7fb2e5"
LOOK_COLOR, FAIL_COLOR = "#e0b050", "#e07060"
CHANNEL_COLORS = ("#e08080", "#80c080", "#80a0e8")
_MARGINS = {
    "left": 0.13,
    "right": 0.98,
    "bottom": 0.2,
    "top": 0.88,
}  # fixed: matplotlib's own layout takes half a second a plot
STYLE: Any = {
    "figure.facecolor": GROUND, "axes.facecolor": GROUND, "savefig.facecolor": GROUND, "axes.edgecolor": DIM, "axes.labelcolor": INK,
    "text.color": INK, "xtick.color": INK, "ytick.color": INK, "grid.color": "#3c3c3c", "font.size": 8,
}  # fmt: skip


def measure_plot(
    measure: Measure, frames: Sequence[int], values: Sequence[float | None], limits: tuple[float, float]
) -> bytes:
    """One measure over the frames with its two limits; frames without a value leave a gap. Returns PNG bytes."""
    from matplotlib import rc_context, ticker  # slow to load, and most commands draw nothing
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI)
        axes = figure.subplots()
        shown = np.array([np.nan if value is None else value for value in values], float)
        axes.plot(frames, shown, color=LINE, marker="o", markersize=3, linewidth=1)
        top = max(float(np.nanmax(shown)), limits[0]) * 1.15 if np.isfinite(shown).any() else limits[0]
        for limit, color, word in zip(limits, (LOOK_COLOR, FAIL_COLOR), ("look", "fail"), strict=True):
            if limit <= max(top, 1e-9) or word == "look":
                axes.axhline(limit, color=color, linewidth=1, linestyle="--")
                axes.annotate(
                    word, (1.0, limit), xycoords=("axes fraction", "data"), color=color, va="bottom", ha="right"
                )
        axes.set(title=measure.title, ylabel=measure.unit, ylim=(min(0.0, float(np.nanmin(shown, initial=0.0))), None))
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        axes.grid(True, linewidth=0.5)
        return _finished(figure)


def grain_plot(bands: Mapping[str, Any]) -> bytes:
    """Grain level against light: the delivered face (line), the plate there (dashes), the skin beside it (dots). Returns PNG bytes."""
    light = np.asarray(bands["light_log"])
    from matplotlib import rc_context  # as above
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI)
        axes = figure.subplots()
        for kind, style in (("result", "-"), ("plate", "--"), ("beside", ":")):
            levels = Levels.from_data(bands[kind])
            for channel, color in enumerate(CHANNEL_COLORS):
                seen = levels.counts[:, channel] > 0
                label = {"result": "delivered face", "plate": "plate there", "beside": "skin beside it"}[kind]
                axes.plot(light[seen], levels.levels[seen, channel] * 1e3, style, color=color, linewidth=1, marker=".", markersize=3,
                          label=label if channel == 1 else None)  # fmt: skip
        axes.set(
            title="Grain level against light, per channel",
            xlabel="light, log code",
            ylabel="log code / 1000",
            ylim=(0, None),
        )
        axes.grid(True, linewidth=0.5)
        axes.legend(fontsize=7, framealpha=0, loc="upper right")
        return _finished(figure)


def _finished(figure: Figure) -> bytes:
    figure.subplots_adjust(**_MARGINS)
    return png(figure)


def png(figure: Figure) -> bytes:
    """The figure as PNG without a date, so that equal figures give equal bytes."""
    sink = io.BytesIO()
    figure.savefig(sink, format="png", metadata={"Software": None})
    return sink.getvalue()
