"""How many processes ``torchrun`` started, and which of them this is; told without torch, which loads slowly."""

from __future__ import annotations

import os


def processes_started() -> int:
    """Processes that were started to train together; 1 without torchrun."""
    # all three are torchrun's; one alone is somebody else's variable
    together = {"WORLD_SIZE", "RANK", "MASTER_ADDR"} <= os.environ.keys()
    return int(os.environ["WORLD_SIZE"]) if together else 1


def started_first() -> bool:
    """True in the one process that plans, writes and reports."""
    return int(os.environ.get("RANK", "0")) == 0
