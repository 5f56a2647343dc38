"""A real PgBouncer before the tests' PostgreSQL server."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.postgres import PASSWORD, Place, Server, execute, free_port, unprivileged
from tests.support.services import need

_START_SECONDS = 20


class Bouncer:
    """A pooler on 127.0.0.1 that keeps three connections to the server, for whole transactions."""

    def __init__(self, folder: Path, server_port: int) -> None:
        self._program = need("pgbouncer", "pgbouncer", Path("/usr/sbin"))
        self._as = unprivileged(folder)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        (folder / "users").write_text(f'"matinee" "{PASSWORD}"\n')
        (folder / "ini").write_text(
            f"""
            [databases]
            postgres = host=127.0.0.1 port={server_port}
            statements = host=127.0.0.1 port={server_port} dbname=postgres pool_mode=statement
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {self.port}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {folder}/users
            admin_users = matinee
            pool_mode = transaction
            default_pool_size = 3
            server_login_retry = 0.2
            """
        )

    @property
    def url(self) -> str:
        """The address of the server's database, through the pooler."""
        return f"postgresql://matinee:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        with open(self._folder / "log", "ab") as log:
            arguments = [*self._as, *(["--pdeathsig", "KILL"] if self._as else [])]
            self._process = subprocess.Popen(
                [*arguments, self._program, str(self._folder / "ini")], stdout=log, stderr=log
            )
        end = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise RuntimeError((self._folder / "log").read_text("utf-8", "replace")[-2000:])

    def kill(self) -> None:
        """End it at once; whoever is connected notices."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)

    def command(self, statement: str) -> None:
        """Give its console a command, such as PAUSE."""
        execute(self.url.removesuffix("postgres") + "pgbouncer", statement)


@pytest.fixture(scope="session")
def bouncer_process(postgres_server: Server) -> Iterator[Bouncer]:
    folder = Path(tempfile.mkdtemp(prefix="matinee-pgbouncer-", dir="/tmp"))
    bouncer = None
    try:
        bouncer = Bouncer(folder, postgres_server.port)
        yield bouncer
    finally:
        if bouncer is not None:
            bouncer.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def bouncer(bouncer_process: Bouncer, place: Place) -> Bouncer:
    """A pooler that runs, before the server of `place`, which runs too."""
    bouncer_process.start()
    return bouncer_process
