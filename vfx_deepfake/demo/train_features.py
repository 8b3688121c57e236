"""How the numbers of :mod:`vfx_deepfake.faceset.likeness` are made: ``python -m vfx_deepfake.demo.train_features FOLDER``.

Drawn people in several lights, ages and poses, nobody real. The folder keeps their facesets, so that a run that was stopped goes
on there; the same program gives the same numbers. Everybody is shown a second time as a worse picture: softer, noisier, of another
contrast and lens, its landmarks a little off. How pictures of one person differ, and how people do, is all that is learnt.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from vfx_deepfake.demo.facesets import render_faceset
from vfx_deepfake.demo.performer.identities import looks_of
from vfx_deepfake.demo.performer.looks import Looks
from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.topology import canonical_vertices_cm
from vfx_deepfake.faceset.data import Faceset, load_faceset
from vfx_deepfake.faceset.likeness import Matrix, describe, distances, project
from vfx_deepfake.model import checkpoint

FIRST, PEOPLE, HELD_OUT = 5000, 60, 12  # numbers of the drawn people; the last ones are not learnt from
# Kin share all colours, so that these are not all that is learnt; the first families are not learnt from
FIRST_KIN, KIN, FAMILY, KIN_HELD_OUT = 9000, 56, 4, 24
COLOURS = 8000  # and the family's number: who has them
CROPS, SIZE_PX, LIGHTS, LAMPS = 12, 128, 4, 23  # each in LIGHTS of LAMPS sets of lamps
# The worse picture, assumed
SOFT, CONTRAST, NOISE_LOG = 0.016, 0.15, 0.012  # most blur as a share of the side, usual change of contrast, most noise
OFF, OFF_CM, OFF_PLACES = (
    0.006,
    2.5,
    6,
)  # landmarks off by a share of the side, over a stretch of the face, in so many places
NEARNESS = 0.012  # most change of one over the camera's distance in cm
SPREADS = 300  # directions in which faces vary at all; the rest is noise
RIDGE = 0.1  # of the mean spread: what was never drawn is not taken for steady
NUM_FEATURES = 24

Values = tuple[np.ndarray, np.ndarray]  # of several crops: (N, P) and how well each is seen
People = tuple[
    np.ndarray, np.ndarray, np.ndarray
]  # one's values and how well each is seen, every second worse; and lights


def main(folder: Path) -> int:
    """Draw, learn, judge on people who were not learnt from, and write ``likeness.safetensors`` into ``folder``."""
    people, kin = ([values_of(load_faceset(one), int(one.name)) for one in drawn] for drawn in draw(folder))
    made = learn(people[:-HELD_OUT] + kin[KIN_HELD_OUT:])
    tensors = {"mean": torch.from_numpy(made.mean).half(), "directions": torch.from_numpy(made.directions).half()}
    checkpoint.write(folder / "likeness.safetensors", tensors, {"people": PEOPLE - HELD_OUT, "kin": KIN - KIN_HELD_OUT})
    families = [kin[first : first + FAMILY] for first in range(0, KIN_HELD_OUT, FAMILY)]
    for who, groups in (("people", [people[-HELD_OUT:]]), ("kin", families)):
        for first, shown in enumerate(("as they are", "worse")):
            for name, sets in (("pictures", False), ("sets of one light", True)):
                found = [judged(group, made, first, sets) for group in groups]
                same, other = (np.concatenate(side) for side in zip(*found, strict=True))
                print(f"held out {who}, {name}, {shown}: {words(same, other)}")
    return 0


def judged(group: Sequence[People], known: Matrix, first: int, sets: bool) -> tuple[np.ndarray, np.ndarray]:
    """Distances as :func:`alike` has them, of pictures as they are (``first`` 0) or of the worse ones (1)."""
    features = [project_all((values[first::2], seen[first::2]), known) for values, seen, _ in group]
    return alike(features, [lights for _, _, lights in group], sets)


def words(same: np.ndarray, other: np.ndarray) -> str:
    """What distances of one person's, and of two people's, say."""
    told = float((same[:, None] < other[None]).mean())
    return (f"same person {np.median(same):.2f} (95 % below {np.percentile(same, 95):.2f}), another {np.median(other):.2f} "
            f"(5 % below {np.percentile(other, 5):.2f}); told apart {told:.4f} of the pairs")  # fmt: skip


def draw(folder: Path) -> tuple[list[Path], list[Path]]:
    """The facesets of everybody and of kin, drawn where they are not there yet."""
    people = [(FIRST + number, number, number % 3 / 2, None) for number in range(PEOPLE)]
    kin = [
        (FIRST_KIN + number, number, number // FAMILY % 3 / 2, kin_looks(FIRST_KIN + number)) for number in range(KIN)
    ]
    made = []
    for identity, number, age, looks in [*people, *kin]:
        lights = [(5 * number + k) % LAMPS for k in range(LIGHTS)]
        into = folder / str(identity)
        made.append(render_faceset(identity, into, count=CROPS, lights=lights, size=SIZE_PX, age=age, looks=looks))
        print(f"drawn {len(made)} of {PEOPLE + KIN}", file=sys.stderr, flush=True)
    return made[:PEOPLE], made[PEOPLE:]


def kin_looks(identity: int) -> Looks:
    """Somebody's own shape, brows and freckles in the family's colours."""
    own, family = looks_of(identity), looks_of(COLOURS + identity // FAMILY)
    return replace(
        family, shape=own.shape, brow_strength=own.brow_strength, brow_lift=own.brow_lift, freckles=own.freckles
    )


def values_of(faceset: Faceset, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every crop, as it is and worse in turn: values (2 N, P), how well seen; and the light of each crop (N,)."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(len(faceset)):
        view = (faceset.image_log(index), faceset.points[index], faceset.valid(index))
        rows += [describe(*view), worse(*view, rng)]
    values, seen = (np.stack(column) for column in zip(*rows, strict=True))
    return values, seen, np.array([crop.source for crop in faceset.crops])


def worse(image_log: np.ndarray, points: np.ndarray, valid: np.ndarray, rng: np.random.Generator) -> Values:
    """What a worse picture of the same face would give."""
    side = len(image_log)
    soft = cv2.GaussianBlur(image_log, (0, 0), max(rng.uniform(0, SOFT) * side, 0.1))
    soft = soft * np.float32(np.exp(rng.normal(0, CONTRAST))) + rng.normal(0, rng.uniform(0, NOISE_LOG), soft.shape)
    head = canonical_vertices_cm()
    near = np.square(head[:, None] - head[rng.integers(0, len(head), OFF_PLACES)][None]).sum(axis=2)
    off = np.exp(-0.5 * near / OFF_CM**2) @ rng.normal(0, OFF * side, (OFF_PLACES, 2))
    values, seen = describe(soft, points + off, valid)
    axes = HeadFrame.of(points).axes
    away = np.cross(axes[0], axes[1])
    depth = (head - head.mean(axis=0)) @ away / np.linalg.norm(away)  # towards the camera
    middle = points.mean(axis=0)
    seen_nearer = middle + (points + off - middle) * (1 + rng.uniform(-NEARNESS, NEARNESS) * depth)[:, None]
    lens, _ = describe(soft, seen_nearer, valid)
    values[-2 * len(head) :] = lens[
        -2 * len(head) :
    ]  # a lens moves picture and landmarks alike: it is seen in the shape alone
    return values, seen


def learn(people: Sequence[tuple[np.ndarray, ...]]) -> Matrix:
    """The directions in which people differ most beside pictures of one person. people[k]: values (N, P), how well seen (N, P), ...

    In them pictures of one person lie round their mean by 1 or, with the ridge, less, root mean square.
    Source: R. Fisher, "The use of multiple measurements in taxonomic problems", 1936.
    """
    values, seen = (np.concatenate([np.asarray(one[part], np.float64) for one in people]) for part in (0, 1))
    whose = np.repeat(np.arange(len(people)), [len(one[0]) for one in people])
    mean = values.sum(axis=0) / np.maximum(seen.sum(axis=0), 1e-9)
    known = values - seen * mean
    spreads = np.linalg.svd(known, full_matrices=False)[2][:SPREADS]
    shown = known @ spreads.T
    persons = np.stack([shown[whose == person].mean(axis=0) for person in range(len(people))])
    within = np.cov((shown - persons[whose]).T, bias=True)
    within += RIDGE * np.trace(within) / len(within) * np.eye(len(within))
    sizes, axes = np.linalg.eigh(within)
    white = axes / np.sqrt(sizes)
    apart = (persons - persons.mean(axis=0)) @ white
    best = np.linalg.svd(apart, full_matrices=False)[2][: min(NUM_FEATURES, len(people) - 1)]
    return Matrix(mean.astype(np.float32), (spreads.T @ white @ best.T).astype(np.float32))


def project_all(values: Values, known: Matrix) -> np.ndarray:
    """(N, D) of (N, P) values and how well they are seen."""
    return np.stack([project(*one, known) for one in zip(*values, strict=True)])


def alike(features: Sequence[np.ndarray], lights: Sequence[np.ndarray], sets: bool) -> tuple[np.ndarray, np.ndarray]:
    """Distances between pictures (or means of sets of one light) of one person in two lights, and of two people.

    Shapes: features[k] (N, D), lights[k] (N,).
    """
    if sets:
        split = [[one[own == light] for light in np.unique(own)] for one, own in zip(features, lights, strict=True)]
        features = [np.stack([part.mean(axis=0) for part in parts]) for parts in split]
        lights = [np.arange(len(parts)) for parts in split]
    same = [distances(one, one)[own[:, None] < own[None]] for one, own in zip(features, lights, strict=True)]
    other = [distances(one, two).ravel() for i, one in enumerate(features) for two in features[i + 1 :]]
    return np.concatenate(same), np.concatenate(other)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
