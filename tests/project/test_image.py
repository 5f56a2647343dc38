"""The Dockerfile's own commands, carried out in a folder: what they build starts, serves and ends.

Deselected unless asked for (`./test.sh --all`), since two environments are installed for it.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil
import pytest

from memory_toolkit.guard.enclosure import Enclosure, enclosure
from memory_toolkit.measure.processes import read_processes
from memory_toolkit.measure.sizes import MB, parse_size
from recommender.settings.env_file import read_env_file
from tests.conftest import ROOT
from tests.support import dockerfile
from tests.support.visitor import Log, Visitor

pytestmark = pytest.mark.image

START_SECONDS, END_SECONDS = 60, 20
# The user of the image. Only root can become somebody else.
SOMEBODY = int(dockerfile.only("USER").rest) if os.geteuid() == 0 else None
# An interpreter that this user may run: that of the tests may be in root's home.
CHECK = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
PYTHONS = (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3")


@dataclass
class Container:
    """The running command of the image."""

    image: dockerfile.Image
    process: subprocess.Popen[bytes]
    port: int
    box: Enclosure
    variables: dict[str, str]

    def healthy(self) -> bool:
        """Return what the image's own health check finds."""
        words = dockerfile.only("HEALTHCHECK").command()
        done = subprocess.run(words, env=self.variables, capture_output=True)
        assert done.returncode in (0, 1)
        return done.returncode == 0


def well_known_movies(folder: Path, count: int = 400) -> Path:
    """Copy the sample's `count` most rated movies, with what else its folder holds.

    Encoding all 9,066 takes minutes, and each is encoded in the same way.
    """
    shutil.copytree(ROOT / "data", folder, dirs_exist_ok=True)
    with duckdb.connect() as database:
        database.execute(
            f"CREATE TABLE kept AS SELECT movie_id FROM '{ROOT}/data/ratings.parquet' "
            f"GROUP BY movie_id ORDER BY count(*) DESC, movie_id LIMIT {count}"
        )
        for name in ("ratings", "movies"):
            database.execute(
                f"COPY (FROM '{ROOT}/data/{name}.parquet' SEMI JOIN kept USING (movie_id)) "
                f"TO '{folder}/{name}.parquet'"
            )
    return folder


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dockerfile.Image]:
    """Both stages, built with few movies; the working directory is that of the last."""
    python = next(filter(_can_run, PYTHONS), None)
    if python is None:
        pytest.skip(f"user {SOMEBODY} can run none of {', '.join(PYTHONS)}")
    with tempfile.TemporaryDirectory(prefix="matinee-image-") as name:
        Path(name).chmod(0o755)
        made = dockerfile.Image(
            Path(name), python, {"data": well_known_movies(tmp_path_factory.mktemp("data"))}
        )
        made.carry_out("build")
        made.carry_out("")
        data = made.path(dockerfile.only("VOLUME").rest)
        data.mkdir()
        if SOMEBODY is not None:
            os.chown(data, SOMEBODY, SOMEBODY)
        yield made


def _can_run(python: str) -> bool:
    try:
        return subprocess.run([python, "-c", CHECK], user=SOMEBODY, cwd="/").returncode == 0
    except OSError:
        return False


@contextmanager
def started(image: dockerfile.Image, size: str) -> Iterator[Container]:
    """The image's command in a control group of this size, with its template, as its user."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]
    template = read_env_file(ROOT / "deploy" / f"{size}.env")
    variables = {name: image.placed(value) for name, value in template.items()}
    variables = {**image.variables, **variables, "PORT": str(port)}
    with enclosure(parse_size(size)) as box:

        def enter() -> None:
            box.enter()
            if SOMEBODY is not None:
                os.setgid(SOMEBODY)
                os.setuid(SOMEBODY)

        process = subprocess.Popen(
            [*box.prefix, *dockerfile.only("CMD").command()],
            cwd=image.working,
            env=variables,
            preexec_fn=enter,
        )
        try:
            yield Container(image, process, port, box, variables)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.mark.parametrize("size", ["256mb", "512mb", "1gb"])
def test_it_serves_within_its_limit_and_ends_when_told(image: dockerfile.Image, size: str) -> None:
    with started(image, size) as container:
        assert not container.healthy()  # it has only begun
        end = time.monotonic() + START_SECONDS
        while not container.healthy():
            assert container.process.poll() is None
            assert time.monotonic() < end
        log = Log()
        # In a thread of its own: the browser tests leave a loop running in this one.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, Visitor(container.port, 0, 0.05, log).tour()).result()
        assert not log.errors
        profiles = image.path(dockerfile.only("VOLUME").rest) / "profiles.sqlite"
        assert profiles.stat().st_size > 0
        workers = [child.pid for child in psutil.Process(container.process.pid).children()]
        own = read_processes([container.process.pid, *workers]).own
        assert own < 110 * MB * max(1, len(workers))
        container.process.send_signal(signal.SIGTERM)
        assert container.process.wait(END_SECONDS) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
        assert container.box.oom_kills() == 0
        assert not container.healthy()


def test_only_what_serves_is_installed(image: dockerfile.Image) -> None:
    def matinee(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["matinee", *words],
            cwd=image.working,
            env=image.variables,
            capture_output=True,
            text=True,
        )

    files = ("--dataset", str(ROOT / "data"))
    for command in (
        ("train", *files, "--out", "x"),
        ("evaluate", *files),
        ("tune", *files),
        ("recommend", "--all-users", "--out", "x"),
    ):
        done = matinee(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(
            r"matinee: (training|--all-users) needs \w+, which is not installed: "
            r"pip install 'duckdb\S+' .*\n",
            done.stderr,
        )
    for command in (("info",), ("recommend", "--user", "1"), ("settings",)):
        done = matinee(*command)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    assert "GroupLens" in (image.working / "bundle" / "README.md").read_text("utf-8")
