"""Things that can be watched: real processes, and real answers of web servers."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from memory_toolkit.cli.watched import WatchError, parse_metrics, process_source, url_source
from memory_toolkit.guard.guard import GuardState
from memory_toolkit.integrations.metrics import (
    gauge,
    guard_metrics,
    labelled,
    memory_metrics,
    metrics_text,
)
from memory_toolkit.measure.limit import enforced_limit
from memory_toolkit.measure.sizes import MB
from memory_toolkit.measure.snapshot import snapshot
from tests.memory_toolkit.planted import linux, near


@contextmanager
def serving(answer: str, status: int = 200, token: str = "") -> Iterator[tuple[str, HTTPServer]]:
    """A web server that answers so, or 401 to whom does not know `token`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = not token or self.headers["Authorization"] == f"Bearer {token}"
            self.send_response(status if known else 401)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@linux
def test_a_process_and_its_end() -> None:
    code = "kept = b'x' * (64 << 20); print(flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        look = process_source(process.pid)
        view = look()
        assert near(view.own, 64 + 5)
        assert (view.limit, view.counts) == (enforced_limit(process.pid).bytes, "1 process")
        assert view.title.endswith(f"({process.pid})")
        assert view.table[1][0] == str(process.pid)
        process.communicate(b"\n")
    with pytest.raises(WatchError, match=f"^process {process.pid} has ended"):
        look()


@pytest.mark.parametrize("pid", [-1, 2**40])
def test_no_such_process(pid: int) -> None:
    with pytest.raises(WatchError, match=f"there is no process {pid} that can be seen from here"):
        process_source(pid)


def test_an_apps_metrics() -> None:
    now = snapshot()
    state = GuardState(now.limit, now.own, "ok", 2, 1, {"admitted": 7, "shed": 0, "refused": 3})
    actions = [
        labelled("actions_total", "counter", "n", "action", {"Search": 4, 'a "b"\n': 2}),
        labelled("action_seconds_total", "counter", "n", "action", {"Search": 2}),
        labelled("action_peak_bytes", "gauge", "n", "action", {"Search": 3 * MB, 'a "b"\n': MB}),
        labelled("sessions", "gauge", "n", "state", {"connected": 1, "kept": 5}),
        labelled("cache_bytes", "gauge", "n", "cache", {"x": MB, "y": 2 * MB}),
    ]
    text = metrics_text([*memory_metrics(now), *guard_metrics(state), *actions])
    with serving(text) as (url, _):
        view = url_source(url)()
    assert (view.title, view.own, view.file) == (url, now.own, now.file)
    assert (view.limit, view.limit_source) == (now.limit, now.limit_source)
    assert view.counts == "1 session"
    facts = dict(view.facts)
    assert facts["Caches"] == "3.0 MB"
    assert facts["Actions now"] == "2 run, 1 wait"
    assert facts["Guard"] == "7 admitted, 3 refused"
    assert view.table == (
        ("Action", "Calls", "Each", "Peak"),
        ("Search", "4", "500 ms", "3.0 MB"),
        ('a "b"\n', "2", "0 ms", "1.0 MB"),
    )


def test_a_token_is_sent_and_a_wrong_one_is_said() -> None:
    text = metrics_text([labelled("memory_bytes", "gauge", "n", "kind", {"own": MB})])
    with serving(text, token="secret") as (url, _):
        assert url_source(url, "secret")().own == MB
        for wrong in (None, "other"):
            with pytest.raises(WatchError, match="wants to know the server's DEBUG_MEMORY_TOKEN"):
                url_source(url, wrong)()


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ("<html>hello</html>", 200, "does not tell of memory; give the address of an app's"),
        (metrics_text([gauge("up", "n", 1)]), 200, "does not tell of memory"),
        ("", 503, "answers 503 Service Unavailable"),
        ("", 404, "answers 404 Not Found"),
    ],
)
def test_other_answers(answer: str, status: int, said: str) -> None:
    with serving(answer, status) as (url, _), pytest.raises(WatchError, match=said):
        url_source(url)()


def test_a_server_that_went_away() -> None:
    with serving("") as (url, _):
        look = url_source(url)
    with pytest.raises(WatchError, match=f"^{url} cannot be asked: Connection refused$"):
        look()


@pytest.mark.parametrize("url", ["localhost:8501", "file:///etc/passwd", "http://", ""])
def test_no_address(url: str) -> None:
    with pytest.raises(WatchError, match="is no address; write http://host:port/metrics"):
        url_source(url)


def test_lines_that_are_no_samples_are_passed_over() -> None:
    text = '# HELP a 1\na 1\nb{x="1",y="a\\"b\\\\"} 2.5 1700\nc{} NaN\nd\n{x="1"} 1\ne one\n'
    found = parse_metrics(text)
    assert found["a"] == [({}, 1.0)]
    assert found["b"] == [({"x": "1", "y": 'a"b\\'}, 2.5)]
    assert set(found) == {"a", "b", "c"}
