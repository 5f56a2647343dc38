"""A real PostgreSQL server for tests, which can be ended and started again in the middle."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support.services import need

PASSWORD = "pass-w0rd-not-shown"
_START_SECONDS = 30
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1,::1",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "log_min_messages": "fatal",
}


class Server:
    """A server on 127.0.0.1, ::1 and a Unix socket, with its data in a folder of its own.

    Args:
        of: the server that this one is to be a standby of; without it, it is one by itself.
    """

    def __init__(self, folder: Path, of: Server | None = None) -> None:
        self._programs = Path(need("initdb", "postgresql", *_places())).parent
        self._folder = folder
        self._data = folder / "data"
        self._as = unprivileged(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        if of is not None:
            self._run("pg_basebackup", "-d", of.url, "-D", self._data, "-c", "fast", "-R")
            return
        password = folder / "password"
        password.write_text(PASSWORD)
        self._run(
            *("initdb", "--no-sync", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            *("--username=matinee", f"--pwfile={password}", "-D", self._data),
        )

    @property
    def url(self) -> str:
        """The address, with the superuser's name and password."""
        return f"postgresql://matinee:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    @property
    def folder(self) -> Path:
        """Return where the Unix socket is."""
        return self._folder

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        settings = {**_SETTINGS, "unix_socket_directories": str(self._folder)}
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        end = time.monotonic() + _START_SECONDS
        # After a kill it starts only when the last of its children has gone.
        while time.monotonic() < end:
            log = open(self._folder / "log", "ab")  # noqa: SIM115
            with log:
                self._process = subprocess.Popen(
                    [
                        *self._as,
                        *([] if not self._as else ["--pdeathsig", "QUIT"]),
                        *(self._programs / "postgres", "-D", self._data, "-p", str(self.port)),
                        *arguments,
                    ],
                    stdout=log,
                    stderr=log,
                )
            while time.monotonic() < end and self._process.poll() is None:
                if self._answers():
                    return
                time.sleep(0.05)
            time.sleep(0.1)
        raise RuntimeError((self._folder / "log").read_text("utf-8", "replace")[-2000:])

    def kill(self) -> None:
        """End it at once with all its processes, as a crash of the machine does."""
        if self._process is not None and self._process.poll() is None:
            self.freeze()  # or it would start new ones
            children = psutil.Process(self._process.pid).children(recursive=True)
            self._end(signal.SIGKILL)
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
                    while child.status() != psutil.STATUS_ZOMBIE:
                        time.sleep(0.005)

    def stop(self) -> None:
        """End it as `pg_ctl stop -m fast` does: every connection is told."""
        self._end(signal.SIGINT)

    def freeze(self, *, wholly: bool = False) -> None:
        """Let nobody in any more, without a word: the sockets stay open.

        Whoever is in already has a process of their own, which goes on unless `wholly` is given.
        """
        self._send(signal.SIGSTOP, wholly)

    def thaw(self) -> None:
        self._send(signal.SIGCONT, True)

    def _send(self, what: signal.Signals, wholly: bool) -> None:
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        server.send_signal(what)
        for child in server.children() if wholly else []:
            with suppress(psutil.NoSuchProcess):
                child.send_signal(what)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            if how != signal.SIGKILL:
                self._process.send_signal(signal.SIGCONT)
            self._process.wait(20)

    def _answers(self) -> bool:
        found = subprocess.run(
            [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        )
        return found.returncode == 0

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [*self._as, self._programs / program, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd="/",
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)


@dataclass(frozen=True)
class Place:
    """Place of one test's ratings: a schema of its own."""

    server: Server
    schema: str

    @property
    def url(self) -> str:
        return self.server.url

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement; `{s}` stands for the schema."""
        return execute(self.url, statement.replace("{s}", self.schema))


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement in the database at an address, outside of a transaction."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


def until(done: Callable[[], bool]) -> None:
    """Wait for something that comes within 20 seconds."""
    for _ in range(400):
        if done():
            return
        time.sleep(0.05)
    pytest.fail("it never came to that")


@contextmanager
def running(of: Server | None = None) -> Iterator[Server]:
    """A server that runs, and goes with all it has."""
    folder = Path(tempfile.mkdtemp(prefix="matinee-postgres-", dir="/tmp"))
    server = None
    try:
        server = Server(folder, of)
        server.start()
        yield server
    finally:
        if server is not None:
            server._end(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server; started once for all tests, of which each may end it."""
    pytest.importorskip("psycopg")
    with running() as server:
        yield server


@pytest.fixture
def place(postgres_server: Server) -> Iterator[Place]:
    """A schema that does not exist yet, on a server that runs."""
    postgres_server.start()
    place = Place(postgres_server, f"test_{uuid.uuid4().hex[:12]}")
    yield place
    postgres_server.start()
    place.execute("DROP SCHEMA IF EXISTS {s} CASCADE")


def unprivileged(folder: Path) -> list[str]:
    """Return what to put before a program that refuses to run as root; `folder` becomes its own."""
    if os.geteuid() != 0:
        return []
    user = next(u for u in ("postgres", "nobody") if _exists(u))
    os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    group = str(pwd.getpwnam(user).pw_gid)
    return ["setpriv", "--reuid", user, "--regid", group, "--clear-groups"]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _places() -> list[Path]:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
