"""The ASGI middleware, around a Starlette app that uvicorn serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from memory_toolkit.guard.guard import Busy, Guard
from memory_toolkit.integrations.asgi import MemoryMiddleware
from memory_toolkit.measure.limit import Limit, enforced_limit
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.actions import ActionRecord, actions, clear_actions
from tests.memory_toolkit.integrations.serving import SECONDS, ask, served_by_uvicorn
from tests.memory_toolkit.planted import fill, linux, near


class Meeting:
    """Lets two requests meet, so that both run at the same time."""

    def __init__(self) -> None:
        self.arrived = 0
        self.together = asyncio.Event()

    async def join(self) -> None:
        self.arrived += 1
        if self.arrived == 2:
            self.together.set()
        await asyncio.wait_for(self.together.wait(), SECONDS)


async def take(request: Request) -> Response:
    block = fill(request.path_params["size"])
    return PlainTextResponse(f"{len(block)}")


def take_in_a_thread(request: Request) -> Response:
    return PlainTextResponse(f"{len(fill(request.path_params['size']))}")


async def meet(request: Request) -> Response:
    await request.app.state.meeting.join()
    return PlainTextResponse("met")


async def too_much(_request: Request) -> Response:
    raise MemoryError


async def busy(_request: Request) -> Response:
    raise Busy("scoring")


async def broken_stream(_request: Request) -> Response:
    def pieces() -> Iterator[bytes]:
        yield b"piece"
        raise MemoryError

    return StreamingResponse(pieces())


def made(**options: object) -> Starlette:
    app = Starlette(
        routes=[
            Route("/take/{size:int}", take),
            Route("/meet", meet),
            Route("/too-much", too_much),
            Route("/busy", busy),
            Route("/stream", broken_stream),
            Mount("/inner", routes=[Route("/threads/{size:int}", take_in_a_thread)]),
        ],
        middleware=[Middleware(MemoryMiddleware, **options)],
    )
    app.state.meeting = Meeting()
    return app


@pytest.fixture(autouse=True)
def nothing_recorded() -> Iterator[None]:
    clear_actions()
    yield
    clear_actions()


def recorded(name: str) -> ActionRecord:
    (found,) = [record for record in actions() if record.name == name]
    return found


@linux
def test_each_request_is_a_record_by_its_route() -> None:
    with served_by_uvicorn(made()) as port:
        assert ask(port, "/take/40").status == 200
        assert ask(port, "/inner/threads/48").status == 200
        assert ask(port, "/nowhere/77").status == 404
    names = ["GET (no route)", "GET /inner/threads/{size:int}", "GET /take/{size:int}"]
    assert [record.name for record in actions()] == names
    taken = recorded("GET /take/{size:int}")
    assert near(taken.peak - taken.before, 40)
    assert (taken.overlaps, taken.error) == (0, False)
    in_a_thread = recorded("GET /inner/threads/{size:int}")
    assert near(in_a_thread.peak - in_a_thread.before, 48)


def test_requests_at_the_same_time_say_so() -> None:
    with served_by_uvicorn(made()) as port, ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda _: ask(port, "/meet").body, range(2)))
    assert found == ["met", "met"]
    assert [record.overlaps for record in actions()] == [1, 1]


def test_what_a_request_raises() -> None:
    with served_by_uvicorn(made()) as port:
        refused = ask(port, "/busy")
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
        assert "try again in 5 s" in refused.body
        assert ask(port, "/too-much").status == 507
        assert ask(port, "/take/1").status == 200
    assert [record.error for record in actions()] == [False, True, True]


def test_an_answer_that_has_begun_is_not_mended() -> None:
    with served_by_uvicorn(made()) as port:
        with pytest.raises(IncompleteRead):
            ask(port, "/stream")
        assert ask(port, "/take/1").status == 200


def limited(megabytes: int) -> Guard:
    return Guard(limit=lambda: Limit(megabytes * MB, "test"), wait=0.0)


@pytest.fixture
def guard() -> Iterator[Guard]:
    found = Guard(limit=enforced_limit, wait=0.0)
    yield found
    found.stop()


def test_a_server_whose_memory_is_full_refuses_and_says_so(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served_by_uvicorn(made(guard=guard, retry_after=9)) as port:
        assert ask(port, "/take/1").status == 200
        assert json.loads(ask(port, "/healthz").body) == {"status": "ready", "reason": None}
        assert Guard._started is guard
        monkeypatch.setattr(guard._usage, "limit", Limit(MB, "test"))
        health = ask(port, "/healthz")
        assert (health.status, json.loads(health.body)["reason"]) == (503, "memory is full")
        refused = ask(port, "/take/1")
        assert (refused.status, refused.headers["retry-after"]) == (503, "9")
        assert 'app_guard_decisions_total{decision="refused"} 1' in ask(port, "/metrics").body


def test_what_a_request_needs_is_asked_of_its_scope(guard: Guard) -> None:
    def need(scope: dict[str, object]) -> int:
        return 2 << 40 if scope["path"] == "/take/2" else 0

    with served_by_uvicorn(made(guard=guard, need=need)) as port:
        assert ask(port, "/take/1").status == 200
        assert ask(port, "/take/2").status == 503
    assert recorded("GET (no route)").error


def test_metrics_are_for_those_who_know_the_token() -> None:
    with served_by_uvicorn(made(token="secret", prefix="shop")) as port:
        ask(port, "/take/1")
        here = ask(port, "/metrics")
        assert 'shop_actions_total{action="GET /take/{size:int}"} 1' in here.body
        assert 'shop_memory_bytes{kind="own"}' in here.body
        elsewhere = {"x_forwarded_for": "192.0.2.1"}
        refused = ask(port, "/metrics", **elsewhere)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert ask(port, "/metrics", authorization="Bearer secret", **elsewhere).status == 200
        assert ask(port, "/metrics?token=secret", **elsewhere).status == 200
        assert ask(port, "/metrics?token=guess", **elsewhere).status == 401
    assert [record.name for record in actions()] == ["GET /take/{size:int}"]


def test_the_pages_may_be_left_to_the_app() -> None:
    with served_by_uvicorn(made(health=None, metrics=None)) as port:
        assert ask(port, "/healthz").status == 404
        assert ask(port, "/metrics").status == 404
