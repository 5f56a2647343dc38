"""/metrics: what the memory panel knows, as text for Prometheus, and who may read it."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit.runtime import Runtime
from streamlit.runtime.stats import CACHE_MEMORY_FAMILY, CacheStat

from memory_toolkit.integrations import access
from memory_toolkit.integrations.metrics import (
    CONTENT_TYPE,
    Metric,
    guard_metrics,
    labelled,
    memory_metrics,
    metrics_text,
    worker_metrics,
)
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.snapshot import snapshot
from memory_toolkit.panel.sessions import sessions
from recommender.app.server import worker
from recommender.app.server.configuration import settings
from recommender.app.server.housekeeper import guard
from recommender.app.server.token_limit import TokenLimit, guesser

if TYPE_CHECKING:
    from memory_toolkit.integrations.workers import Workers

# Streamlit tells how many entries these hold, and of its other caches the bytes.
_COUNTED = ("st_cache_resource", "st_session_state")
_wrong = TokenLimit()


def routes() -> list[Route]:
    """Return the route /metrics, which answers GET and HEAD."""
    return [Route("/metrics", _answer)]


def may_read(request: Request, token: str | None) -> bool:
    """Return whether `request` comes from this machine itself, or knows `token` where there is one.

    It may name it in the header ``Authorization: Bearer …`` or in the address, ``?token=…``.
    """
    host = None if request.client is None else request.client.host
    return access.may_read(token, host, request.headers, request.query_params.get("token", ""))


def refusal(request: Request) -> Response | None:
    """Return the answer to whoever may not read the metrics, see `may_read`; None if they may.

    Who guesses the token waits longer each time.
    """
    token, headers = settings().debug_memory_token, {"cache-control": "no-store"}
    if token is None:
        return None
    names_one = "authorization" in request.headers or "token" in request.query_params
    address = guesser(request)
    if names_one and (left := math.ceil(_wrong.left(address))):
        headers["retry-after"] = str(left)
        text = f"too many wrong tokens; try again in {left} s\n"
        return PlainTextResponse(text, status_code=429, headers=headers)
    right = may_read(request, token)
    if names_one:
        _wrong.note(address, right=right)
    if right:
        return None
    sentence = "give DEBUG_MEMORY_TOKEN: Authorization: Bearer …, or ?token=…\n"
    headers["www-authenticate"] = "Bearer"
    return PlainTextResponse(sentence, status_code=401, headers=headers)


async def _answer(request: Request) -> Response:
    if (refused := refusal(request)) is not None:
        return refused
    headers = {"cache-control": "no-store"}
    text = metrics_text(_metrics(), prefix="matinee")
    return Response(text, media_type=CONTENT_TYPE, headers=headers)


@lru_cache(maxsize=1)
def all_workers() -> Workers | None:
    """Return what adds up the figures of all workers; None where there is one, or no guard.

    From the first call on, this process writes down its own.
    """
    keeper = guard()
    if worker.here() is None or keeper is None:
        return None
    # Only here, since a process alone does without the totals of actions.
    from memory_toolkit.integrations.workers import Workers

    return Workers(keeper)


def _metrics() -> list[Metric]:
    metrics, together = memory_metrics(snapshot()), all_workers()
    figures = None if together is None else together.add_up()
    if settings().debug_memory:  # without it no action is measured
        from memory_toolkit.integrations.metrics import action_metrics
        from memory_toolkit.record.summaries import summaries

        metrics += action_metrics(summaries() if figures is None else figures.actions)
    keeper = guard()
    if keeper is not None:
        state = keeper.state()
        metrics += guard_metrics(
            state if figures is None else replace(state, counts=figures.decisions)
        )
    connected, kept = sessions()
    if (place := worker.here()) is not None:
        others = place.others().values()
        held = {str(row.pid): row.own for row in others if row.pid} | {str(os.getpid()): read().own}
        metrics += worker_metrics(held)
        connected += sum(row.connected for row in others)
        kept += sum(row.kept for row in others)
    help_text = "Sessions of visitors; kept are those whose tab was closed a moment ago."
    counts = {"connected": connected, "kept": kept}
    return [*metrics, labelled("sessions", "gauge", help_text, "state", counts), *_caches()]


def _caches() -> list[Metric]:
    sizes: dict[str, float | None] = {}
    entries: dict[str, float | None] = {}
    found = Runtime.instance().stats_mgr.get_stats([CACHE_MEMORY_FAMILY])
    for stat in found.get(CACHE_MEMORY_FAMILY, ()):
        if isinstance(stat, CacheStat):
            values = entries if stat.category_name in _COUNTED else sizes
            name = stat.cache_name or stat.category_name
            values[name] = (values.get(name) or 0) + stat.byte_length
    return [
        labelled("cache_bytes", "gauge", "What Streamlit's caches hold.", "cache", sizes),
        labelled("cache_entries", "gauge", "Entries of Streamlit's caches.", "cache", entries),
    ]
