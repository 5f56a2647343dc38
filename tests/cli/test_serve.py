import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.cli.serve import VARIABLES, port_of, serve
from recommender.core.errors import SettingsError
from tests.conftest import ROOT

COMMAND = (sys.executable, "-m", "recommender.cli", "serve")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with an app in it that shows one word."""
    (tmp_path / "streamlit_app.py").write_text("import streamlit as st\nst.write('Hello')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    ours = (*VARIABLES, "PORT")
    others = ("MATINEE_", "STREAMLIT_", "DEBUG_MEMORY")
    kept = {k: v for k, v in os.environ.items() if k not in ours and not k.startswith(others)}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def taken() -> Iterator[str]:
    """A port on which somebody listens."""
    with socket.socket() as server:
        server.bind(("", 0))
        server.listen()
        yield str(server.getsockname()[1])


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_the_process_becomes_the_server_and_ends_when_it_is_told(home: Path, port: int) -> None:
    given = environment(PORT=str(port), MALLOC_ARENA_MAX="7", STREAMLIT_SERVER_HEADLESS="true")
    process = subprocess.Popen(
        [*COMMAND, "--", "--server.address=127.0.0.1"],
        env=given,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        found = Path(f"/proc/{process.pid}/environ").read_text().split("\0")
        words = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
    finally:
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGTERM)
    assert f"Matinee is at http://localhost:{port}" in printed
    assert words[1:6] == [
        "-m",
        "streamlit",
        "run",
        "streamlit_app.py",
        "--server.address=127.0.0.1",
    ]
    # What is set comes first.
    wanted = {**VARIABLES, "MALLOC_ARENA_MAX": "7", "STREAMLIT_SERVER_PORT": str(port)}
    assert {f"{name}={value}" for name, value in wanted.items()} <= set(found)


@pytest.mark.parametrize(
    ("arguments", "variables", "port"),
    [
        ((), {}, 8501),
        ((), {"PORT": "80", "STREAMLIT_SERVER_PORT": " "}, 80),
        ((), {"PORT": "80", "STREAMLIT_SERVER_PORT": "81"}, 81),
        (("--server.headless=true", "--server.port", "82"), {"STREAMLIT_SERVER_PORT": "81"}, 82),
        (("--server.port=82", "--server.port=83"), {"PORT": "80"}, 83),
    ],
)
def test_the_port(arguments: tuple[str, ...], variables: dict[str, str], port: int) -> None:
    assert port_of(arguments, variables) == port


@pytest.mark.parametrize(
    ("arguments", "variables", "text"),
    [
        ((), {"PORT": "http"}, "PORT=http: give a port"),
        ((), {"STREAMLIT_SERVER_PORT": "65536"}, "STREAMLIT_SERVER_PORT=65536: give a port"),
        (("--server.port", "0"), {}, "--server.port 0: give a port"),
        (("--server.port",), {}, "--server.port : give a port"),
    ],
)
def test_what_is_no_port(arguments: tuple[str, ...], variables: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        port_of(arguments, variables)


def test_a_port_in_use_is_said_in_one_line(home: Path, taken: str) -> None:
    done = subprocess.run(COMMAND, env=environment(PORT=taken), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"matinee: port {taken} is in use; stop what runs there, or choose another: "
        "STREAMLIT_SERVER_PORT=8600\n"
    )


def test_without_an_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"no streamlit_app\.py in .*; start this in"):
        serve(())
