"""One SIGTERM is enough, also where something swallows the first exception that it raises."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vfx_deepfake.errors import EXIT_RETRY

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


MISTAKEN = """
import os, signal, sys, time
from vfx_deepfake.cli import commands
from vfx_deepfake.cli.main import main
from vfx_deepfake.errors import TrackError

def looks_for_faces(args, progress):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    except KeyboardInterrupt:
        raise TrackError("mediapipe is not installed")

commands.COMMANDS["check"] = looks_for_faces
sys.exit(main(["check", "nowhere"]))
"""


def test_what_a_library_makes_of_the_signal_is_not_told():
    ended = subprocess.run([sys.executable, "-c", MISTAKEN], cwd=ROOT, text=True, capture_output=True, timeout=60)
    assert ended.returncode == EXIT_RETRY
    assert ended.stderr.strip() == "vfx-deepfake check: stopped; run the same command again to go on where it was"
