"""ASGI middleware: a record for each request, health, metrics, and refusals while memory is short.

For FastAPI and Starlette ``app.add_middleware(MemoryMiddleware, guard=Guard())``, for Streamlit
``st.App(..., middleware=[Middleware(MemoryMiddleware)])``. Source: the ASGI specification 3.0.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import nullcontext
from typing import Any

from memory_toolkit.guard.guard import Busy, Guard
from memory_toolkit.integrations.answers import Answer, Answers
from memory_toolkit.record.actions import action

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class MemoryMiddleware:
    """Records each HTTP request as an action by its route, ``"GET /items/{item}"``.

    With a guard each request is admitted first: while memory is full it is answered with 503 and
    Retry-After, and so is one in which `Busy` is raised. A request that ends in a MemoryError is
    answered with 507, and what it held is freed. The event loop is never held up by waiting,
    and no MemoryError is raised into its thread from outside. The guard is started when the server
    starts, which is after a fork into workers.

    Records of requests that ran at the same time count each other as overlaps, since memory
    belongs to the process.

    Args:
        app: what answers.
        guard: None only records.
        need: bytes that a request takes at most, as far as known, or a function of its scope.
        health, metrics: paths of the two pages; None leaves one out.
        prefix, token, retry_after: see `Answers`.
    """

    def __init__(
        self,
        app: App,
        *,
        guard: Guard | None = None,
        need: int | Callable[[Scope], int] = 0,
        health: str | None = "/healthz",
        metrics: str | None = "/metrics",
        prefix: str = "app",
        token: str | None = None,
        retry_after: int = 5,
    ) -> None:
        self._app = app
        self._guard = guard
        self._need = need
        self._pages = {health: self._health, metrics: self._metrics}
        self._answers = Answers(guard, prefix, token, retry_after)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            page = self._pages.get(scope["path"]) if scope["method"] in ("GET", "HEAD") else None
            if page is None:
                await self._record(scope, receive, send)
            else:
                await _send(page(scope), send, with_body=scope["method"] == "GET")
            return
        if scope["type"] == "lifespan" and self._guard is not None:
            self._guard.start()
        await self._app(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        status: int | None = None  # once the answer has begun

        async def passed_on(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        need = self._need(scope) if callable(self._need) else self._need
        request = f"{scope['method']} {scope['path']}"
        admitted = nullcontext() if self._guard is None else self._guard.admit(request, need)
        answer = None
        measured = action(request)
        try:
            with measured:
                try:
                    async with admitted:
                        await self._app(scope, receive, passed_on)
                finally:
                    measured.name = f"{scope['method']} {_route(scope, status)}"
        except Busy:
            if status is not None:
                raise
            answer = self._answers.busy()
        except MemoryError:
            if status is not None:
                raise
            answer = self._answers.too_much()
        if answer is not None:
            await _send(answer, send)

    def _health(self, _scope: Scope) -> Answer:
        return self._answers.health()

    def _metrics(self, scope: Scope) -> Answer:
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        ]
        client = scope.get("client")
        query = scope.get("query_string", b"").decode("latin-1")
        return self._answers.metrics(client[0] if client else None, dict(pairs), query)


def _route(scope: Scope, status: int | None) -> str:
    """Return the route that answered, as far as the router left word of it in the scope.

    FastAPI and Starlette leave the route, and what lies before it where it was mounted.
    """
    path = getattr(scope.get("route"), "path", None)
    if path is not None:
        before = scope.get("app_root_path", scope.get("root_path", ""))
        return f"{scope.get('root_path', '').removeprefix(before)}{path}"
    if status in (None, 404) and "endpoint" not in scope:
        return "(no route)"
    return str(scope["path"])


async def _send(answer: Answer, send: Send, *, with_body: bool = True) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
