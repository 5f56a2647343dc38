import os
import shutil
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

from recommender.bundle.manifest import MANIFEST
from recommender.cli.serve import port_of, sample_training
from recommender.core.errors import BundleError, SettingsError
from recommender.core.project_files import SUPERVISOR
from recommender.core.serving_variables import VARIABLES
from recommender.settings.environment import Settings
from tests.conftest import ROOT

COMMAND = (sys.executable, "-m", "recommender.cli", "serve")


def environment(**more: str) -> dict[str, str]:
    ours = (*VARIABLES, "PORT")
    others = ("MATINEE_", "STREAMLIT_", "DEBUG_MEMORY")
    kept = {k: v for k, v in os.environ.items() if k not in ours and not k.startswith(others)}
    return {**kept, "PYTHONPATH": str(ROOT), "MATINEE_WORKERS": "1", **more}


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
def test_the_process_becomes_the_server_and_ends_when_it_is_told(
    tiny_bundle: Path, tmp_path: Path, port: int
) -> None:
    given = environment(
        PORT=str(port),
        MALLOC_ARENA_MAX="7",
        STREAMLIT_SERVER_HEADLESS="true",
        MATINEE_BUNDLE=str(tiny_bundle),
    )
    process = subprocess.Popen(
        [*COMMAND, "--", "--server.address=127.0.0.1"],
        cwd=tmp_path,
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
    app = str(ROOT / "streamlit_app.py")
    assert words[1:6] == ["-m", "streamlit", "run", app, "--server.address=127.0.0.1"]
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


def test_a_port_in_use_is_said_in_one_line(taken: str, tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND, cwd=tmp_path, env=environment(PORT=taken), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"matinee: port {taken} is in use; stop what runs there, or choose another: "
        "STREAMLIT_SERVER_PORT=8600\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_command_may_run_the_server_and_a_file_of_settings_counts(
    tmp_path: Path, tiny_bundle: Path, port: int
) -> None:
    (tmp_path / ".env").write_text(
        f"MATINEE_BUNDLE='{tiny_bundle}'\nSTREAMLIT_SERVER_PORT={port}\nMALLOC_ARENA_MAX=4\n"
    )
    shown = 'echo "$MATINEE_BUNDLE $STREAMLIT_SERVER_PORT $MALLOC_ARENA_MAX"; echo "$@"'
    given = environment(MATINEE_RUN_UNDER=f"sh -c '{shown}' sh")
    done = subprocess.run(
        [*COMMAND, "--", "--x=a b"], cwd=tmp_path, env=given, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    app = ROOT / "streamlit_app.py"
    assert done.stdout.splitlines()[1:] == [
        f"{tiny_bundle} {port} 4",
        f"{sys.executable} -m streamlit run {app} --x=a b",
    ]


def test_several_workers_are_what_a_supervisor_starts(
    tmp_path: Path, tiny_bundle: Path, port: int
) -> None:
    program = (
        "import os, sys; from recommender.cli.main import main; "
        "os.execvpe = lambda file, words, variables: print(*words, sep='\\n'); "
        "main(sys.argv[1:])"
    )
    given = environment(MATINEE_BUNDLE=str(tiny_bundle), PORT=str(port))

    def words(*options: str, **more: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", program, "serve", *options],
            cwd=tmp_path,
            env={**given, **more},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()[1:]

    app = str(ROOT / "streamlit_app.py")
    alone = [sys.executable, "-m", "streamlit", "run", app]
    assert words() == alone
    worker = [*alone[:2], "recommender.app.server.serve_as_worker", *alone[3:]]
    supervisor = [sys.executable, "-I", str(SUPERVISOR)]
    assert words("--workers", "3", "--", "--x=y") == [*supervisor, "3", *worker, "--x=y"]
    assert words(MATINEE_WORKERS="2") == [*supervisor, "2", *worker]
    assert words("--workers", "auto", MATINEE_MEMORY_LIMIT="200M") == alone
    certificate = "--server.sslCertFile=x.pem"
    assert words("--workers", "auto", "--", certificate) == [*alone, certificate]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--workers", "0"], "MATINEE_WORKERS=0: give a whole number from 1 to 64, or auto"),
        (["--workers", "2", "--", "--server.sslCertFile", "x"], "the server itself speaks TLS"),
    ],
)
def test_a_number_of_workers_that_cannot_be(
    tmp_path: Path, tiny_bundle: Path, port: int, options: list[str], text: str
) -> None:
    given = environment(MATINEE_BUNDLE=str(tiny_bundle), PORT=str(port))
    done = subprocess.run(
        [*COMMAND, *options], cwd=tmp_path, env=given, capture_output=True, text=True
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert text in line


def test_the_sample_is_trained_where_there_is_no_bundle(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = sample_training(Settings(), {})
    assert (words[0], words[words.index("--out") + 1]) == ("train", "bundle")
    assert "--evaluate" in words
    assert all(Path(words[words.index(name) + 1]).is_file() for name in ("--ratings", "--movies"))
    assert "GroupLens" in words[words.index("--credit") + 1]
    assert sample_training(Settings(), {"MATINEE_BUNDLE": "elsewhere"}) == []
    shutil.copytree(tiny_bundle, "bundle")
    assert sample_training(Settings(), {}) == []


def test_a_bundle_that_cannot_be_used_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bundle").mkdir()
    Path("bundle", MANIFEST).write_text("{}")
    with pytest.raises(BundleError, match="bundle"):
        sample_training(Settings(), {})
