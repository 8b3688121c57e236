"""The real command line without the seconds that importing torch takes: a process that has everything loaded and forks for each command.

``warm_venv`` makes a folder that looks like a virtual environment, for ``[farm].venv``. Its ``vfx-deepfake`` sends words, folder, variables
and its own output to the server and ends with the exit code of the command. What runs is the package's own ``main``, in a process of
its own, a stage's process under its worker's as ever.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENT = """#!{python} -ISs
import json, os, socket, sys
words = sys.argv[1:]
if words[:2] == ["-m", "vfx_deepfake"]:  # as the worker calls its Python
    words = words[2:]
link = socket.socket(socket.AF_UNIX)
link.connect({path!r})
told = json.dumps([words, os.getcwd(), dict(os.environ), sys.argv[0]]).encode()
socket.send_fds(link, [len(told).to_bytes(8, "big")], [1, 2])
link.sendall(told)
os._exit(int(link.recv(8) or b"1"))
"""


@contextmanager
def warm_venv(folder: Path) -> Iterator[Path]:
    """A folder with ``bin/vfx-deepfake``, good while the context lasts."""
    client = folder / "bin" / "vfx-deepfake"
    client.parent.mkdir(parents=True)
    path = folder / "s"
    client.write_text(CLIENT.format(python=sys.executable, path=str(path)), encoding="utf-8")
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen([sys.executable, __file__, str(path)], env=environment, stdout=subprocess.PIPE)
    try:
        assert server.stdout and server.stdout.readline() == b"ready\n"
        yield folder
    finally:
        server.terminate()
        server.wait()


def serve(path: str) -> None:
    """Load everything, then fork for every command that comes."""
    import jsonschema  # noqa: F401  (all of it for the children, also what the stages load late)

    import vfx_deepfake.cli.commands
    import vfx_deepfake.cli.main
    import vfx_deepfake.farm.worker
    import vfx_deepfake.model.adopt
    import vfx_deepfake.model.train
    import vfx_deepfake.steps.pipeline  # noqa: F401
    from vfx_deepfake.media.text import coverage, font
    from vfx_deepfake.provenance.record import code_identity

    code_identity()
    coverage("a", font(12))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children; exit codes go through the link
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(64)
    print("ready", flush=True)
    while True:
        link, _ = server.accept()
        if os.fork() == 0:
            server.close()
            run(link)
        link.close()


def run(link: socket.socket) -> None:
    """One command in this new process; does not return."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        length, outputs, _, _ = socket.recv_fds(link, 8, 2)
        told = b""
        while len(told) < int.from_bytes(length, "big"):
            told += link.recv(65536)
        words, place, variables, sys.executable = json.loads(told)
        for number, output in enumerate(outputs, 1):
            os.dup2(output, number)
            os.close(output)
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(place)
        from vfx_deepfake.cli.main import main

        code = main(words)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 2
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        link.sendall(str(code).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
