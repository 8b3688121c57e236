"""One SIGTERM is enough, also where something swallows the first exception that it raises."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import importlib, sys, time
main = importlib.import_module("vfx_deepfake.cli.main")
main.SECONDS_TO_END = 0.2
main.stop_when_asked()
try:
    ready = False
    for swallow in ({swallow}):
        try:
            if not ready:
                ready = True
                print("ready", flush=True)
            time.sleep(30)
        except BaseException:
            if not swallow:
                raise
except KeyboardInterrupt as error:
    sys.exit(f"ended by {{error}}")
"""


@pytest.mark.parametrize(
    ("swallow", "by"), [("False,", "SIGTERM"), ("True, False", "SIGALRM"), ("True, True, True, False", "SIGALRM")]
)
def test_one_signal_ends_it(swallow, by):
    child = subprocess.Popen([sys.executable, "-c", PROGRAM.format(swallow=swallow)], cwd=ROOT, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    os.kill(child.pid, signal.SIGTERM)
    _, said = child.communicate(timeout=60)
    assert said.strip() == f"ended by {by}"
