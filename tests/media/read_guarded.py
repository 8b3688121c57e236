"""Run as a program: read each image named on standard input in a process of its own, with limits, and print a JSON line for it.

A library that crashes, hangs or eats memory on a damaged file takes only its own process down.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

from vfx_deepfake.errors import PlateError
from vfx_deepfake.media.dpx import read_dpx
from vfx_deepfake.media.exr import read_exr

SECONDS = 20
MEMORY = 4 << 30


def read_in_child(path: Path, answer: int) -> None:
    """Read one file and write what came of it to the pipe."""
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        frame = read_dpx(path) if path.suffix == ".dpx" else read_exr(path)
        text = f"ok {frame.pixels.shape}"
    except PlateError as error:
        text = str(error)
    os.write(answer, text.encode())


def outcome(path: Path) -> str:
    """``ok ...``, the message, or how the process died."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            read_in_child(path, theirs)
            os._exit(0)
        finally:
            os._exit(70)  # any other error: the traceback is on standard error
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        text = pipe.read().decode()
    status = os.waitpid(child, 0)[1]
    return text if status == 0 else f"died: {os.waitstatus_to_exitcode(status)}"


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps({"file": line.strip(), "outcome": outcome(Path(line.strip()))}), flush=True)
