"""A real Kitsu server (zou) on this host, started for a test and stopped after it: a process of its own, never imported.

``make kitsu`` installs it into ``.kitsu/``; VFX_DEEPFAKE_TEST_ZOU names another virtual environment. It gets a database of its own on
the tests' PostgreSQL server and a Redis of its own; everything listens on the loopback interface only.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import sqlalchemy as sa

ROOT = Path(__file__).parents[2]
VARIABLE = "VFX_DEEPFAKE_TEST_ZOU"
ADMIN = "admin@example.com"
MAKE = """
import sys
from zou.cli import cli
for command in (["init-db"], ["init-data"], ["create-admin", sys.argv[1], "--password", sys.argv[2]]):
    cli(command, standalone_mode=False)
"""  # the server's own commands in one process: it takes seconds to load
PATIENCE_S = 300.0  # to start; it takes eight seconds on an idle host


def venv() -> Path:
    return Path(os.environ.get(VARIABLE, ROOT / ".kitsu"))


def missing() -> str:
    """What is not installed; empty when a server can be started."""
    if not (venv() / "bin/zou").is_file():
        return f"Kitsu's server is not installed in {venv()}: make kitsu"
    programs = [name for name in ("redis-server", "ffmpeg") if not shutil.which(name)]
    return f"{' and '.join(programs)} not installed: make kitsu" if programs else ""


class KitsuServer:
    """zou and its Redis. ``engine``: on a PostgreSQL server where databases may be made and dropped."""

    def __init__(self, folder: Path, engine: sa.Engine) -> None:
        self.folder, self.engine = folder, engine
        self.database = f"vfx_deepfake_zou_{secrets.token_hex(6)}"
        self.password = secrets.token_hex(12)
        self.port, self.redis_port = _free_port(), _free_port()
        self.site = f"http://127.0.0.1:{self.port}"
        self._processes: list[subprocess.Popen] = []

    def make(self) -> None:
        """Database, Redis, tables, the default statuses, an admin; then serve."""
        with self.engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {self.database} TEMPLATE template0"))
        self._start(["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", ""], "redis")
        self._wait(self.redis_port)
        made = subprocess.run([str(venv() / "bin/python"), "-c", MAKE, ADMIN, self.password], env=self._environment(), cwd=self.folder,
                              capture_output=True, text=True)  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        gunicorn = [
            str(venv() / "bin/gunicorn"),
            "--bind",
            f"127.0.0.1:{self.port}",
            "--workers",
            "1",
            "--threads",
            "4",
            "zou.app:app",
        ]
        self._start(gunicorn, "zou")
        self._wait(self.port)
        with urllib.request.urlopen(self.site, timeout=PATIENCE_S) as answer:
            assert answer.status == 200

    def remove(self) -> None:
        """Stop everything and drop the database."""
        for process in reversed(self._processes):
            _end(process)
        with self.engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)"))

    def _start(self, command: list[str], name: str) -> subprocess.Popen:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=self._environment(), cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )
        self._processes.append(process)
        return process

    def _environment(self) -> dict[str, str]:
        url = self.engine.url
        for name in ("previews", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        return {
            **os.environ, "SECRET_KEY": self.password * 2, "KV_HOST": "127.0.0.1", "KV_PORT": str(self.redis_port),
            "DB_HOST": url.host or "127.0.0.1", "DB_PORT": str(url.port or 5432), "DB_USERNAME": url.username or "postgres",
            "DB_PASSWORD": url.password or "none", "DB_DATABASE": self.database, "PREVIEW_FOLDER": str(self.folder / "previews"),
            "TMP_DIR": str(self.folder / "tmp"), "ENABLE_JOB_QUEUE": "False", "INDEXER_HOST": "127.0.0.1", "INDEXER_PORT": "1",
            "BCRYPT_LOG_ROUNDS": "4", "MAIL_CHECK_DELIVERABILITY": "False",
            "MOVIE_ENCODING_PRESET": "ultrafast", "OMP_NUM_THREADS": "1",
        }  # fmt: skip

    def _wait(self, port: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError(
            f"nothing answers at port {port}: {[path.read_text()[-2000:] for path in self.folder.glob('*.log')]}"
        )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _end(process: subprocess.Popen) -> None:
    """At once: what it has is thrown away."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
