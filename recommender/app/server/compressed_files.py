"""Streamlit's scripts and styles, compressed: a first visit loads a third of the bytes.

Streamlit sends them as they are, since it would compress them at every request. Here each is
compressed once, when it is first asked for.
"""

from __future__ import annotations

import gzip
import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from streamlit import config, file_util

from memory_toolkit.measure.sizes import MB

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

# What all pages of the app need is 0.9 MB; what is over this goes, the least recently used first.
MAX_BYTES = 2 * MB
_TYPES = {"js": "text/javascript", "css": "text/css"}
_PATH = re.compile(r"(?:js|css)/[\w.-]+\.(js|css)", re.ASCII)


class CompressedFiles:
    """Answers requests for Streamlit's own scripts and styles with gzip, where it is accepted.

    Their names change with their content, so browsers keep them for a year. Everything else is
    passed on. Memory: `MAX_BYTES`. Source: the ASGI specification.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        base = config.get_option("server.baseUrlPath").strip("/")
        self._prefix = f"{'/' if base else ''}{base}/static/"
        self._folder = Path(file_util.get_static_dir()) / "static"
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        if scope["type"] == "http" and scope["path"].startswith(self._prefix):
            answer = await self._answer(Request(scope))
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        path = request.url.path.removeprefix(self._prefix)
        named, headers = _PATH.fullmatch(path), request.headers
        accepted = "gzip" in headers.get("accept-encoding", "") and "range" not in headers
        if named is None or not accepted or request.method not in ("GET", "HEAD"):
            return None
        content = await run_in_threadpool(self._compressed, path)
        if content is None:
            return None
        return Response(
            content,
            headers={
                "cache-control": "public, immutable, max-age=31536000",
                "content-encoding": "gzip",
                "vary": "Accept-Encoding",
            },
            media_type=_TYPES[named[1]],
        )

    def _compressed(self, path: str) -> bytes | None:
        with self._lock:
            if (known := self._files.get(path)) is not None:
                self._files.move_to_end(path)
                return known
        try:
            content = gzip.compress((self._folder / path).read_bytes(), mtime=0)
        except OSError:
            return None
        with self._lock:
            self._files[path] = content
            while sum(map(len, self._files.values())) > MAX_BYTES and len(self._files) > 1:
                self._files.popitem(last=False)
        return content
