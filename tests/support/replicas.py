"""Replicas of the app behind HAProxy as processes: deploy/compose.replicas.yaml without containers.

The proxy reads the very file that is deployed, deploy/haproxy.cfg.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from memory_toolkit.guard.enclosure import Enclosure, enclosure
from memory_toolkit.measure.processes import read_processes
from tests.support.server import ROOT, clean_environment, comes_true, free_ports

CONFIGURATION = ROOT / "deploy" / "haproxy.cfg"
NAMES = ("one", "two")  # of the replicas, in that file
END_SECONDS, ANSWER_SECONDS = 20, 5


@dataclass
class Replica:
    """One replica: it may end, and start again at the same address.

    Attributes:
        box: what it runs in.
    """

    name: str
    port: int
    log: Path
    environment: Mapping[str, str]
    box: Enclosure
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it, as `run.sh` and the image do."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.box.prefix, str(Path(sys.executable).with_name("matinee")), "serve"],
                cwd=ROOT,
                env={**self.environment, "STREAMLIT_SERVER_PORT": str(self.port)},
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=self.box.enter,
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, and wait for its end."""
        self.process.send_signal(number)
        self.process.wait(END_SECONDS)

    def own(self) -> int:
        """Own memory in bytes."""
        return read_processes([self.process.pid]).own

    def wait(self) -> None:
        """Wait until it can serve.

        Raises:
            RuntimeError: it does not; says what its log says last.
        """
        address = f"http://127.0.0.1:{self.port}/healthz"
        if not comes_true(lambda: self.process.poll() is not None or _status(address) == 200):
            raise RuntimeError(f"replica {self.name}:\n{self.log.read_text('utf-8')[-2000:]}")


@dataclass(frozen=True)
class Proxy:
    """HAProxy in front of the replicas."""

    port: int
    process: subprocess.Popen[bytes]
    api: Path

    def ask(self, command: str) -> str:
        """Return the answer of HAProxy's runtime API.

        Source: its management guide, "Unix Socket commands".
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.api))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65_536), b"")).decode().strip()

    def servers(self) -> dict[str, dict[str, str]]:
        """Return its statistics of each replica, by name and column."""
        head, *lines = self.ask("show stat replicas 4 -1").lstrip("# ").splitlines()
        rows = (dict(zip(head.split(","), line.split(","), strict=True)) for line in lines)
        return {row["svname"]: row for row in rows}

    def wait(self, **expected: str) -> None:
        """Wait until each replica that is named has this status: ``one="UP"``.

        Raises:
            RuntimeError: one has not.
        """
        if not comes_true(lambda: expected.items() <= self._statuses().items()):
            raise RuntimeError(f"the proxy says {self._statuses()} and not {expected}")

    def rss(self) -> int:
        """Resident memory in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return 1024 * int(re.search(r"^VmRSS:\s*(\d+) kB$", status, re.M)[1])  # type: ignore[index]

    def _statuses(self) -> dict[str, str]:
        return {name: row["status"] for name, row in self.servers().items()}


@contextmanager
def replicas(
    folder: Path, environment: Mapping[str, str], limit: int | None = None
) -> Iterator[list[Replica]]:
    """Start the replicas, wait until they can serve, and end them afterwards.

    Args:
        folder: for their logs.
        environment: their settings, which all have in common.
        limit: bytes that each may use, enforced where that is allowed.
    """
    fixed = {"STREAMLIT_SERVER_HEADLESS": "true", "STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}
    fixed["MATINEE_WORKERS"] = "1"  # a replica is what can be killed or made to hang as a whole
    started = []
    with ExitStack() as boxes:
        for name, port in zip(NAMES, free_ports(len(NAMES)), strict=True):
            box = boxes.enter_context(enclosure(limit))
            log = folder / f"{name}.log"
            started.append(
                Replica(name, port, log, {**clean_environment(), **fixed, **environment}, box)
            )
        try:
            for replica in started:
                replica.start()
            for replica in started:
                replica.wait()
            yield started
        finally:
            for replica in started:
                if hasattr(replica, "process") and replica.process.poll() is None:
                    replica.send(signal.SIGKILL)


@contextmanager
def proxy(program: str, behind: Sequence[Replica], folder: Path) -> Iterator[Proxy]:
    """Start HAProxy in front of `behind` and end it afterwards; its log goes into `folder`."""
    (port,) = free_ports(1)
    addresses = {f"REPLICA_{n}": f"127.0.0.1:{r.port}" for n, r in enumerate(behind, 1)}
    variables = {"BIND": f"127.0.0.1:{port}", "RUNTIME_API": str(folder / "api"), **addresses}
    with open(folder / "proxy.log", "wb") as log:
        process = subprocess.Popen(
            [program, "-db", "-f", str(CONFIGURATION)],
            env={**os.environ, **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        started = Proxy(port, process, folder / "api")
        if not comes_true(lambda: _status(f"http://127.0.0.1:{port}/healthz") == 200):
            raise RuntimeError(f"the proxy:\n{(folder / 'proxy.log').read_text('utf-8')[-2000:]}")
        yield started
    finally:
        process.kill()
        process.wait()


def haproxy() -> str | None:
    """Return the path of HAProxy, which Debian has where only root looks; None without it."""
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def _status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
