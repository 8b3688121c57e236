"""``batch``: many shots to a farm in one go; a broken one is named with its reason and disturbs no other.

Shots that are not there yet are made from their template. Every shot is checked before the first is submitted. A shot that trains
a network for others goes first, and where the engine knows other jobs their training waits for its training; ``local`` runs the
shots one after the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import EXIT_ARTIST, EXIT_BUG, EXIT_DONE, EXIT_RETRY, ShotError, VfxError
from vfx_deepfake.farm.backends import backend_named
from vfx_deepfake.farm.job import submit_shot
from vfx_deepfake.farm.shotlist import Listed
from vfx_deepfake.farm.status import DONE, RUNNING, WAITING, shot_status
from vfx_deepfake.progress import SILENT, Progress
from vfx_deepfake.steps.check import check_shot
from vfx_deepfake.steps.init import InitRequest, init_shot
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.steps.train import lent_checkpoint, model_shot

SUBMITTED, READY, SKIPPED, BROKEN = "submitted", "ready", "left alone", "broken"
SEVERITY = (EXIT_BUG, EXIT_ARTIST, EXIT_RETRY)  # the worst exit code of a batch


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one shot of a batch.

    state: one of the words above; ready is a dry run's submitted. why: of broken and left alone, one line. error: what a broken shot
    raised.
    """

    listed: Listed
    state: str
    why: str = ""
    job_ids: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: Exception | None = None

    @property
    def line(self) -> str:
        """One line for people."""
        return f"{self.listed.label}: {self.state}" + (f": {self.why}" if self.why else "")

    @property
    def exit_code(self) -> int:
        """As the command line's, for this shot alone."""
        if self.state != BROKEN:
            return EXIT_DONE
        return self.error.exit_code if isinstance(self.error, VfxError) else EXIT_BUG


def submit_batch(
    shots: Sequence[Listed],
    *,
    farm: str = "local",
    hold: bool = False,
    dry_run: bool = False,
    rerun_failed: bool = False,
    progress: Progress = SILENT,
) -> tuple[Sent, ...]:
    """Submit the shots of a list, in its order except that model shots go first.

    rerun_failed: only shots that failed or never got onto the farm; what they have finished is verified and kept. With ``dry_run``
    nothing is written or sent.
    Raises: FarmError for an engine that is not known. What is wrong with a shot is in its result and not raised.
    """
    backend_named(farm)
    batch = _Batch(shots, farm, hold, dry_run, progress)
    for listed in shots:
        with batch.guarding(listed):
            batch.prepare(listed, rerun_failed)
    for listed in sorted(
        shots, key=lambda each: each.file not in batch.lenders.values()
    ):  # stable: else the list's order
        if listed.file not in batch.sent:
            with batch.guarding(listed):
                batch.submit(listed)
        progress.say(batch.sent[listed.file].line)
    return tuple(batch.sent[listed.file] for listed in shots)


def worst_exit_code(sent: Iterable[Sent]) -> int:
    """The exit code of a batch: 1 for a fault of ours, else 2 where someone can fix something, else 75, else 0."""
    found = {one.exit_code for one in sent}
    return next((code for code in SEVERITY if code in found), EXIT_DONE)


def summary(sent: Sequence[Sent]) -> dict[str, Any]:
    """For the command line: counts, one line a shot, and the broken ones as problems."""
    counts = {state: sum(one.state == state for one in sent) for state in (SUBMITTED, READY, SKIPPED, BROKEN)}
    return {
        **{state: count for state, count in counts.items() if count},
        "shots": [
            {"shot": one.listed.label, "state": one.state, "why": one.why, "job_ids": one.job_ids} for one in sent
        ],
        "lines": [one.line for one in sent if one.state != BROKEN],
        "problems": [one.line for one in sent if one.state == BROKEN],
        **({"exit_code": worst_exit_code(sent)} if counts[BROKEN] else {}),
    }


class _Batch:
    """What is known of the shots so far."""

    def __init__(self, shots: Sequence[Listed], farm: str, hold: bool, dry_run: bool, progress: Progress) -> None:
        self.sent: dict[Path, Sent] = {}
        self.lenders: dict[Path, Path] = {}  # shot -> the shot whose network it takes over
        self._in_list = {listed.file for listed in shots}
        self._farm, self._hold, self._dry_run, self._progress = farm, hold, dry_run, progress

    @contextmanager
    def guarding(self, listed: Listed) -> Any:
        """Keep what goes wrong with one shot to that shot."""
        try:
            yield
        except VfxError as error:
            self.sent[listed.file] = Sent(listed, BROKEN, "; ".join(str(error).splitlines()), error=error)
        except Exception as error:  # noqa: BLE001  (a fault of ours in one shot; the others go on, the command line reports it)
            why = f"a fault in vfx-deepfake itself ({type(error).__name__}: {error})"
            self.sent[listed.file] = Sent(listed, BROKEN, why, error=error)

    def prepare(self, listed: Listed, rerun_failed: bool) -> None:
        """Make the shot where it is not there, and check it.

        Raises: ShotError with every problem.
        """
        if not listed.file.exists():
            if not listed.plate:
                raise ShotError(
                    f"{listed.file}: no such file; name the plate to have the shot made, or correct the path"
                )
            if self._dry_run:
                with tempfile.TemporaryDirectory() as scratch:
                    made = init_shot(_request(listed, Path(scratch) / listed.file.parent.name))
                    check_shot(made, listed.entry.set).raise_problems()
                self.sent[listed.file] = Sent(listed, READY, "would be made from its template")
                return
            init_shot(_request(listed, listed.file.parent))
        opened = open_shot(listed.file, listed.overrides)
        lender = model_shot(opened)
        if lender:
            self.lenders[listed.file] = lender.shot.file
        _require_same_plate(listed, opened)
        if rerun_failed:
            state = shot_status(listed.file, listed.overrides).state
            if state in (DONE, RUNNING, WAITING):
                self.sent[listed.file] = Sent(listed, SKIPPED, state)
                return
        check_shot(listed.file, listed.overrides).raise_problems()
        if lender and lender.shot.file not in self._in_list and not lent_checkpoint(opened):
            raise ShotError(
                f"takes over the network of {lender.shot.file}, which is neither trained nor in the list; add it to the list"
            )

    def submit(self, listed: Listed) -> None:
        """Submit a checked shot.

        Raises: ShotError when its model shot is broken; what the engine raises.
        """
        model = self.sent.get(self.lenders.get(listed.file, listed.file))
        if model and model.state == BROKEN:
            raise ShotError(f"its model shot {model.listed.label} is broken; see there")
        waits = {"train": (model.job_ids["train"],)} if model and "train" in model.job_ids else {}
        done = submit_shot(listed.file, listed.overrides, farm=self._farm, hold=self._hold, dry_run=self._dry_run,
                           after=waits, checked=True, progress=self._progress)  # fmt: skip
        state = READY if self._dry_run else SUBMITTED
        self.sent[listed.file] = Sent(listed, state, job_ids=done.job_ids, notes=done.notes)


def _request(listed: Listed, folder: Path) -> InitRequest:
    entry = listed.entry
    return InitRequest(folder=folder, template=entry.template, plate=listed.plate, colorspace=entry.colorspace,
                       frames=entry.frames, name=entry.name or listed.file.parent.name, overrides=listed.entry.set)  # fmt: skip


def _require_same_plate(listed: Listed, opened: OpenShot) -> None:
    """Raises: ShotError where list and shot file name different plates, so that neither is taken in silence."""
    if not listed.plate:
        return
    theirs = opened.source_text(opened.settings.plate.pattern)
    if Path(theirs) != Path(listed.plate):
        raise ShotError(
            f"{listed.file} [plate].pattern: is {theirs} and the list says {listed.plate}; correct one of them"
        )
