"""What a submission gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Submitted:
    """job_ids: by step, as the engine names them. files: what was written. notes: lines worth reading, such as how to release it."""

    job_ids: dict[str, str]
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def as_result(self) -> dict[str, Any]:
        """For the command line."""
        ids = {f"job {step}": number for step, number in self.job_ids.items()}
        return {
            **ids,
            "job_ids": list(self.job_ids.values()),
            "lines": [*(str(file) for file in self.files), *self.notes],
        }
