"""``train`` where torchrun started several processes: the first one leads, the others share the work and say nothing.

The first holds the shot's lock, plans the run, writes and reports, as it does alone. It tells the others which folder and
what the run is made from, so that all begin at the same weights, and at last its exit code, which is theirs too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfx_deepfake.errors import EXIT_BUG, EXIT_DONE, EXIT_RETRY, VfxError
from vfx_deepfake.model.identity.launch import processes_started, started_first
from vfx_deepfake.progress import Progress
from vfx_deepfake.steps.identity_model import train_identity_run
from vfx_deepfake.steps.opened import open_shot
from vfx_deepfake.steps.shot_crops import open_crops
from vfx_deepfake.steps.train import train_stage

if TYPE_CHECKING:
    from vfx_deepfake.model.identity.parallel import Messages

SECONDS_FOR_A_REASON = 10.0  # assumed: the first process fails of the same cause within that time


def train_together(file: str | Path, overrides: Iterable[str], progress: Progress) -> dict[str, Any] | int:
    """Train a shot in as many processes as were started; the exit code in those that only help.

    A shot with painted frames trains in the first process alone.
    Raises: as :func:`train_stage`; RetryError when another process ended.
    """
    if processes_started() == 1:
        return train_stage(open_shot(file, overrides), progress)
    from vfx_deepfake.model.identity.parallel import Messages

    messages = Messages()
    return _lead(file, overrides, messages, progress) if started_first() else _follow(file, overrides, messages)


def _lead(file: str | Path, overrides: Iterable[str], messages: Messages, progress: Progress) -> dict[str, Any]:
    code = EXIT_BUG
    try:
        opened = open_shot(file, overrides)
        if not opened.settings.model.swaps:
            progress.say(f"{opened.name}: painted frames train on one device; the other processes have nothing to do")

        def tell(message: Mapping[str, Any]) -> None:
            opened.hashes.save()  # so that nobody reads the plate again for its hash
            messages.tell(message)

        result = train_stage(opened, progress, tell=tell)
        code = EXIT_DONE
        return result
    except VfxError as error:
        code = error.exit_code
        raise
    except KeyboardInterrupt:
        code = EXIT_RETRY
        raise
    finally:
        messages.tell({"exit": code})


class _EndedError(Exception):
    """The first process has ended, with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _follow(file: str | Path, overrides: Iterable[str], messages: Messages) -> int:
    def heard(key: str) -> Any:
        message = messages.hear() or {}
        if key not in message:
            raise _EndedError(message["exit"])
        return message[key]

    try:
        try:
            opened = open_shot(file, overrides)
            if not opened.settings.model.swaps:
                return EXIT_DONE
            folder = Path(heard("folder"))
            train_identity_run(
                opened, open_crops(opened), folder, {}, lambda: heard("made_of"), lambda made_of: None, lambda step, loss: None
            )  # fmt: skip
            return int(heard("exit"))
        except VfxError:
            # most often the first process stops for the same reason, and says it
            code = _exit_code(messages)
            if code is None:
                raise
            return code
    except _EndedError as ended:
        return ended.code
    except KeyboardInterrupt:  # torchrun stops all when one fails
        return EXIT_RETRY


def _exit_code(messages: Messages) -> int | None:
    """How the first process ended; None if it goes on."""
    while (message := messages.hear(SECONDS_FOR_A_REASON)) is not None:
        if "exit" in message:
            return int(message["exit"])
    return None
