"""WSGI middleware: a record for each request, health, metrics, and refusals while memory is short.

For Flask ``protect_flask(app, guard=Guard())``; for Django and any other app
``application = MemoryMiddleware(application, guard=Guard())``. Source: PEP 3333.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any

from memory_toolkit.guard.guard import Busy, Guard
from memory_toolkit.integrations.answers import Answer, Answers
from memory_toolkit.record.actions import action

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
# Where an app that catches its errors leaves the one that the middleware has to answer.
_ERROR = "debug_memory.error"
_RULE = "debug_memory.rule"


class MemoryMiddleware:
    """Records each request as an action by its route, ``"GET /tags/<name>"``.

    With a guard each request is admitted first: while memory is full it is answered with 503 and
    Retry-After, and so is one in which `Busy` is raised. A request that ends in a MemoryError is
    answered with 507, and what it held is freed. The guard is started with the first request,
    which is after a fork into workers. What is sent piece by piece is part of the record, but
    the guard watches no longer than until the app has returned.

    Args:
        app: what answers. Django turns errors into its own answers, which stay as they are.
        guard: None only records.
        need: bytes that a request takes at most, as far as known, or a function of its environ.
        route: names what answered, of the environ afterwards; None where it cannot. By default
            it is the path, and with `protect_flask` the rule.
        health, metrics: paths of the two pages; None leaves one out.
        prefix, token, retry_after: see `Answers`.
    """

    def __init__(
        self,
        app: App,
        *,
        guard: Guard | None = None,
        need: int | Callable[[Environ], int] = 0,
        route: Callable[[Environ], str | None] | None = None,
        health: str | None = "/healthz",
        metrics: str | None = "/metrics",
        prefix: str = "app",
        token: str | None = None,
        retry_after: int = 5,
    ) -> None:
        self._app = app
        self._guard = guard
        self._need = need
        self._route = route or (lambda environ: environ.get(_RULE))
        self._pages = {health: self._health, metrics: self._metrics}
        self._answers = Answers(guard, prefix, token, retry_after)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/"
        page = self._pages.get(path) if method in ("GET", "HEAD") else None
        if page is not None:
            shown = _start(page(environ), start_response)
            return shown if method == "GET" else []
        measured = action(f"{method} {path}")
        measured.__enter__()
        try:
            body = self._answer(environ, start_response, measured.name)
        except BaseException as error:
            measured.name = f"{method} {self._route(environ) or path}"
            measured.__exit__(type(error), error, error.__traceback__)
            if not isinstance(error, (Busy, MemoryError)):
                raise
            busy = isinstance(error, Busy)
            return _start(
                self._answers.busy() if busy else self._answers.too_much(), start_response, error
            )
        measured.name = f"{method} {self._route(environ) or path}"
        return _Body(body, measured)

    def _answer(
        self, environ: Environ, start_response: StartResponse, name: str
    ) -> Iterable[bytes]:
        if self._guard is not None:
            self._guard.start()
        need = self._need(environ) if callable(self._need) else self._need
        with nullcontext() if self._guard is None else self._guard.admit(name, need):
            body = self._app(environ, _unless_failed(environ, start_response))
            if _ERROR in environ:
                _close(body)
                raise environ.pop(_ERROR)
            return body

    def _health(self, _environ: Environ) -> Answer:
        return self._answers.health()

    def _metrics(self, environ: Environ) -> Answer:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        query = environ.get("QUERY_STRING", "")
        return self._answers.metrics(environ.get("REMOTE_ADDR"), headers, query)


def protect_flask(app: Any, **options: Any) -> None:
    """Put a Flask app behind a `MemoryMiddleware` with these `options`.

    Flask answers errors itself; here those for want of memory are left to the middleware.
    """

    def note(_endpoint: str | None, _values: object) -> None:
        from flask import request

        rule = request.url_rule
        request.environ[_RULE] = "(no route)" if rule is None else rule.rule

    def leave(error: Exception) -> tuple[str, int]:
        from flask import request

        request.environ[_ERROR] = error
        return "", 507

    app.url_value_preprocessor(note)
    app.register_error_handler(Busy, leave)
    app.register_error_handler(MemoryError, leave)
    app.wsgi_app = MemoryMiddleware(app.wsgi_app, **options)


class _Body:
    """The body of an answer, until it was sent; then the action has ended."""

    def __init__(self, body: Iterable[bytes], measured: action) -> None:
        self._body = body
        self._measured: action | None = measured

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """End the action; servers call it when the answer was sent, or could not be."""
        try:
            _close(self._body)
        finally:
            measured, self._measured = self._measured, None
            if measured is not None:
                measured.__exit__(None, None, None)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _unless_failed(environ: Environ, start_response: StartResponse) -> StartResponse:
    """Return a `start_response` that leaves out the headers of an answer that will be replaced.

    gunicorn sends those of both: the first says that the body is empty.
    """

    def started(*arguments: Any) -> Any:
        return None if _ERROR in environ else start_response(*arguments)

    return started


def _start(
    answer: Answer, start_response: StartResponse, error: BaseException | None = None
) -> list[bytes]:
    headers = [(name.title(), value) for name, value in answer.headers]
    trace = (type(error), error, error.__traceback__) if error is not None else None
    start_response(f"{answer.status} {answer.reason}", headers, trace)
    return [answer.body]
