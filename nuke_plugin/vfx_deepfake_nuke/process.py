"""``vfx-deepfake`` in another process: one question with a JSON answer, or a job in the background with progress and cancel."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Callable, Mapping, Sequence

from vfx_deepfake_nuke.config import load_config
from vfx_deepfake_nuke.errors import PluginError

# what Nuke sets for its own Python, Qt and libraries; another Python would load the wrong ones, or crash
DROPPED = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH",
    "DYLD_FRAMEWORK_PATH", "DYLD_INSERT_LIBRARIES", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH", "QML2_IMPORT_PATH",
)  # fmt: skip
QUESTION_S = 300  # a question answers in seconds; a shot on a sleeping file server may take longer
ASK_AGAIN_S = 2.0
GRACE_S = 15.0  # a cancelled job gets this long to put its things away
WINDOWS = sys.platform == "win32"


def clean_environment(environ: Mapping[str, str], nuke_folder: str = "") -> dict[str, str]:
    """The environment without what is Nuke's own; ``OCIO`` stays unless it names a config inside ``nuke_folder``."""
    kept = {key: value for key, value in environ.items() if key not in DROPPED}
    if nuke_folder and kept.get("OCIO", "").startswith(os.path.join(nuke_folder, "")):
        del kept["OCIO"]
    return kept


def command_line(arguments: Sequence[str]) -> list[str]:
    """The whole command.

    Raises: PluginError where vfx-deepfake was not found.
    """
    config = load_config()
    if not config.cli:
        raise PluginError(config.problem)
    return [*config.cli, *arguments]


def _popen(arguments: Sequence[str]) -> subprocess.Popen:
    """Start the command in a process group of its own, so that it can be stopped with all that it started."""
    group = {"creationflags": 0x200} if WINDOWS else {"start_new_session": True}  # CREATE_NEW_PROCESS_GROUP
    command = command_line(arguments)
    folder = os.path.dirname(sys.executable) if "nuke" in os.path.basename(sys.executable).lower() else ""
    environment = clean_environment(os.environ, folder)
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment, universal_newlines=True, encoding="utf-8", errors="replace", **group)  # fmt: skip
    except OSError as error:
        raise PluginError(f"{command[0]}: can't be started ({error}); see the plugin's README") from error


def ask(arguments: Sequence[str]) -> dict[str, Any]:
    """The JSON answer of a command that takes a moment.

    Raises: PluginError with the command's own words when it fails.
    """
    process = _popen([*arguments, "--json", "--progress", "none"])
    try:
        out, err = process.communicate(timeout=QUESTION_S)
    except subprocess.TimeoutExpired:
        _stop(process, force=True)
        raise PluginError(
            f"vfx-deepfake {arguments[0]}: no answer in {QUESTION_S} s; is the file server there?"
        ) from None
    if process.returncode:
        raise PluginError(plain(err) or f"vfx-deepfake {arguments[0]} ended with code {process.returncode}")
    return answer(out)


def answer(out: str) -> dict[str, Any]:
    """What a command printed as JSON; empty where it printed none."""
    try:
        found = json.loads(out)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def plain(err: str) -> str:
    """The message lines of a command, without its name in front."""
    lines = [
        re.sub(r"^vfx-deepfake( [\w-]+)?: ", "", line) for line in err.splitlines() if line.startswith("vfx-deepfake")
    ]
    return "\n".join(lines)


class Job:
    """One command in the background. ``on_event`` gets what it says, ``on_end`` the job itself; both come from another thread.

    An event is ``{"stage", "done", "total", "unit", "note", "seconds_left"}`` or ``{"message"}``. After the end: ``code``, 0 when all went
    well; ``result``, its JSON answer; ``error``, its last words; ``cancelled``. ``log`` is the file that keeps all that was said.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        on_event: Callable[[dict], None],
        on_end: Callable[[Job], None],
        name: str = "job",
    ) -> None:
        self.arguments, self.name = list(arguments), name
        self.code: int | None = None
        self.result: dict[str, Any] = {}
        self.error, self.log, self.cancelled = "", "", False
        self._on_event, self._on_end = on_event, on_end
        self._process: subprocess.Popen | None = None

    @property
    def running(self) -> bool:
        """Between start and end."""
        return self._process is not None and self.code is None

    def start(self) -> None:
        """Begin.

        Raises: PluginError where the command can't be started.
        """
        self.log = _log_file(self.name)
        self._process = _popen([*self.arguments, "--json", "--progress", "json"])
        threading.Thread(target=self._follow, name="vfx_deepfake " + self.name, daemon=True).start()

    def cancel(self) -> None:
        """Ask the command and all that it started to stop; after a while it is made to. Finished work stays for the next run."""
        if self.running:
            self.cancelled = True
            threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        """Ask again until it ends: a library may swallow the first signal while it is being imported."""
        until = time.monotonic() + GRACE_S
        while self.running and time.monotonic() < until:
            _stop(self._process)
            ask_again = min(time.monotonic() + ASK_AGAIN_S, until)
            while self.running and time.monotonic() < ask_again:
                time.sleep(0.05)
        if self.running:
            _stop(self._process, force=True)

    def _follow(self) -> None:
        """Read what the command says until it ends."""
        process, said, printed = self._process, [], []
        reader = threading.Thread(target=lambda: printed.append(process.stdout.read()), daemon=True)
        reader.start()
        with open(self.log, "w", encoding="utf-8") as log:
            log.write("vfx-deepfake {}\n".format(" ".join(self.arguments)))
            for line in process.stderr:
                log.write(line)
                log.flush()
                said.append(line)
                self._on_event(event(line))
        reader.join()
        code = process.wait()
        self.result = answer("".join(printed))
        self.error = "" if code == 0 else plain("".join(said)) or f"ended with code {code}; see {self.log}"
        self.cancelled = self.cancelled and code != 0  # else it was done before it heard
        self.code = code
        self._on_end(self)


def event(line: str) -> dict[str, Any]:
    """One line of a command as an event."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"message": line.rstrip("\n")}


def describe(said: Mapping[str, Any]) -> tuple[int | None, str]:
    """Per cent of the stage (None where the event tells none) and a line for people."""
    if "stage" not in said:
        return None, str(said.get("message", ""))
    total = said.get("total") or 0
    left = said.get("seconds_left")
    ahead = f", about {left:.0f} s left" if left and said.get("done", 0) < total else ""
    text = "{} {}/{} {}{} {}".format(
        said["stage"], said.get("done", 0), total, said.get("unit", ""), ahead, said.get("note", "")
    )
    return (int(100 * said.get("done", 0) / total) if total else 0), text.strip()


def _log_file(name: str) -> str:
    """A new file among Nuke's temporary ones."""
    folder = os.path.join(os.environ.get("NUKE_TEMP_DIR") or tempfile.gettempdir(), "vfx_deepfake")
    try:
        os.makedirs(folder, exist_ok=True)
        handle, file = tempfile.mkstemp(prefix=re.sub(r"[^\w-]+", "_", name) + "_", suffix=".log", dir=folder)
    except OSError:  # a full or read-only disk keeps nobody from working
        return os.devnull
    os.close(handle)
    return file


def _stop(process: subprocess.Popen | None, force: bool = False) -> None:
    """Stop a process and all that it started; nothing where it has ended."""
    if process is None or process.poll() is not None:
        return
    try:
        if WINDOWS:
            subprocess.call(["taskkill", "/T", "/F", "/PID", str(process.pid)])
        else:
            os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
    except OSError:  # it ended meanwhile
        pass
