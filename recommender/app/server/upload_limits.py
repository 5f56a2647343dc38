"""Limits of the files that browsers upload."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse
from streamlit import config
from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from recommender.app.server.housekeeper import guard
from recommender.app.server.proxy_headers import client_address, is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The page has one field for one file; the one before may still be there.
MAX_UPLOADED_FILES = 2
MAX_UPLOADS_AT_ONCE = 4
# Of these so many from one address, so that somebody else has a place.
MAX_UPLOADS_PER_ADDRESS = 2
# A file that comes more slowly than this, after its first seconds, has no end in sight.
MIN_BYTES_PER_SECOND, PATIENCE_SECONDS = 10_000, 5.0
# A file is kept whole as it comes in, and once more as its reader gets it.
_COPIES = 2

_log = logging.getLogger(__name__)


class UploadLimits:
    """Bounds the files that browsers upload: those of a session, and those on their way.

    Of a session's files the oldest go, so that it holds `MAX_UPLOADED_FILES` of
    ``server.maxUploadSize`` together. While there is no room for another one the answer is 503,
    and to one that comes too slowly 408.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        base = config.get_option("server.baseUrlPath").strip("/")
        self._path = f"{'/' if base else ''}{base}/_stcore/upload_file/"
        self._running: Counter[str] = Counter()  # by address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and scope["method"] == "PUT"
        if not is_upload or not scope["path"].startswith(self._path):
            await self._app(scope, receive, send)
            return
        most = config.get_option("server.maxUploadSize") * 2**20
        size = min(most, _content_length(scope, most))
        keeper = guard()
        short, address = (
            keeper is not None and keeper.room() < _COPIES * size,
            client_address(scope),
        )
        crowded = self._running[address] >= MAX_UPLOADS_PER_ADDRESS and not is_loopback(address)
        if short or crowded or self._running.total() >= MAX_UPLOADS_AT_ONCE:
            want = "memory" if short else "slots"
            _log.warning("an upload of %d bytes was refused for want of %s", size, want)
            await _later()(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        _make_room(scope["path"].removeprefix(self._path).partition("/")[0], most - size)
        self._running[address] += 1
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as deadline:
                await self._app(scope, _in_time(receive, deadline), send_and_note)
        except (MemoryError, TimeoutError) as error:
            if started:
                raise
            slow = isinstance(error, TimeoutError)
            what = "came too slowly" if slow else "took more memory than there is"
            _log.warning("an upload of %d bytes %s", size, what)
            await (_too_slow() if slow else _later())(scope, receive, send)
        finally:
            self._running[address] -= 1
            if not self._running[address]:
                del self._running[address]


def _in_time(receive: Receive, deadline: asyncio.Timeout) -> Receive:
    """Return `receive` of a request whose body puts off the deadline as it comes."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_SECONDS

    async def receive_and_put_off() -> Message:
        nonlocal end
        message = await receive()
        end += len(message.get("body", b"")) / MIN_BYTES_PER_SECOND
        # What is done with a whole body takes as long as it takes.
        deadline.reschedule(end if message.get("more_body") else None)
        return message

    return receive_and_put_off


def _content_length(scope: Scope, unknown: int) -> int:
    for name, value in scope["headers"]:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return unknown


def _make_room(session: str, left: int) -> None:
    """Let go of the oldest files of a session, so that `left` bytes at most and a place are taken.

    Source: Streamlit 1.67, MemoryUploadedFileManager.
    """
    manager = Runtime.instance().uploaded_file_mgr
    assert isinstance(manager, MemoryUploadedFileManager)
    files = list(manager.file_storage.get(session, {}).values())
    held = sum(len(file.data) for file in files)
    for count, file in zip(range(len(files), 0, -1), files, strict=True):
        if count < MAX_UPLOADED_FILES and held <= left:
            return
        manager.remove_file(session, file.file_id)
        held -= len(file.data)


def _too_slow() -> PlainTextResponse:
    text = "The file came too slowly; try again.\n"
    return PlainTextResponse(text, status_code=408, headers={"connection": "close"})


def _later() -> PlainTextResponse:
    text = "The server has no room for a file now; try again in a moment.\n"
    return PlainTextResponse(text, status_code=503, headers={"retry-after": "10"})
