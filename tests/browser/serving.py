"""The app in a process of its own, as `run.sh` starts it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "streamlit_app.py"
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running app."""

    url: str
    pid: int
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def imported(self) -> set[str]:
        """Return what the process has imported so far: our own modules, and others' packages."""
        names = re.findall(r"^import time:.*\|\s*([\w.]+)$", self.log.read_text("utf-8"), re.M)
        ours = {name for name in names if name.startswith(("recommender", "memory_toolkit"))}
        return {name.split(".")[0] for name in names} | ours

    def own_memory(self) -> int:
        """RssAnon in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return 1024 * int(re.search(r"^RssAnon:\s*(\d+) kB$", status, re.M)[1])  # type: ignore[index]


@contextmanager
def serve(
    bundle: Path | str, folder: Path, port: int = 0, /, **environment: str
) -> Iterator[Server]:
    """Start the app on `port`, 0 for a free one, and end it afterwards; its log is in `folder`."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MATINEE_", "STREAMLIT_"))}
    kept.pop("DEBUG_MEMORY", None)
    log = folder / "server.log"
    with open(log, "wb") as file:
        process = subprocess.Popen(
            # importtime writes a line to the log for each import, at whatever moment it happens.
            [
                *(sys.executable, "-X", "importtime", "-m", "streamlit", "run", str(APP)),
                *("--server.headless=true", "--server.address=127.0.0.1"),
                f"--server.port={port}",
            ],
            cwd=folder,  # away from whatever .env the project's folder holds
            env={
                **kept,
                "MATINEE_BUNDLE": str(bundle),
                "MATINEE_PROFILES": str(folder / "profiles.sqlite"),
                **environment,
            },
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Server(f"http://127.0.0.1:{port}", process.pid, log)
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=5):
                return
        except OSError:  # nobody listens yet, or somebody does and is not ready to answer
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{server.log.read_text('utf-8')[-2000:]}")
