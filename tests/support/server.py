"""The app in a process of its own, under a real memory limit, and what it takes there."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from memory_toolkit.guard.enclosure import Enclosure, enclosure
from memory_toolkit.measure.limit import Group
from memory_toolkit.measure.processes import read_processes
from recommender.core.address import Address
from recommender.core.project_files import SUPERVISOR
from recommender.core.serving_variables import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, END_SECONDS, ANSWER_SECONDS = 60, 20, 30


@dataclass(frozen=True)
class Server:
    """The running app.

    Attributes:
        box: what it runs in.
        several: whether it has workers.
    """

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    box: Enclosure
    several: bool = False

    @property
    def group(self) -> Group | None:
        """Its control group; None where none could be made."""
        return self.box.group

    def own(self) -> int:
        """Own memory in bytes, of all its processes; 0 once they have ended."""
        return read_processes([self.process.pid, *self.workers()]).own

    def workers(self) -> list[int]:
        """Return the workers, where there are several; the other process is their supervisor."""
        if not self.several:
            return []
        try:
            return [child.pid for child in psutil.Process(self.process.pid).children()]
        except psutil.NoSuchProcess:
            return []

    def is_ready(self) -> bool:
        """Tell if it says that it can serve, with all that it has loaded and drawn."""
        try:
            return '"ready"' in self._get("/healthz")
        except OSError:
            return False

    def group_peak(self) -> int | None:
        """The most that the group ever held, file pages and all, in bytes; None if not told."""
        if self.group is None:
            return None
        v1 = self.group.version == "v1"
        file = "memory.max_usage_in_bytes" if v1 else "memory.peak"
        try:
            return int(Path(self.group.directory, file).read_text("ascii"))
        except OSError:  # memory.peak is of Linux 5.19
            return None

    def guard(self) -> dict[str, int]:
        """Return how often the guard took each decision; empty where that is not told."""
        try:
            text = self._get("/metrics")
        except OSError:  # it no longer answers
            return {}
        found = re.findall(r'guard_decisions_total\{decision="(\w+)"\} (\d+)', text)
        return {decision: int(times) for decision, times in found}

    def answers(self) -> bool:
        """Tell if the server still answers."""
        try:
            return self._get("/_stcore/health") == "ok"
        except OSError:
            return False

    def _get(self, path: str) -> str:
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
            return str(answer.read().decode())

    def end(self) -> None:
        """Stop the app."""
        end_process(self.process)


@contextmanager
def serve(
    script: str,
    bundle: Path | Address,
    limit: int,
    folder: Path,
    variables: Mapping[str, str] = VARIABLES,
    workers: int = 1,
) -> Iterator[Server]:
    """Start `script` within `limit` bytes, on a free port, and end it afterwards.

    Where no control group can be made the app is told the limit, and nothing enforces it.

    Args:
        folder: for its log and the visitors' ratings.
        variables: what its environment holds beside.
        workers: processes that serve, as `matinee serve --workers` starts them.

    Raises:
        RuntimeError: it did not start; says what its log says last.
    """
    (port,) = free_ports(1)
    environment = {
        **clean_environment(),
        **variables,
        "MATINEE_BUNDLE": bundle.full if isinstance(bundle, Address) else str(bundle.resolve()),
        "MATINEE_PROFILES": str(folder / "profiles.sqlite"),
        "PYTHONPATH": str(ROOT),
    }
    command = [
        *(sys.executable, "-m", "streamlit", "run", script),
        *("--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"),
    ]
    if workers > 1:
        command[2] = "recommender.app.server.serve_as_worker"
        command = [sys.executable, "-I", str(SUPERVISOR), str(workers), *command]
    log = folder / "server.log"
    with enclosure(limit) as box, open(log, "wb") as file:
        real = box.means != "RLIMIT_DATA"
        if not real:
            print("No control group can be made here: MATINEE_MEMORY_LIMIT alone says the limit.")
            environment["MATINEE_MEMORY_LIMIT"] = str(limit)
        process = subprocess.Popen(
            [*box.prefix, *command],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            preexec_fn=box.enter if real else None,
        )
        server = Server(port, process, log, box, workers > 1)
        try:
            up = comes_true(lambda: process.poll() is not None or server.answers())
            if not up or process.poll() is not None:
                raise RuntimeError(f"the app did not start:\n{log.read_text('utf-8')[-2000:]}")
            box.processes(process.pid)  # finds the group, where systemd made it
            yield server
        finally:
            server.end()


def free_ports(number: int) -> list[int]:
    """Return `number` ports on which nothing listens."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force if it takes too long."""
    process.terminate()
    try:
        process.wait(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def clean_environment() -> dict[str, str]:
    """Return this process's environment without the settings of Matinee and Streamlit."""
    own = ("MATINEE_", "STREAMLIT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


def comes_true(condition: Callable[[], bool]) -> bool:
    """Wait until `condition` holds; False if it does not within `START_SECONDS`."""
    end = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
