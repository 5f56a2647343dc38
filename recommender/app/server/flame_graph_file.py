"""/flame-graph/…: the memory panel's flame graph as a file, sent piece by piece from the disk.

Streamlit's own download button would keep the five megabytes in memory; and as the panel is drawn
anew each second, its address of a moment ago would often be gone when it is clicked.
"""

from __future__ import annotations

import hmac
import secrets

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config

from recommender.app.server.configuration import settings

FILE_NAME = "matinee-flame-graph.html"
# Who may see the panel is told the address, and nobody can guess it.
_KEY = secrets.token_urlsafe(24)


def address() -> str:
    """Return the address of the file, seen from any page of the app."""
    return f"flame-graph/{_KEY}"


def routes() -> list[Route]:
    """Return the route /flame-graph/…, which answers GET and HEAD."""
    base = config.get_option("server.baseUrlPath").strip("/")
    return [Route(f"{'/' if base else ''}{base}/flame-graph/{{key}}", _answer)]


async def _answer(request: Request) -> Response:
    known = hmac.compare_digest(request.path_params["key"].encode(), _KEY.encode())
    if known and settings().debug_memory:
        from memory_toolkit.record.flame_graph import recording

        report = recording().report
        if report is not None and report.exists():
            headers = {"cache-control": "no-store"}
            return FileResponse(report, media_type="text/html", filename=FILE_NAME, headers=headers)
    return PlainTextResponse("There is no flame graph here; record one.\n", status_code=404)
