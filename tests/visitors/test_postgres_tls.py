"""The connections, when they are encrypted."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.visitors.connection_pool import Connection, ConnectionPool
from recommender.visitors.records import StoreUnavailableError
from tests.support.postgres import PASSWORD, Server, execute, running
from tests.support.services import need


def make_certificate(file: Path) -> Path:
    """One that is its own authority, for 127.0.0.1 and no other name, with a key beside it."""
    subprocess.run(
        [
            *(need("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=db"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", file.with_suffix(".key"), "-out", file),
        ],
        check=True,
        capture_output=True,
    )
    return file


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.crt")


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[Server]:
    """A server with that certificate, which lets nobody in without it."""
    with running() as server:
        data = server.folder / "data"
        for file in (certificate, certificate.with_suffix(".key")):
            there = data / file.name
            there.write_bytes(file.read_bytes())
            there.chmod(0o600)
            os.chown(there, data.stat().st_uid, data.stat().st_gid)
        (data / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
        execute(server.url, "ALTER SYSTEM SET ssl = on")
        server.stop()
        server.start()
        yield server


def encrypted(connection: Connection) -> bool:
    return bool(connection.pgconn.ssl_in_use)


@pytest.mark.parametrize(
    "options",
    [
        "",
        "?sslmode=require",
        "?sslmode=verify-full&sslrootcert={certificate}",
        "?sslmode=require&channel_binding=require",
    ],
)
def test_it_is_encrypted(server: Server, certificate: Path, options: str) -> None:
    database = ConnectionPool(server.url + options.format(certificate=certificate))
    assert database.run(encrypted)
    database.close()


@pytest.mark.parametrize(
    ("host", "options", "reason"),
    [
        ("127.0.0.1", "sslmode=disable", "it lets nobody in without encryption; add sslmode="),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert={other}", "is signed by nobody in the file"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=none", "the file of sslrootcert is not th"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert={key}", "or holds no certificate"),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert={certificate}",
            "its certificate is for another host",
        ),
        (
            "127.0.0.1",
            "sslmode=require&sslcert={certificate}&sslkey=none",
            "the files of sslcert and sslkey cannot be used",
        ),
    ],
)
def test_why_not_is_said_in_one_line(
    server: Server, certificate: Path, tmp_path: Path, host: str, options: str, reason: str
) -> None:
    given = options.format(
        certificate=certificate,
        key=certificate.with_suffix(".key"),
        other=make_certificate(tmp_path / "other.crt") if "{other}" in options else "",
    )
    with pytest.raises(StoreUnavailableError) as caught:
        ConnectionPool(f"{server.url.replace('127.0.0.1', host)}?{given}").run(encrypted)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
