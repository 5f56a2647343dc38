"""Asks routes of an ASGI app as a server does, without a port."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.routing import BaseRoute


def get_from(routes: Sequence[BaseRoute], path: str) -> tuple[int, dict[str, str], list[bytes]]:
    """Return status, headers and pieces of the answer to GET `path`."""
    sent = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"spec_version": "2.4"},
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": b"",
    }
    app = Starlette(routes=routes)
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, app(scope, receive, send)).result()  # type: ignore[arg-type]
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}  # type: ignore[attr-defined]
    return sent[0]["status"], headers, [message.get("body", b"") for message in sent[1:]]  # type: ignore[return-value, misc]
