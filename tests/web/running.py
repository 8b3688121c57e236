"""The page behind a real socket: in a thread of this process, or as the process that ``review serve`` is."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from tests.web.conftest import csrf_in
from vfx_deepfake.web.server import PageServer, listen


@contextmanager
def in_a_thread(app) -> Iterator[str]:
    """Serve an app; gives its URL."""
    socket = listen("127.0.0.1", 0)
    server = PageServer(uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def as_a_process(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """``review serve`` of a folder; gives the process and its URL."""
    command = [sys.executable, "-m", "vfx_deepfake", "review", "serve", str(folder), "--port", "0", "--json", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first = process.stdout.readline()
        assert first, process.stderr.read()
        yield process, json.loads(first)["url"].rstrip("/")
    finally:
        process.kill()
        process.communicate()


@contextmanager
def logged_in(url: str, name: str, password: str) -> Iterator[httpx.Client]:
    """A client over the network, with cookie and token."""
    with httpx.Client(base_url=url, timeout=60) as client:
        form = {"name": name, "password": password, "csrf": csrf_in(client.get("/login"))}
        assert client.post("/login", data=form).status_code == 303
        client.headers["X-CSRF-Token"] = client.get("/api/me").json()["csrf"]
        yield client
