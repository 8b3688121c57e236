"""The review mark: how often it is read after what happens to copies, how often it is read where there is none, and how much is seen.

    python -m benchmarks.mark [MOVIE ...] [--trials 3] [--frames 12] [--unmarked 2000] [--size 640x360] [--out OUT]

Without movies the procedural performer is drawn. Every trial is another stretch of a movie, another version and another key. Prints

- PSNR, SSIM (Wang et al. 2004, luma, Gaussian 1.5 px) and rms of the mark in 8-bit display codes, before any encoding
- by case: how many trials gave the right version, the 95 % Wilson interval, coded bits wrong of all read, and payload bits wrong
- how many of ``--unmarked`` frames gave a payload, each under a key of its own, reduced to 360 px high
- CPU seconds for marking and for reading a frame

OUT gets for the first movie a frame before and after, and their difference gained up 40 times.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from vfx_deepfake.demo.performer.performer import Performer
from vfx_deepfake.faceset.read_movie import count_frames, read_frames
from vfx_deepfake.image.mark import LUMA, Marker, Reading, read_mark
from vfx_deepfake.image.mark_code import CODED_BITS, encode, version_id
from vfx_deepfake.media.movie import MovieSpec, write_movie
from vfx_deepfake.media.sheet import write_png

Pictures = list[np.ndarray]
REDUCED_PX = 360
WILSON = 1.96  # normal deviate of 95 %


def scaled(share: float) -> Callable[[Pictures], Pictures]:
    """Resize as an editor's tool would."""
    kernel = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    return lambda pictures: [cv2.resize(p, None, fx=share, fy=share, interpolation=kernel) for p in pictures]


def cropped(share: float) -> Callable[[Pictures], Pictures]:
    """Keep a share of width and height, off the middle by a third of what is cut."""

    def crop(pictures: Pictures) -> Pictures:
        height, width = (round(n * share) for n in pictures[0].shape[:2])
        y, x = (pictures[0].shape[0] - height) // 3, 2 * (pictures[0].shape[1] - width) // 3
        return [np.ascontiguousarray(p[y : y + height, x : x + width]) for p in pictures]

    return crop


def gamma(power: float) -> Callable[[Pictures], Pictures]:
    """Another screen's gamma."""
    return lambda pictures: [np.clip(p, 0, 1) ** np.float32(power) for p in pictures]


def first(count: int) -> Callable[[Pictures], Pictures]:
    """A short clip."""
    return lambda pictures: pictures[:count]


CASES: dict[str, tuple[Sequence[Callable[[Pictures], Pictures]], int]] = {
    "H.264 crf 18": ((), 18),
    "H.264 crf 23": ((), 23),
    "H.264 crf 28": ((), 28),
    "H.264 crf 35": ((), 35),
    "scale 0.5, crf 18": ((scaled(0.5),), 18),
    "scale 0.75, crf 18": ((scaled(0.75),), 18),
    "scale 1.5, crf 18": ((scaled(1.5),), 18),
    "crop to 80 %, crf 18": ((cropped(0.8),), 18),
    "crop to 50 %, crf 18": ((cropped(0.5),), 18),
    "crop 80 %, scale 0.75, crf 23": ((cropped(0.8), scaled(0.75)), 23),
    "crop 50 %, scale 0.5, crf 28": ((cropped(0.5), scaled(0.5)), 28),
    "gamma 0.8, crf 23": ((gamma(0.8),), 23),
    "gamma 1.25, crf 23": ((gamma(1.25),), 23),
    "1 frame, crf 23": ((first(1),), 23),
    "4 frames, crf 28": ((first(4),), 28),
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("movies", nargs="*", type=Path)
    parser.add_argument("--trials", type=int, default=3, help="a movie")
    parser.add_argument("--frames", type=int, default=12, help="a trial")
    parser.add_argument("--unmarked", type=int, default=2000)
    parser.add_argument("--size", default="640x360", help="of the performer")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    stretches = list(_stretches(args))
    if args.out:
        _show(stretches[0][0], args.out)
    _visibility(stretches)
    _rates(stretches)
    _false_positives(args, stretches)
    return 0


def _stretches(args: argparse.Namespace) -> Iterator[Pictures]:
    """The pictures of every trial."""
    if not args.movies:
        width, height = map(int, args.size.split("x"))
        for trial in range(args.trials):
            performer = Performer(width=width, height=height, first=1, count=args.frames, seed=trial + 1)
            yield [_encoded(performer.truth(frame).plate) for frame in range(1, args.frames + 1)]
    for movie in args.movies:
        count = count_frames(movie)
        for trial in range(args.trials):
            start = 1 + trial * max(count - args.frames, 0) // max(args.trials - 1, 1)
            yield [picture for _, picture in read_frames(movie, range(start, start + args.frames))]


def _encoded(pixels_lin: np.ndarray) -> np.ndarray:
    """A plain display encoding: gamma 2.4, clipped."""
    return np.asarray(np.clip(pixels_lin[..., :3], 0, 1) ** (1 / 2.4), np.float32)


def _key(trial: int) -> tuple[bytes, bytes]:
    key = hashlib.sha256(b"benchmark %d" % trial).digest()
    return key, version_id(f"show/sh{trial:04d}/v001", key)


def _visibility(stretches: Sequence[Pictures]) -> None:
    rows, began = [], time.process_time()
    for trial, pictures in enumerate(stretches):
        key, identity = _key(trial)
        marked = Marker(identity, key).mark(pictures[0])
        before, after = (np.clip(p, 0, 1) @ LUMA for p in (pictures[0], marked))
        error = float(((after - before) ** 2).mean())
        rows.append((-10 * math.log10(error), ssim(before, after), 255 * math.sqrt(error)))
    for name, values in zip(("PSNR dB", "SSIM", "rms, codes of 255"), zip(*rows, strict=True), strict=True):
        print(f"{name:18} mean {np.mean(values):.4f}  least {min(values):.4f}  most {max(values):.4f}")
    print(
        f"marking, pattern drawn anew: {(time.process_time() - began) / len(stretches):.3f} CPU s a picture", flush=True
    )


def ssim(first_luma: np.ndarray, other: np.ndarray) -> float:
    """Mean structural similarity of two lumas 0..1. Source: Wang, Bovik, Sheikh, Simoncelli 2004."""

    def blur(image: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(image.astype(np.float64), (11, 11), 1.5)

    mean, mean_other = blur(first_luma), blur(other)
    variance = blur(first_luma.astype(np.float64) ** 2) - mean**2
    variance_other = blur(other.astype(np.float64) ** 2) - mean_other**2
    shared = blur(first_luma.astype(np.float64) * other) - mean * mean_other
    low, high = 0.01**2, 0.03**2
    top = (2 * mean * mean_other + low) * (2 * shared + high)
    return float((top / ((mean**2 + mean_other**2 + low) * (variance + variance_other + high))).mean())


def _rates(stretches: Sequence[Pictures]) -> None:
    print(f"{'case':30} found            95 %          coded bits wrong  payload bits wrong   CPU s")
    for name, (steps, crf) in CASES.items():
        right, wrong_coded, wrong_payload, began = 0, 0, 0, time.process_time()
        for trial, pictures in enumerate(stretches):
            key, identity = _key(trial)
            reading = _trial(pictures, key, identity, steps, crf)
            right += reading.identity == identity
            wrong_payload += reading.identity not in (None, identity)
            wrong_coded += int((reading.soft * encode(identity, key) <= 0).sum())
        low, high = wilson(right, len(stretches))
        bits = CODED_BITS * len(stretches)
        print(f"{name:30} {right:3}/{len(stretches):<3} {right / len(stretches):6.1%}  {low:6.1%} to {high:6.1%}  "
              f"{wrong_coded:5}/{bits} {wrong_coded / bits:6.1%}  other version: {wrong_payload}"
              f"  {(time.process_time() - began) / len(stretches):.2f}", flush=True)  # fmt: skip


def _trial(
    pictures: Pictures, key: bytes, identity: bytes, steps: Sequence[Callable[[Pictures], Pictures]], crf: int
) -> Reading:
    """Mark, do what happens to copies, encode, decode, read."""
    marker = Marker(identity, key)
    copies = [marker.mark(picture) for picture in pictures]
    for step in steps:
        copies = step(copies)
    with tempfile.TemporaryDirectory() as folder:
        movie = Path(folder) / "copy.mp4"
        write_movie(movie, copies, MovieSpec(frame_rate=Fraction(24), crf=crf))
        return read_mark((picture for _, picture in read_frames(movie)), key)


def wilson(count: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share. Source: Wilson 1927."""
    share, z2 = count / total, WILSON**2
    middle, half = share + z2 / (2 * total), WILSON * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return max((middle - half) / (1 + z2 / total), 0.0), min((middle + half) / (1 + z2 / total), 1.0)


def _false_positives(args: argparse.Namespace, stretches: Sequence[Pictures]) -> None:
    began, found, done, peaks = time.process_time(), 0, 0, []
    for picture in _unmarked(args.movies, stretches):
        if done == args.unmarked:
            break
        share = min(REDUCED_PX / picture.shape[0], 1.0)
        reading = read_mark(scaled(share)([picture]), hashlib.sha256(b"nobody %d" % done).digest())
        found, done = found + (reading.identity is not None), done + 1
        peaks.append(reading.peak)
    if done:
        low, high = wilson(found, done)
        print(f"unmarked: {found} of {done} gave a payload, 95 % {low:.2%} to {high:.2%}; highest peak {max(peaks):.2f} deviations; "
              f"{(time.process_time() - began) / done:.3f} CPU s each")  # fmt: skip


def _unmarked(movies: Sequence[Path], stretches: Sequence[Pictures]) -> Iterator[np.ndarray]:
    """Every frame of the movies, again and again; each time it is asked for another key."""
    while True:
        for movie in movies:
            yield from (picture for _, picture in read_frames(movie))
        if not movies:
            yield from (picture for pictures in stretches for picture in pictures)


def _show(picture: np.ndarray, out: Path) -> None:
    key, identity = _key(0)
    marked = Marker(identity, key).mark(picture)
    difference = np.clip(0.5 + 40 * (marked - picture), 0, 1)
    write_png(out / "mark.png", np.concatenate([picture, marked, difference], axis=1))


if __name__ == "__main__":
    sys.exit(main())
