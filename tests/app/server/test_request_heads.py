"""Heads of requests, at the edge of a real web server."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import uvicorn

from recommender.app.server import request_heads
from recommender.app.server.request_heads import watch_heads
from tests.support.server import free_ports

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the path and the size of the body; of /early before the body was read."""
    size = 0
    while scope["path"] != "/early":
        message = await receive()
        size += len(message["body"])
        if not message["more_body"]:
            break
    body = f"{scope['path']} {size}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def on_a_server(visit: Callable[[Callable[[], Awaitable[Connection]]], Awaitable[None]]) -> None:
    """Run `visit` with a function that connects to a server."""

    async def main() -> None:
        watch_heads(asyncio.get_running_loop())
        (port,) = free_ports(1)
        server = uvicorn.Server(uvicorn.Config(echo, port=port, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server._serve())
        async with asyncio.timeout(30):
            while not server.started:
                await asyncio.sleep(0.01)
            await visit(lambda: asyncio.open_connection("127.0.0.1", port))
        server.should_exit = True
        await serving

    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result()


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length)


def test_a_head_in_pieces_and_many_requests_on_one_connection() -> None:
    async def visit(connect: Callable[[], Awaitable[Connection]]) -> None:
        reader, writer = await connect()
        for piece in (b"GET /a HTT", b"P/1.1\r\nHost: x\r", b"\n\r", b"\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        assert await answer(reader) == (200, b"/a 0")
        writer.write(b"PUT /b HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 90_000)
        assert await answer(reader) == (200, b"/b 90000")
        writer.write(b"PUT /early HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x")
        assert await answer(reader) == (200, b"/early 0")
        writer.write(b"x" * 89_999)
        writer.write(GET % b"c" + GET % b"d")  # pipelined
        assert await answer(reader) == (200, b"/c 0")
        assert await answer(reader) == (200, b"/d 0")
        writer.close()

    on_a_server(visit)


def test_half_a_head_is_closed_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(connect: Callable[[], Awaitable[Connection]]) -> None:
        second, after = await connect()
        after.write(GET % b"a")
        assert await answer(second) == (200, b"/a 0")
        monkeypatch.setattr(request_heads, "HEAD_SECONDS", 1.0)
        after.write(b"GET / HTTP/1.1\r\n")
        silent, nothing = await connect()
        first, half = await connect()
        half.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert await silent.read() == b""
        for reader in (first, second):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        for writer in (after, nothing, half):
            writer.close()

    on_a_server(visit)


def test_a_head_without_end_is_refused() -> None:
    async def visit(connect: Callable[[], Awaitable[Connection]]) -> None:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * (request_heads.MAX_HEAD_BYTES + 1))
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 431 ")
        writer.close()

    on_a_server(visit)


def test_of_too_many_that_wait_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_heads, "MAX_PENDING", 5)

    async def visit(connect: Callable[[], Awaitable[Connection]]) -> None:
        waiting = []
        for _ in range(6):
            waiting.append(await connect())
            waiting[-1][1].write(b"GET / HTTP/1.1\r\n")
            await asyncio.sleep(0.05)
        assert (await waiting[0][0].read()).startswith(b"HTTP/1.1 408 ")
        for reader, writer in waiting[1:]:
            writer.write(b"Host: x\r\n\r\n")
            assert await answer(reader) == (200, b"/ 0")
        for _, writer in waiting:
            writer.close()

    on_a_server(visit)
