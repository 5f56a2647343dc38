"""The WSGI middleware, around Flask and around a plain app, behind a real server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import pytest
from flask import Flask, Response

from memory_toolkit.guard.guard import Busy, Guard
from memory_toolkit.integrations.wsgi import MemoryMiddleware, protect_flask
from memory_toolkit.measure.limit import Limit, enforced_limit
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.actions import actions, clear_actions
from tests.memory_toolkit.integrations.serving import ask, served_by_wsgi
from tests.memory_toolkit.planted import fill, linux, near


def flask_app(**options: object) -> Flask:
    app = Flask(__name__)

    @app.get("/take/<int:size>")
    def take(size: int) -> str:
        return f"{len(fill(size))}"

    @app.get("/stream/<int:size>")
    def stream(size: int) -> Response:
        def pieces() -> Iterator[bytes]:
            for _ in range(3):
                yield b"%d " % len(fill(size))

        return Response(pieces())

    @app.get("/too-much")
    def too_much() -> str:
        raise MemoryError

    @app.get("/busy")
    def busy() -> str:
        raise Busy("scoring")

    @app.get("/broken")
    def broken() -> str:
        raise ValueError

    protect_flask(app, **options)
    return app


@pytest.fixture(autouse=True)
def nothing_recorded() -> Iterator[None]:
    clear_actions()
    yield
    clear_actions()


@pytest.fixture
def guard() -> Iterator[Guard]:
    found = Guard(limit=enforced_limit, wait=0.0)
    yield found
    found.stop()


@linux
def test_each_request_of_flask_is_a_record_by_its_rule(guard: Guard) -> None:
    with served_by_wsgi(flask_app(guard=guard)) as port:
        assert ask(port, "/take/40").status == 200
        assert ask(port, "/stream/48").body.count(" ") == 3
        assert ask(port, "/nowhere/1").status == 404
        assert ask(port, "/broken").status == 500
    streamed, taken = actions()[2:]
    names = ["GET /stream/<int:size>", "GET /take/<int:size>"]
    assert [streamed.name, taken.name] == names
    assert [record.name for record in actions()[:2]] == ["GET /broken", "GET (no route)"]
    assert near(taken.peak - taken.before, 40)
    assert near(streamed.peak - streamed.before, 48)


def test_what_flask_s_views_raise_for_want_of_memory(guard: Guard) -> None:
    with served_by_wsgi(flask_app(guard=guard, retry_after=9)) as port:
        refused = ask(port, "/busy")
        assert (refused.status, refused.headers["retry-after"]) == (503, "9")
        assert ask(port, "/too-much").status == 507
        assert guard.state().counts["memory_errors"] == 1
        assert ask(port, "/take/1").status == 200
    assert [record.error for record in actions()] == [False, True, True]


def test_while_memory_is_full_it_refuses(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    with served_by_wsgi(flask_app(guard=guard)) as port:
        assert ask(port, "/take/1").status == 200
        assert json.loads(ask(port, "/healthz").body)["status"] == "ready"
        monkeypatch.setattr(guard._usage, "limit", Limit(MB, "test"))
        assert ask(port, "/healthz").status == 503
        assert ask(port, "/take/1").status == 503
        assert ask(port, "/healthz", "HEAD").body == ""


def test_a_plain_app_and_its_metrics() -> None:
    def app(environ: dict[str, object], start_response: object) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/too-much":
            raise MemoryError
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"plain"]

    wrapped = MemoryMiddleware(app, token="secret", prefix="shop", route=lambda environ: "/any")
    with served_by_wsgi(wrapped) as port:
        assert ask(port, "/x/1").body == "plain"
        assert ask(port, "/too-much").status == 507
        assert 'shop_actions_total{action="GET /any"} 2' in ask(port, "/metrics").body
        elsewhere = {"x_real_ip": "192.0.2.1"}
        assert ask(port, "/metrics", **elsewhere).status == 401
        assert ask(port, "/metrics", authorization="Bearer secret", **elsewhere).status == 200
