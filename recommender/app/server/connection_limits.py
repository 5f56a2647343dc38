"""Limits of the connections that are open at the same time, in total and for each address."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from recommender.app.server import worker
from recommender.app.server.proxy_headers import client_address, is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A page asks for itself as soon as it is connected.
MAX_SILENT_SECONDS = 30.0
# The socket of a connection, and what the event loop of its session's thread takes.
_FILES_PER_CONNECTION = 4
# For the bundle, the ratings, the log, and whatever asks by HTTP.
_OTHER_FILES = 128
_MAX_FILES = 4096

_log = logging.getLogger(__name__)


class ConnectionLimits:
    """Refuses WebSockets beyond so many, and closes those that say nothing after they have come.

    A refused browser tries again by itself. Connections from this machine itself count in the total
    only, since a proxy on it may not say whom they are from.

    Args:
        total: connections at the same time, of all workers; fewer if this process may not open
            enough files.
        per_address: those of one address among them; each worker takes in its part.
    """

    def __init__(self, app: ASGIApp, total: int, per_address: int) -> None:
        self._app = app
        self._total, self._most = total, connections_by_files()
        self._per_address = worker.share(per_address)
        self._open: Counter[str] = Counter()
        self._refused, self._said_at = 0, float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        address = client_address(scope)
        crowded = self._open[address] >= self._per_address and not is_loopback(address)
        place = worker.here()
        elsewhere = 0 if place is None else sum(row.open for row in place.others().values())
        full = self._open.total() >= min(self._most, self._total - elsewhere)
        if crowded or full:
            self._say(address)
            await _refuse(scope, receive, send)
            return
        self._count(address, 1)
        try:
            await self._app(scope, _Spoken(receive, send), send)
        finally:
            self._count(address, -1)

    def _say(self, address: str) -> None:
        """Log refusals, once a second: whoever is refused tries again and again."""
        self._refused += 1
        if time.monotonic() - self._said_at >= 1:
            _log.warning(
                "%d connections were refused, the last of %s: %d are open, %d of them from there",
                *(self._refused, ascii(address), self._open.total(), self._open[address]),
            )
            self._refused, self._said_at = 0, time.monotonic()

    def _count(self, address: str, change: int) -> None:
        self._open[address] += change
        if not self._open[address]:
            del self._open[address]
        if (place := worker.here()) is not None:
            place.open = self._open.total()


class _Spoken:
    """`receive` of a WebSocket that is closed if nothing is said after it was accepted."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._connected = self._spoken = False

    async def __call__(self) -> Message:
        if self._spoken or not self._connected:
            message = await self._receive()
            self._connected = True
            return message
        try:
            async with asyncio.timeout(MAX_SILENT_SECONDS):
                message = await self._receive()
        except TimeoutError:
            await self._send({"type": "websocket.close", "code": 1008, "reason": "nothing said"})
            return {"type": "websocket.disconnect", "code": 1008}
        self._spoken = True
        return message


def connections_by_files() -> int:
    """Return how many connections the files suffice for that the process may open; as many of these
    as the host allows are asked for first, up to those that a server needs.

    Source: getrlimit(2), RLIMIT_NOFILE; systems without it do not count files.
    """
    try:
        import resource
    except ImportError:
        return _MAX_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = _MAX_FILES if hard == unlimited else min(_MAX_FILES, hard)
    if soft != unlimited and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    files = _MAX_FILES if soft == unlimited else soft
    return max(1, (files - _OTHER_FILES) // _FILES_PER_CONNECTION)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a WebSocket's first request by 503, or where the server cannot by closing it."""
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"retry-after", b"10")]
        await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close", "code": 1013})
