"""Streamlit's scripts and styles, compressed: a first visit loads a third of the bytes.

Streamlit sends them as they are, since it would compress them at every request. Here each is
compressed once, when it is first asked for, and no two at the same time.
"""

from __future__ import annotations

import gzip
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from streamlit import config, file_util

from memory_toolkit.measure.sizes import MB

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

# Larger ones draw what the app does not show, such as charts, and are sent as they are.
MAX_FILE_BYTES = MB
_TYPES = {"js": "text/javascript", "css": "text/css"}
_PATH = re.compile(r"(?:js|css)/[\w.-]+\.(js|css)", re.ASCII)


class CompressedFiles:
    """Answers requests for Streamlit's own scripts and styles with gzip, where it is accepted.

    Their names change with their content, so browsers keep them for a year. Everything else is
    passed on. Memory: 0.9 MB for what all pages of the app need; 3.2 MB if somebody asks for every
    file. Source: the ASGI specification.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        base = config.get_option("server.baseUrlPath").strip("/")
        self._prefix = f"{'/' if base else ''}{base}/static/"
        self._folder = Path(file_util.get_static_dir()) / "static"
        self._files: dict[str, bytes] = {}
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
            if path not in self._files:
                file = self._folder / path
                try:
                    if file.stat().st_size > MAX_FILE_BYTES:
                        return None
                    self._files[path] = gzip.compress(file.read_bytes(), mtime=0)
                except OSError:
                    return None
            return self._files[path]
