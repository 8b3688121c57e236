"""Mattes against the performer's exact regions: from the mesh alone and refined, an occluder unseen, estimated and learnt.

    python -m benchmarks.mattes [--out DIR] [--size 960x540] [--frames 24]

Three shots of the performer are drawn and tracked (kept in DIR for the next time): one without a microphone, one with it
before the face, one of another seed, in which a thinner microphone comes from the side, as nothing was chosen on it.
``MAE`` is the mean absolute error in percent of the region's own area, ``IoU`` the overlap of the halves over all frames, ``edge`` the
mean distance in pixels between the two outlines at one half, both ways, ``flicker`` the change of the matte along the
exact motion that the exact matte does not have, in percent of the area. The performer's brows, nose and face are
painted bands and an oval that end at no edge of the picture and mean other places than the mesh: their figures show
what refinement must not spoil, no more. Occluders are judged in frames that nobody painted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from vfx_deepfake.demo.performer.performance import Moment, Performance
from vfx_deepfake.demo.performer.performer import Performer
from vfx_deepfake.demo.run import parse_size
from vfx_deepfake.demo.shot import DemoShot, write_demo_shot
from vfx_deepfake.face.appearance import Appearance, compare, enlarged, occlusion
from vfx_deepfake.face.mesh import region_mask, warp_map
from vfx_deepfake.image.crop import Window, cut
from vfx_deepfake.image.denoise import spread
from vfx_deepfake.image.flow import sample
from vfx_deepfake.image.region_matte import edge_guide, refined, teeth_matte
from vfx_deepfake.media.exr import read_exr
from vfx_deepfake.model.crops import CropSource
from vfx_deepfake.model.occluder import occluder_of, painted_frame, train_occluder
from vfx_deepfake.model.predict import FaceModel
from vfx_deepfake.progress import Silent
from vfx_deepfake.steps.face_mattes import OCCLUDER_BAND_PX, FaceMattes, shot_appearance, shot_small_face
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.shot_crops import ShotCrops, open_crops
from vfx_deepfake.steps.track import track_stage

REGIONS = {
    "eyes": "eyes",
    "lips": "lips",
    "mouth": "mouth",
    "teeth": "teeth",
    "brows": "brows",
    "nose": "nose",
    "face": "oval",
}
ROTO_SHARES = (0.62, 0.71, 0.79, 0.88)  # of the shot, where roto is painted; the microphone is there from 0.58 to 0.86
ON_FACE = 0.002  # of the face's area; with less in front of it a frame counts as free
SHOTS = {"bare": "without the microphone", "mic": "with the microphone", "side": "a microphone from the side"}


class FromTheSide(Performance):
    """The same play with a thinner microphone, which comes from the left instead of from below."""

    def moment(self, index: int, count: int) -> Moment:
        """See the base class."""
        moment = super().moment(index, count)
        below = moment.microphone
        if below is None:
            return moment
        tip, travel = (-below.tip[1], below.tip[0] + 0.1), (-below.travel[1], below.travel[0])
        return replace(moment, microphone=replace(below, tip=tip, travel=travel, angle=170.0, radius=0.045))


def performer_of(name: str, size: tuple[int, int], count: int) -> Performer:
    """The performer of one of SHOTS."""
    performer = Performer(
        width=size[0], height=size[1], count=count, performance=Performance(microphone=name != "bare")
    )
    return replace(performer, performance=FromTheSide(), seed=2) if name == "side" else performer


class Bench:
    """One shot of the performer with its truth, over the crops that the mattes are made in."""

    def __init__(self, folder: Path, performer: Performer) -> None:
        self.shot: DemoShot = write_demo_shot(folder, performer=performer, overrides=("model.method=propagate",))
        self.opened: OpenShot = open_shot(self.shot.file)
        track_stage(self.opened, Silent())
        self.crops: ShotCrops = open_crops(self.opened)
        self.frames = list(self.crops.source.frames)

    def truth(self, frame: int, name: str) -> np.ndarray:
        """An exact matte over the frame's crop."""
        masks = read_exr(self.shot.truth_frame("masks", frame), channels=(f"{name}.Y",))
        return cut(masks.pixels[..., 0], masks.data_window, self.crops.source.window(frame))

    def drawn(self, frame: int, appearance: Appearance) -> dict[str, np.ndarray]:
        """The regions from the mesh alone."""
        window, points = self.crops.source.window(frame), self.crops.track.points_at(frame)
        made = {name: region_mask(points, window, region) for name, region in REGIONS.items() if name != "teeth"}
        if appearance.skin is None:
            return {**made, "teeth": np.zeros_like(made["mouth"])}
        return {**made, "teeth": teeth_matte(made["mouth"], self.crops.source.crop(frame).image_log, appearance.skin)}


def edge_px(matte: np.ndarray, exact: np.ndarray) -> float:
    """Mean distance between the outlines at one half; NaN where one of them is empty."""
    outlines, far = [], []
    for one in (matte > 0.5, exact > 0.5):
        inner = cv2.erode(one.astype(np.uint8), np.ones((3, 3), np.uint8))
        outlines.append(one & (inner == 0))
        far.append(cv2.distanceTransform((~outlines[-1]).astype(np.uint8), cv2.DIST_L2, 5))
    if not outlines[0].any() or not outlines[1].any():
        return float("nan")
    return float((far[1][outlines[0]].mean() + far[0][outlines[1]].mean()) / 2)


def judged(matte: np.ndarray, exact: np.ndarray, area: float) -> tuple[float, float, float, float]:
    """MAE in percent of an area, pixels in both halves and in either, edge error in pixels."""
    ours, theirs = matte > 0.5, exact > 0.5
    mae = 100 * float(np.abs(matte - exact).sum()) / max(area, 1)
    return mae, float((ours & theirs).sum()), float((ours | theirs).sum()), edge_px(matte, exact)


def row(name: str, figures: list[tuple[float, float, float, float]], more: str = "") -> str:
    """One line of a table."""
    mae, both, either, edge = np.array(figures).T
    found = edge[np.isfinite(edge)]
    edge_text = f"{found.mean():.2f}" if len(found) else "-"
    return f"| {name} | {mae.mean():.2f} | {both.sum() / max(either.sum(), 1):.3f} | {edge_text} |{more}"


def flicker(bench: Bench, mattes: Mapping[int, np.ndarray], exact: Mapping[int, np.ndarray]) -> float:
    """Change along the mesh's motion from each frame to the next beyond the exact matte's, percent of the area."""
    found = []
    for frame in bench.frames[:-1]:
        window, after = bench.crops.source.window(frame), bench.crops.source.window(frame + 1)
        points = bench.crops.track.points_at
        there = warp_map(points(frame + 1), points(frame), window)
        moved = [sample(one[frame + 1], after, there, sharp=False) - one[frame] for one in (mattes, exact)]
        found.append(100 * float(np.abs(moved[0] - moved[1]).sum()) / max(float(exact[frame].sum()), 1))
    return float(np.mean(found))


def regions_table(bench: Bench, appearance: Appearance, what: str) -> None:
    """Mesh against refined, region by region; what stands in front comes from the automatic estimate."""
    print(f"\n{what}\n| region | MAE % | IoU | edge px | flicker % |\n|---|---|---|---|---|")
    made = FaceMattes(bench.opened, bench.crops, appearance)
    refined_ones = {frame: made.of(frame, bench.crops.source.window(frame)) for frame in bench.frames}
    drawn = {frame: bench.drawn(frame, appearance) for frame in bench.frames}
    for name in REGIONS:
        exact = {frame: bench.truth(frame, name) for frame in bench.frames}
        for way, mattes in (("mesh", drawn), ("refined", refined_ones)):
            ours = {frame: mattes[frame][name] for frame in bench.frames}
            figures = [
                judged(ours[frame], exact[frame], float(exact[frame].sum()))
                for frame in bench.frames
                if exact[frame].sum() > 20
            ]
            print(row(f"{name}, {way}", figures, f" {flicker(bench, ours, exact):.2f} |"))


def estimated(bench: Bench, frame: int, appearance: Appearance) -> np.ndarray:
    """What seems to stand in front of the face, from the plate alone."""
    crop = bench.crops.source.crop(frame)
    return occlusion(crop.image_log, crop.window, crop.points, appearance, bench.crops.source.mesh)


def carried(bench: Bench, painted: list[int]) -> FaceModel:
    """The key-frame model on roto: mesh and dense flow carry it, as if it were part of the face."""

    def read(frame: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
        return bench.truth(frame, "occluder")[..., None], np.ones(window.shape, np.float32)

    return FaceModel(
        CropSource(bench.crops.track, painted, lambda frame, _: bench.crops.source.crop(frame).image_log, read)
    )


def occluder_table(bench: Bench, appearance: Appearance) -> None:
    """The microphone on the face, in frames that nobody painted: nothing, estimated, carried, learnt from four frames."""
    crops, mesh = bench.crops, bench.crops.source.mesh
    painted = [bench.frames[round(share * (len(bench.frames) - 1))] for share in ROTO_SHARES]
    seen = {frame: (face := shot_small_face(crops, frame), compare(face, appearance, mesh)) for frame in bench.frames}
    lessons = [painted_frame(*seen[frame], bench.truth(frame, "occluder")) for frame in painted]
    estimate = {frame: estimated(bench, frame, appearance) for frame in bench.frames}
    free = [frame for frame in spread(bench.frames, 9) if frame not in painted and not estimate[frame].any()]
    lessons += [painted_frame(*seen[frame], np.zeros(crops.source.window(frame).shape, np.float32)) for frame in free]
    began = time.process_time()
    net = train_occluder(lessons, seed=1)
    seconds = time.process_time() - began
    by_flow = carried(bench, painted)
    guides = {
        frame: edge_guide(crops.source.crop(frame).image_log, crops.source.crop(frame).scale) for frame in bench.frames
    }
    finish = partial(refined, band_px=OCCLUDER_BAND_PX, steepness=1)
    ways = {
        "nothing": lambda frame: np.zeros(crops.source.window(frame).shape, np.float32),
        "estimated": lambda frame: finish(estimate[frame], guides[frame]),
        "carried by mesh and flow": lambda frame: by_flow.predict(frame).matte,
        "learnt, not refined": lambda frame: enlarged(occluder_of(net, *seen[frame]), crops.source.window(frame)),
        "learnt": lambda frame: finish(
            enlarged(occluder_of(net, *seen[frame]), crops.source.window(frame)), guides[frame]
        ),
    }
    faces = {
        frame: region_mask(crops.track.points_at(frame), crops.source.window(frame), "oval") for frame in bench.frames
    }
    exact = {frame: bench.truth(frame, "occluder") * faces[frame] for frame in bench.frames}
    covered = [frame for frame in bench.frames if exact[frame].sum() >= ON_FACE * faces[frame].sum()]
    judged_frames = [frame for frame in covered if frame not in painted]
    print(
        f"\nthe microphone within the face, in frames {judged_frames}; roto of {painted}, frames taken as free {free};"
        f" learning: {seconds:.1f} CPU s"
    )
    print(
        "| way | MAE % of the face | IoU | edge px | eaten % of the face where nothing is in front |\n|---|---|---|---|---|"
    )
    for name, way in ways.items():
        figures = [
            judged(way(frame) * faces[frame], exact[frame], float(faces[frame].sum())) for frame in judged_frames
        ]
        eaten = [
            100 * float((way(frame) * faces[frame]).sum() / faces[frame].sum())
            for frame in bench.frames
            if frame not in covered
        ]
        print(row(name, figures, f" {np.mean(eaten):.3f} (worst {np.max(eaten):.2f}) |"))


def main() -> None:
    """Draw, track, measure, print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="where the shots are kept (default: nowhere)")
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--frames", type=int, default=24)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, size = args.out or Path(temporary), parse_size(args.size)
        for name, what in SHOTS.items():
            bench = Bench(folder / name, performer_of(name, size, args.frames))
            appearance = shot_appearance(bench.crops)
            regions_table(bench, appearance, f"regions, {what}")
            if name != "bare":
                occluder_table(bench, appearance)
            else:
                eaten = [float(estimated(bench, frame, appearance).max()) for frame in bench.frames]
                print(
                    f"\nframes without an occluder in which one is estimated: {sum(value > 0 for value in eaten)} of {len(eaten)}"
                )


if __name__ == "__main__":
    main()
