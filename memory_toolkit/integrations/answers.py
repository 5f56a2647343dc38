"""Answers of a web app about its memory: health, metrics, busy, too much; for ASGI and WSGI."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import parse_qs

from memory_toolkit.guard.guard import Guard
from memory_toolkit.integrations.access import TOKEN_VARIABLE, may_read
from memory_toolkit.integrations.metrics import (
    CONTENT_TYPE,
    action_metrics,
    guard_metrics,
    memory_metrics,
    metrics_text,
    worker_metrics,
)
from memory_toolkit.integrations.workers import Workers
from memory_toolkit.measure.snapshot import snapshot
from memory_toolkit.record.summaries import totals


class Answer(NamedTuple):
    """An answer to a request, for either protocol."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Answers:
    """Answers for one app.

    Args:
        guard: asked for its level and its decisions, if there is one.
        prefix: of the metrics' names.
        token: who may read the metrics from elsewhere than this machine; None is everybody, and
            by default it is the environment's DEBUG_MEMORY_TOKEN.
        retry_after: seconds after which somebody who was refused should try again.
    """

    def __init__(
        self,
        guard: Guard | None,
        prefix: str = "app",
        token: str | None = None,
        retry_after: int = 5,
    ) -> None:
        self._guard = guard
        self._workers = None if guard is None else Workers(guard)
        self._prefix = prefix
        self._token = token or os.environ.get(TOKEN_VARIABLE) or None
        self._retry_after = retry_after

    def health(self) -> Answer:
        """Return 200 with "ready" or "degraded", or 503 with "unavailable", and why in one line."""
        level = "ok" if self._guard is None else self._guard.state().level
        status, reason = {
            "full": ("unavailable", "memory is full"),
            "shedding": ("degraded", "memory is short: caches are given up"),
        }.get(level, ("ready", None))
        body = json.dumps({"status": status, "reason": reason}).encode()
        code = (503, "Service Unavailable") if status == "unavailable" else (200, "OK")
        return _answer(*code, "application/json", body)

    def metrics(self, host: str | None, headers: Mapping[str, str], query: str) -> Answer:
        """Return the metrics, or 401 for those who may not read them, see `may_read`."""
        given = parse_qs(query).get("token", [""])[0]
        if not may_read(self._token, host, headers, given):
            text = f"give {TOKEN_VARIABLE}: Authorization: Bearer ..., or ?token=...\n"
            return _plain(401, "Unauthorized", text, ("www-authenticate", "Bearer"))
        found = memory_metrics(snapshot())
        if self._guard is None or self._workers is None:
            found += action_metrics(totals())
        else:
            all_workers = self._workers.add_up()
            found += action_metrics(all_workers.actions)
            found += worker_metrics(all_workers.held)
            found += guard_metrics(replace(self._guard.state(), counts=all_workers.decisions))
        return _answer(200, "OK", CONTENT_TYPE, metrics_text(found, self._prefix).encode())

    def busy(self) -> Answer:
        """Return 503 with Retry-After, for an action that the guard refused."""
        text = f"There is too little memory just now; try again in {self._retry_after} s.\n"
        after = ("retry-after", str(self._retry_after))
        return _plain(503, "Service Unavailable", text, after)

    def too_much(self) -> Answer:
        """Return 507, for a request that took more memory than there is."""
        return _plain(507, "Insufficient Storage", "This took more memory than there is.\n")


def _plain(status: int, reason: str, text: str, *headers: tuple[str, str]) -> Answer:
    return _answer(status, reason, "text/plain; charset=utf-8", text.encode(), *headers)


def _answer(status: int, reason: str, kind: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    fixed = (("content-type", kind), ("content-length", str(len(body))))
    return Answer(status, reason, (*fixed, ("cache-control", "no-store"), *headers), body)
