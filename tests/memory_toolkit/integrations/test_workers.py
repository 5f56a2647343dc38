"""Several workers of real servers under one limit: one ledger, and one page of metrics."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from memory_toolkit.measure.sizes import MB
from tests.memory_toolkit.groups import join, real_v1_group
from tests.memory_toolkit.integrations.serving import ask
from tests.memory_toolkit.planted import ROOT, linux
from tests.support.server import comes_true, end_process, free_ports

pytestmark = [linux, pytest.mark.slow]
APPS = """
import logging, os
from memory_toolkit.guard.guard import Guard
from memory_toolkit.integrations import asgi, wsgi
logging.basicConfig(level=logging.INFO, format="%(process)d %(message)s")

def flask_app():
    from flask import Flask
    app = Flask(__name__)
    app.add_url_rule("/take/<int:size>", "take", take)
    wsgi.protect_flask(app, guard=Guard(wait=5.0))
    return app

def fastapi_app():
    from fastapi import FastAPI
    app = FastAPI()
    app.get("/take/{size}")(take)
    app.add_middleware(asgi.MemoryMiddleware, guard=Guard(wait=5.0))
    return app

def django_app():
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path
    urls = [path("take/<int:size>", lambda request, size: HttpResponse(take(size)))]
    settings.configure(ROOT_URLCONF=tuple(urls), ALLOWED_HOSTS=["*"], SECRET_KEY="x")
    return wsgi.MemoryMiddleware(get_wsgi_application(), guard=Guard(wait=5.0))

def take(size: int) -> str:
    with Guard().admit("take", size << 20):
        bytearray(size << 20)
    return str(os.getpid())
"""
GUNICORN = ("-m", "gunicorn", "--bind=127.0.0.1:PORT", "--workers=3", "--threads=2")
SERVERS = {
    "gunicorn": (*GUNICORN, "--worker-class=gthread", "workers_apps:flask_app()"),
    "preload": (*GUNICORN, "--worker-class=gthread", "--preload", "workers_apps:flask_app()"),
    "django": (*GUNICORN, "--worker-class=gthread", "workers_apps:django_app()"),
    "uvicorn in gunicorn": (
        *GUNICORN,
        "--worker-class=uvicorn_worker.UvicornWorker",
        "workers_apps:fastapi_app()",
    ),
    "uvicorn": (
        *("-m", "uvicorn", "--factory", "--port=PORT", "--workers=3"),
        "workers_apps:fastapi_app",
    ),
}


class Told(NamedTuple):
    """The workers, first the one that tells, and how many requests all have answered."""

    workers: list[int]
    requests: int


class Served(NamedTuple):
    """A server in a group."""

    port: int
    group: Path
    log: Path

    def told(self) -> Told:
        """Return what a worker tells of all."""
        page = ask(self.port, "/metrics").body
        workers = [int(pid) for pid in re.findall(r'app_worker_bytes{worker="(\d+)"}', page)]
        return Told(
            workers, sum(map(int, re.findall(r"^app_actions_total{.*} (\d+)$", page, re.M)))
        )


@contextmanager
def served(command: Sequence[str], folder: Path, limit: int) -> Iterator[Served]:
    (folder / "workers_apps.py").write_text(APPS)
    (port,) = free_ports(1)
    words = [word.replace("PORT", str(port)) for word in command]
    begin = f"{join(Path('GROUP'))}os.execv({sys.executable!r}, {[sys.executable, *words]!r})"
    log = folder / "server.log"
    with real_v1_group(limit) as group, open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", begin.replace("GROUP", str(group))],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{folder}", "OPENBLAS_NUM_THREADS": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            assert comes_true(lambda: answers(port)), log.read_text()
            yield Served(port, group, log)
        finally:
            end_process(process)
            assert comes_true(lambda: not (group / "cgroup.procs").read_text())


def answers(port: int) -> bool:
    try:
        return ask(port, "/take/1").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("server", SERVERS)
def test_any_worker_tells_of_all(server: str, tmp_path: Path) -> None:
    with served(SERVERS[server], tmp_path, 512 * MB) as found:
        asked = 1

        def all_have_answered() -> bool:
            nonlocal asked
            asked += 1
            assert ask(found.port, "/take/1").status == 200
            return len(found.told().workers) == 3

        assert comes_true(all_have_answered), found.log.read_text()
        one = found.told().workers[0]

        def another_tells_of_all() -> bool:
            told = found.told()
            return told.workers[0] != one and told.requests >= asked

        assert comes_true(another_tells_of_all)
        os.kill(one, signal.SIGKILL)
        ended = f"process {one}, which shared the limit, has ended"
        assert comes_true(lambda: ended in found.log.read_text()), found.log.read_text()
        assert comes_true(lambda: one not in found.told().workers)
        assert comes_true(lambda: found.told().requests >= asked)  # what it counted is not lost


def test_workers_that_want_much_at_once_are_not_killed(tmp_path: Path) -> None:
    """Each of them alone would fit, and two of them together would not."""
    from concurrent.futures import ThreadPoolExecutor

    with served(SERVERS["gunicorn"], tmp_path, 256 * MB) as found, ThreadPoolExecutor(6) as many:

        def take() -> set[int]:
            return set(many.map(lambda _: ask(found.port, "/take/90").status, range(24)))

        # While the others are still to come, the first one is granted what they will need.
        starting, started = take(), take()
        kills = (found.group / "memory.oom_control").read_text().split()[-1]
    assert int(kills) == 0, found.log.read_text()
    assert not starting - {200, 503, 507}, found.log.read_text()
    assert 200 in started
    assert not started - {200, 503}, found.log.read_text()
