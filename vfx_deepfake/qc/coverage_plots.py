"""A coverage report's plots as PNG: poses, light, ranges of every measure, and the distance to the nearest crop over the frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vfx_deepfake.faceset.coverage import FAR_STEPS, Coverage
from vfx_deepfake.faceset.coverage_space import AXES, KINDS
from vfx_deepfake.qc.plots import DIM, DPI, FAIL_COLOR, INK, LINE, LOOK_COLOR, STYLE, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FACESET_COLOR, PLATE_COLOR = LINE, LOOK_COLOR
TITLES = {
    "yaw": "turned to image left / right, degrees", "pitch": "down / up, degrees", "gaze_x": "eyes to image left / right",
    "gaze_y": "eyes down / up", "eyes": "eyes open", "mouth_open": "mouth open, cm", "smile": "corners of the mouth, cm",
    "brow": "brows, cm", "light_right": "light from image left / right, stops", "light_up": "light from below / above, stops",
    "exposure": "skin over grey, stops",
}  # fmt: skip


def coverage_plots(found: Coverage) -> dict[str, tuple[str, bytes]]:
    """What each plot shows, and its PNG bytes, by a name for its file."""
    return {
        "pose": ("Where heads look: the faceset's crops and the plate's frames", pose_plot(found)),
        "light": ("Where light on the head comes from", light_plot(found)),
        "distance": ("How far the nearest crop is, frame by frame", distance_plot(found)),
        "ranges": ("What the faceset spans and what the plate needs", ranges_plot(found)),
    }


def pose_plot(found: Coverage) -> bytes:
    """Yaw against pitch of every crop and frame; frames that will suffer are ringed."""
    from matplotlib import rc_context  # slow to load, and most commands draw nothing
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(5.2, 4.2), dpi=DPI, layout="constrained")
        axes = figure.subplots()
        plate = found.plate.moved(found.shift)
        _scatter(axes, found, (found.faceset["yaw"], found.faceset["pitch"]), (plate["yaw"], plate["pitch"]))
        axes.set(
            xlabel="← to image left      degrees      to image right →",
            ylabel="← down      degrees      up →",
            title="Pose",
        )
        axes.axhline(0, color=DIM, linewidth=0.5)
        axes.axvline(0, color=DIM, linewidth=0.5)
        axes.set_aspect("equal", adjustable="datalim")
        axes.legend(fontsize=7, framealpha=0, loc="best")
        return png(figure)


def light_plot(found: Coverage) -> bytes:
    """A head seen from the front: the dots lie towards the light, the farther out the more directed it is, in stops."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(5.2, 4.2), dpi=DPI, layout="constrained")
        axes = figure.subplots(subplot_kw={"projection": "polar"})
        plate = found.plate.moved(found.shift)
        places = [
            (np.arctan2(each["light_up"], each["light_right"]), np.hypot(each["light_right"], each["light_up"]))
            for each in (found.faceset, plate)
        ]
        _scatter(axes, found, *places)
        axes.set_xticks(np.radians([0, 90, 180, 270]), ["image\nright", "above", "image\nleft", "below"])
        axes.tick_params(axis="y", labelsize=7)
        axes.set_title("Light on the head, stops")
        axes.legend(fontsize=7, framealpha=0, loc="lower left", bbox_to_anchor=(-0.25, -0.05))
        return png(figure)


def _scatter(
    axes: Axes, found: Coverage, crops: tuple[np.ndarray, np.ndarray], frames: tuple[np.ndarray, np.ndarray]
) -> None:
    suffers = np.array([bool(need.reason) for need in found.frames])
    axes.scatter(
        crops[0], crops[1], s=9, color=FACESET_COLOR, alpha=0.7, linewidths=0, label=f"{len(found.faceset)} crops"
    )
    axes.plot(*frames, color=PLATE_COLOR, linewidth=0.7, alpha=0.6)
    axes.scatter(
        frames[0], frames[1], s=12, color=PLATE_COLOR, linewidths=0, label=f"{len(suffers)} frames of the plate"
    )
    if suffers.any():
        axes.scatter(
            frames[0][suffers],
            frames[1][suffers],
            s=40,
            facecolors="none",
            edgecolors=FAIL_COLOR,
            linewidths=1,
            label=f"{suffers.sum()} will suffer",
        )


def distance_plot(found: Coverage) -> bytes:
    """Steps to the nearest crop over the frames: in all kinds at once, and in each kind that is anywhere farther than a step."""
    from matplotlib import rc_context, ticker
    from matplotlib.figure import Figure

    frames = np.array([need.frame for need in found.frames])
    with rc_context(STYLE):
        figure = Figure(figsize=(10.6, 3.0), dpi=DPI, layout="constrained")
        axes = figure.subplots()
        axes.plot(frames, [need.distance for need in found.frames], color=INK, linewidth=1.6, label="all at once")
        shown = [kind for kind in KINDS if max(need.by_kind[kind] for need in found.frames) > 1]
        for index, kind in enumerate(shown):
            steps = [need.by_kind[kind] for need in found.frames]
            axes.plot(
                frames,
                steps,
                linewidth=1,
                linestyle=("-", "--", ":")[index // 3 % 3],
                color=f"C{index}",
                label=f"{kind} alone",
            )
        axes.axhline(FAR_STEPS, color=FAIL_COLOR, linewidth=1, linestyle="--")
        axes.axhline(1, color=LOOK_COLOR, linewidth=1, linestyle="--")
        axes.annotate(
            "too far, all at once",
            (1, FAR_STEPS),
            xycoords=("axes fraction", "data"),
            color=FAIL_COLOR,
            va="bottom",
            ha="right",
        )
        axes.annotate(
            "too far, one kind", (1, 1), xycoords=("axes fraction", "data"), color=LOOK_COLOR, va="bottom", ha="right"
        )
        for need in found.frames:
            if need.reason:
                axes.axvspan(need.frame - 0.5, need.frame + 0.5, color=FAIL_COLOR, alpha=0.15, linewidth=0)
        axes.set(
            xlabel="frame",
            ylabel="steps",
            ylim=(0, None),
            title="Distance to the nearest crop; shaded frames will suffer",
        )
        axes.margins(x=0.01)
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        axes.legend(fontsize=7, framealpha=0, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return png(figure)


def ranges_plot(found: Coverage) -> bytes:
    """For every measure: the crops' spread above, the frames' below, on one line in steps round the faceset's middle."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    plate = found.plate.moved(found.shift)
    with rc_context(STYLE):
        figure = Figure(figsize=(10.6, 4.4), dpi=DPI, layout="constrained")
        axes = figure.subplots()
        for row, axis in enumerate(AXES):
            middle = np.nanmedian(found.faceset[axis.name]) if np.isfinite(found.faceset[axis.name]).any() else 0.0
            for values, lift, color in (
                (found.faceset[axis.name], -0.16, FACESET_COLOR),
                (plate[axis.name], 0.16, PLATE_COLOR),
            ):
                seen = (values[np.isfinite(values)] - middle) / axis.step
                axes.plot(
                    seen,
                    np.full(len(seen), row + lift),
                    linestyle="none",
                    marker="|",
                    markersize=8,
                    color=color,
                    alpha=0.5,
                )
        axes.set_yticks(range(len(AXES)), [TITLES[axis.name] for axis in AXES])
        axes.invert_yaxis()
        axes.grid(True, axis="x", linewidth=0.5)
        title = "Blue: the faceset; yellow: what the plate needs"
        label = "steps from the faceset's middle; a step is a difference that one sees"
        axes.set(
            xlabel=label,
            title=title,
        )
        return png(figure)
