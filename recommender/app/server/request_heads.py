"""Heads of requests: bounded, whole within a deadline, and given to the worker they belong to."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any, Protocol, cast

HEAD_SECONDS = 10.0
MAX_HEAD_BYTES = 65_536
# Connections whose head is not whole yet; a browser's comes with its first packet.
MAX_PENDING = 256
_END = re.compile(rb"\r?\n\r?\n")
_LATE, _TOO_LONG = (
    b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status
    for status in (b"408 Request Timeout", b"431 Request Header Fields Too Large")
)

_log = logging.getLogger(__name__)
Factory = Callable[[], asyncio.Protocol]


class Router(Protocol):
    """Knows which process a request belongs to, see `worker.Worker`."""

    def is_other(self, head: bytes, address: str) -> int | None:
        """Return the number of the other worker that it belongs to; None if it is this one."""

    def hand_over(self, number: int, transport: asyncio.Transport, data: bytes) -> bool:
        """Pass the connection on with what was read from it; False while there is no room."""

    def receive(
        self, loop: asyncio.AbstractEventLoop, protocol: Callable[[bytes], asyncio.Protocol]
    ) -> None:
        """Take over, from now on, what other workers pass on: `protocol` is made of the data."""


class RequestHeads(asyncio.Protocol):
    """A connection of a web server that gives each request on only once its head is whole.

    A head that is not whole after `HEAD_SECONDS` is answered with 408, one of more than
    `MAX_HEAD_BYTES` with 431; of more than `MAX_PENDING` connections that wait for one the oldest
    is closed. Requests that a client sends before it has its answer (pipelining) go where the one
    before them went. Source: RFC 9112, and Python's documentation of asyncio's protocols.

    Args:
        factory: makes the web server's own protocol.
        pending: the connections of this server that wait for the end of a head, oldest first.
        router: of several workers, None if there is one.
        data: what another worker has read from the connection before.
    """

    def __init__(
        self,
        factory: Factory,
        pending: dict[RequestHeads, None],
        router: Router | None = None,
        data: bytes = b"",
    ) -> None:
        self._factory, self._pending, self._router = factory, pending, router
        self._data, self._is_handed_over = bytearray(data), bool(data)
        self._inner: Any = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head, or go on with the one that another worker has read."""
        self._transport = cast("asyncio.Transport", transport)
        self._wait()
        if self._data:
            self._take_head()

    def data_received(self, data: bytes) -> None:
        """Collect a head, or pass on what belongs to a request that is under way."""
        if self._inner is not None and not _is_idle(self._inner):
            self._inner.data_received(data)
            return
        if self._deadline is None:
            self._wait()
        self._data += data
        self._take_head()

    def _wait(self) -> None:
        self._deadline = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._end, _LATE)
        self._pending[self] = None
        if len(self._pending) > MAX_PENDING:
            next(iter(self._pending))._end(_LATE)

    def _take_head(self) -> None:
        # The end may lie across two pieces; what was searched once is short enough to search again.
        if _END.search(self._data) is None:
            if len(self._data) > MAX_HEAD_BYTES:
                self._end(_TOO_LONG)
            return
        other = None
        if self._router is not None and not self._is_handed_over:
            other = self._router.is_other(bytes(self._data), self._address())
        self._is_handed_over = False
        # An answer that is still on its way can be written by this process alone.
        if other is not None and not self._transport.get_write_buffer_size():
            self._hand_over(other)
        else:
            self._give_on()

    def _give_on(self) -> None:
        self._stop_waiting()
        if self._inner is None:
            self._inner = self._factory()
            self._inner.connection_made(self._transport)
        data, self._data = bytes(self._data), bytearray()
        self._inner.data_received(data)

    def _hand_over(self, number: int) -> None:
        assert self._router is not None
        if self._transport.is_closing():
            return
        if self._router.hand_over(number, self._transport, bytes(self._data)):
            self._stop_waiting()
            self._transport.abort()  # closes this process's end alone
            return
        self._transport.pause_reading()
        asyncio.get_running_loop().call_later(0.05, self._hand_over, number)

    def _address(self) -> str:
        peer = self._transport.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) else ""

    def _end(self, answer: bytes) -> None:
        self._stop_waiting()
        if self._data:
            self._transport.write(answer)
        self._transport.close()

    def _stop_waiting(self) -> None:
        self._pending.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the web server, if it knows of the connection."""
        self._stop_waiting()
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """Tell the web server, if it knows of the connection."""
        return None if self._inner is None else cast("bool | None", self._inner.eof_received())

    def pause_writing(self) -> None:
        """Tell the web server that the client reads slowly."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Tell the web server that the client has read on."""
        if self._inner is not None:
            self._inner.resume_writing()


def watch_heads(loop: asyncio.AbstractEventLoop, router: Router | None = None) -> None:
    """Let every server that `loop` starts from now on have its connections by `RequestHeads`."""
    create_server, pending = loop.create_server, dict[RequestHeads, None]()

    async def create(factory: Factory, *args: Any, **options: Any) -> Any:
        if router is not None:
            router.receive(loop, lambda data: RequestHeads(factory, pending, router, data))
        return await create_server(lambda: RequestHeads(factory, pending, router), *args, **options)

    loop.create_server = create  # type: ignore[method-assign,assignment]


def _is_idle(protocol: Any) -> bool:
    """Return whether a connection's next bytes begin a request.

    Source: uvicorn 0.54, H11Protocol and HttpToolsProtocol; of another server it is not known, and
    only a connection's first head is watched.
    """
    if not hasattr(protocol, "cycle"):
        return False
    cycle = protocol.cycle
    if cycle is None:
        return True
    connection = getattr(protocol, "conn", None)
    if connection is None:
        return bool(cycle.response_complete and not cycle.more_body)
    return bool(cycle.response_complete and str(connection.their_state) != "SEND_BODY")
