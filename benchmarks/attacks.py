"""Attacks on a running app, each for a while: what hostile visitors do, and how they were answered.

    python -m benchmarks.attacks NAME PORT SECONDS

Prints a line of JSON: how often each answer came. It is started by `benchmarks.abuse`, in a process
of its own, against an app of this machine. The attackers come from addresses of documentation
(RFC 5737), which they name as a proxy would.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import websockets

from tests.support.tab import TIMEOUT, Drawn, Tab

HOSTILE = "203.0.113.7"
MB = 2**20
DISGUISES = (
    *("/metrics", "/%6detrics", "/_stcore/metrics", "/_stcore/%6detrics", "/_stcore/metrics/"),
    *("/%5fstcore/metrics", "//_stcore/metrics", "/_stcore/./metrics", "/x/../_stcore/metrics"),
)
GONE = (OSError, EOFError, websockets.WebSocketException, ConnectionError)
Attack = Callable[["Target"], Awaitable[None]]


class Target:
    """The app, and what it answered so far.

    Attributes:
        answers: how often each came.
    """

    def __init__(self, port: int, seconds: float) -> None:
        self.port, self._end = port, time.monotonic() + seconds
        self.answers: Counter[str] = Counter()

    def left(self) -> float:
        """Seconds until the attack ends."""
        return self._end - time.monotonic()

    async def many(self, count: int, act: Callable[[int], Awaitable[None]]) -> None:
        """Do `act` in so many tasks, over and over; what it raises counts as an answer."""

        async def again(number: int) -> None:
            await asyncio.sleep(number * min(1.0, self.left()) / count)
            while self.left() > 0:
                try:
                    async with asyncio.timeout(self.left()):
                        await act(number)
                except GONE as error:
                    if self.left() > 0:
                        self.answers[_word(error)] += 1
                        await asyncio.sleep(0.05)

        await asyncio.gather(*map(again, range(count)))

    async def tab(self, path: str = "", address: str = HOSTILE) -> Tab:
        """A tab of a hostile visitor, on a page."""
        tab = Tab(self.port, address)
        await tab.open(path)
        return tab

    async def get(self, path: str, *headers: str) -> str:
        """Ask for a path as it is written; the status, and "metrics" if they are in the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            lines = (f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers)
            writer.write("\r\n".join((*lines, "", "")).encode())
            answer = await reader.read()
        finally:
            writer.close()
        status = answer.split(b" ", 2)[1].decode() if answer else "closed"
        return f"{status} metrics" if b"# TYPE" in answer else status

    def note(self, drawn: Drawn) -> None:
        """Count a drawn page, or what it complained of."""
        self.answers["drawn"] += 1
        self.answers.update(text.split(":")[0][:60] for text in drawn.problems)


async def silent_sockets(target: Target) -> None:
    """300 WebSockets that say nothing, opened again when they are closed."""

    async def hold(number: int) -> None:
        address = f"203.0.113.{number % 3}"
        async with websockets.connect(
            f"ws://127.0.0.1:{target.port}/_stcore/stream",
            additional_headers={"X-Forwarded-For": address},
            open_timeout=TIMEOUT,
            close_timeout=1,
        ) as connection:
            target.answers["opened"] += 1
            await connection.wait_closed()
            target.answers["closed"] += 1

    await target.many(300, hold)


async def half_heads(target: Target) -> None:
    """400 connections that send a byte of a request each second, and never its end."""

    async def trickle(_number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        target.answers["opened"] += 1
        try:
            writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(100), 1)
            target.answers["closed"] += 1
        finally:
            writer.close()

    await target.many(400, trickle)


async def huge_searches(target: Target) -> None:
    """Four visitors who search for 20,000 and for 200,000 words."""

    async def search(number: int) -> None:
        tab = await target.tab("similar")
        for count in (20_000, 200_000):
            (field,) = tab.widgets("text_input", "q")
            words = " ".join(f"{number}{secrets.token_hex(2)}" for _ in range(count))
            target.note(await tab.set(field, "text_input", words))
        await tab.close()

    await target.many(4, search)


async def imports(target: Target) -> None:
    """Four visitors who import 9,999 titles that no catalogue has, again and again."""
    rows = (f"2020-01-01,Unheard of {n} {secrets.token_hex(8)},{1900 + n % 100},x,4"
            for n in range(9_999))  # fmt: skip
    data = "\n".join(("Date,Name,Year,Letterboxd URI,Rating", *rows)).encode()

    async def bring(_number: int) -> None:
        tab = await target.tab("my-ratings")
        (part,) = tab.widgets("button_group", "part")
        await tab.set(part, "button_group", [part.options[-1].content])
        for uploader in tab.all("file_uploader"):
            target.note(await tab.upload(uploader, "ratings.csv", data))
        await tab.close()

    await target.many(4, bring)


async def unused_uploads(target: Target) -> None:
    """Two visitors who upload 9 MB again and again, and use none of it."""

    async def upload(_number: int) -> None:
        tab = await target.tab()
        while target.left() > 0:
            try:
                await tab.put_unused("unused.csv", b"x" * 9 * MB)
                target.answers["taken"] += 1
            except ConnectionError as error:
                target.answers[_word(error)] += 1
                await asyncio.sleep(0.05)

    await target.many(2, upload)


async def slow_uploads(target: Target) -> None:
    """Eight uploads of 9 MB that bring a byte a second."""

    tab = await target.tab()
    places = [await tab.file_urls("slow.csv") for _ in range(8)]
    part = '--b\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\n'

    async def trickle(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        try:
            headers = {
                **tab.upload_headers("b"),
                "Host": "localhost",
                "Content-Length": 9 * MB,
                "X-Forwarded-For": HOSTILE,
                "Cookie": tab.cookie_header(),
            }
            lines = (f"{name}: {value}" for name, value in headers.items())
            asked = f"PUT {places[number].upload_url} HTTP/1.1"
            writer.write("\r\n".join((asked, *lines, "", part)).encode())
            target.answers["opened"] += 1
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                with suppress(TimeoutError):
                    answer = await asyncio.wait_for(reader.read(1000), 1)
                    if answer:
                        target.answers[answer.split(b" ", 2)[1].decode()] += 1
                        return
        finally:
            writer.close()

    await target.many(len(places), trickle)


async def profile_flood(target: Target) -> None:
    """Eight scripts of one address that begin profiles: a new visitor each time, who rates once."""

    async def begin(_number: int) -> None:
        tab = await target.tab("my-ratings")
        if movies := tab.offered():
            target.note(await tab.click("rate", movies[0], "4"))
        await tab.close()

    await target.many(8, begin)


async def wrong_tokens(target: Target) -> None:
    """Eight scripts that guess the token of the metrics."""

    async def guess(_number: int) -> None:
        token = secrets.token_hex(16)
        said = f"X-Forwarded-For: {HOSTILE}", f"Authorization: Bearer {token}"
        target.answers[await target.get("/metrics", *said)] += 1

    await target.many(8, guess)


async def disguised_paths(target: Target) -> None:
    """Two scripts that ask for the metrics by every other name; a 200 with figures is a leak."""
    names = itertools.cycle(DISGUISES)

    async def ask(_number: int) -> None:
        name = next(names)
        status = await target.get(name, f"X-Forwarded-For: {HOSTILE}", "Accept: text/plain")
        target.answers[f"{status} of {name}" if "metrics" in status else status] += 1

    await target.many(2, ask)


ATTACKS: tuple[Attack, ...] = (
    silent_sockets,
    half_heads,
    huge_searches,
    imports,
    unused_uploads,
    slow_uploads,
    profile_flood,
    wrong_tokens,
    disguised_paths,
)


def _word(error: BaseException) -> str:
    """A few words for an error: the status of an answer, where there was one."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return str(status)
    last = str(error).rpartition(": ")[2]
    return last.split()[0] if last[:3].isdigit() else type(error).__name__


def main() -> None:
    """Carry out the attack that is named."""
    name, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    (attack,) = (one for one in ATTACKS if one.__name__ == name)
    target = Target(port, seconds)

    async def within_time() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(16))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds + TIMEOUT):
                await attack(target)

    asyncio.run(within_time())
    print(json.dumps(target.answers))


if __name__ == "__main__":
    main()
