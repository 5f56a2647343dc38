"""Limits of open connections, on the middleware and, as to files, in a process of its own."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from recommender.app.server import connection_limits
from recommender.app.server.connection_limits import ConnectionLimits

REFUSED = ["websocket.http.response.start", "websocket.http.response.body"]


def run(main: Callable[[], Awaitable[Any]]) -> Any:
    # In a thread of its own: the browser tests leave an event loop running in this one.
    async def within() -> Any:
        async with asyncio.timeout(20):
            return await main()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, within()).result()


class Browser:
    """A WebSocket from an address; says what it is given to say, and then nothing."""

    def __init__(self, app: Any, address: str, *said: bytes) -> None:
        self.got: list[str] = []
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.messages.put_nowait({"type": "websocket.connect"})
        for data in said:
            self.messages.put_nowait({"type": "websocket.receive", "bytes": data})
        scope = {
            "type": "websocket",
            "client": (address, 50_000),
            "headers": [],
            "extensions": {"websocket.http.response": {}},
        }
        self.task = asyncio.create_task(app(scope, self.messages.get, self._send))

    async def _send(self, message: dict[str, Any]) -> None:
        self.got.append(message["type"])

    async def leave(self) -> None:
        self.messages.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await self.task


async def page(scope: Any, receive: Any, send: Any) -> None:
    """Accepts, and listens until the browser has gone."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_so_many_of_one_address_and_so_many_in_all() -> None:
    async def main() -> None:
        limits = ConnectionLimits(page, 4, 2)
        here = [Browser(limits, "192.0.2.1", b"x") for _ in range(3)]
        own = [Browser(limits, "127.0.0.1", b"x") for _ in range(3)]
        await settle()
        assert [one.got for one in here] == [["websocket.accept"]] * 2 + [REFUSED]
        assert [one.got for one in own] == [["websocket.accept"]] * 2 + [REFUSED]
        await here[0].leave()
        again = Browser(limits, "192.0.2.1", b"x")
        await settle()
        assert again.got == ["websocket.accept"]
        for one in (here[1], again, *own[:2]):
            await one.leave()
        assert not limits._open

    run(main)


def test_who_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        limits = ConnectionLimits(page, 10, 10)
        speaks = Browser(limits, "192.0.2.1", b"x")
        await settle()
        monkeypatch.setattr(connection_limits, "MAX_SILENT_SECONDS", 0.0)
        silent = Browser(limits, "192.0.2.1")
        await silent.task
        assert silent.got == ["websocket.accept", "websocket.close"]
        assert not speaks.task.done()
        await speaks.leave()

    run(main)


def test_everything_else_passes() -> None:
    asked: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["type"])

    async def main() -> None:
        for kind in ("http", "lifespan"):
            await ConnectionLimits(app, 1, 1)({"type": kind}, None, None)  # type: ignore[arg-type]

    run(main)
    assert asked == ["http", "lifespan"]


@pytest.mark.skipif(sys.platform == "win32", reason="files are not counted there")
def test_files_are_enough_for_every_connection() -> None:
    code = """
import resource
from recommender.app.server.connection_limits import connections_by_files
for soft, hard in ((256, 1000), (256, 256)):
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(connections_by_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["218", "1000", "32", "256"]
