"""/healthz: whether this server can serve, for whatever watches over it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from memory_toolkit.measure.limit import memory_limit
from memory_toolkit.measure.reading import read
from memory_toolkit.panel.sessions import sessions
from recommender.app.server import bundle_updates, worker
from recommender.app.server.configuration import settings
from recommender.app.server.housekeeper import guard
from recommender.app.server.loading import trouble
from recommender.app.server.metrics import all_workers
from recommender.app.server.startup import is_loading, load_in_background
from recommender.app.server.visitor import ratings_trouble, table_trouble
from recommender.bundle.manifest import manifest_stamp

RECENT_SECONDS = 60.0
_TELL_SECONDS = 1.0


class Health:
    """Judges the server by what others have found out; asking costs less than a millisecond.

    A bundle is not opened here. When the one that could not be used was replaced, a thread is
    asked to open the new one, since no visitor may be sent here to do it.
    """

    def __init__(self) -> None:
        self._killed_before = _killed()
        self._refused = 0
        self._refused_at = -RECENT_SECONDS
        self._all_have_served = False

    async def answer(self, _request: Request) -> JSONResponse:
        """Return 200 with "ready" or "degraded", or 503 with "unavailable", and why in one line."""
        status, reason = self.of_all()
        return JSONResponse(
            {"status": status, "reason": reason},
            status_code=503 if status == "unavailable" else 200,
            headers={"cache-control": "no-store"},
        )

    def of_all(self) -> tuple[str, str | None]:
        """Return the status of all workers together, and why.

        Nobody is to be sent here before all of them can serve. Once they could, one that is being
        replaced is no reason to send nobody to the others.
        """
        status, reason = self.own()
        place = worker.here()
        if place is None or status == "unavailable":
            return status, reason
        others = {number + 1: row for number, row in place.others().items()}
        missing = [f"worker {n}: {row.trouble}" for n, row in others.items() if row.trouble]
        if missing and not self._all_have_served:
            return "unavailable", "; ".join(missing)
        self._all_have_served = True
        told = [row.reason for row in others.values() if row.status == "degraded"]
        reasons = dict.fromkeys([reason, *told, *missing])
        reason = "; ".join(text for text in reasons if text) or None
        return "degraded" if reason else "ready", reason

    def own(self) -> tuple[str, str | None]:
        """Return the status of this process, and why."""
        reason = self.unavailable()
        if reason is not None:
            return "unavailable", reason
        reason = "; ".join(self.complaints()) or None
        return "degraded" if reason else "ready", reason

    @asynccontextmanager
    async def told_to_workers(self) -> AsyncIterator[None]:
        """Tell the other workers each second how this one is, for as long as the block runs."""
        place = worker.here()
        if place is None:
            yield
            return
        all_workers()  # writes down what this one does
        place.tell(worker.Row())
        telling = asyncio.create_task(self._tell(place))
        try:
            yield
        finally:
            telling.cancel()

    async def _tell(self, place: worker.Worker) -> None:
        while True:
            (status, reason), (connected, kept) = self.own(), sessions()
            told = worker.Row(own=read().own, connected=connected, kept=kept)
            place.tell(told._replace(status=status, reason=reason or ""))
            await asyncio.sleep(_TELL_SECONDS)

    def unavailable(self) -> str | None:
        """Return why nobody can be served now; None if somebody can."""
        found = trouble()
        if found is not None:
            if manifest_stamp(settings().bundle_folder) != found.stamp:
                load_in_background()
            return found.reason
        if is_loading():
            return "every page is being drawn for the first time"
        keeper = guard()
        if keeper is not None and keeper.state().level == "full":
            return "memory is full"
        return None

    def complaints(self) -> list[str]:
        """Return what goes wrong while visitors are served, a line each."""
        found = []
        keeper = guard()
        if keeper is not None:
            state = keeper.state()
            if state.level == "shedding":
                found.append("memory is short: caches are given up")
            if self._were_refused(state.counts["refused"]):
                found.append("visitors were asked to try again; the log says for want of what")
            if state.refaults is not None and state.refaults.thrashing:
                found.append(f"thrashing: {state.refaults.advice}")
        if problem := bundle_updates.trouble():
            found.append(f"{problem}; what was fetched before is served")
        killed = _killed() - self._killed_before
        if killed > 0:
            found.append(f"processes of this container killed for want of memory: {killed}")
        shared = settings().ratings_url is not None
        not_kept = _unwritable(settings().profiles) or table_trouble()
        if problem := ratings_trouble() if shared else not_kept:
            found.append(problem)
        return found

    def _were_refused(self, refused: int) -> bool:
        now = time.monotonic()
        if refused > self._refused:
            self._refused, self._refused_at = refused, now
        return now - self._refused_at < RECENT_SECONDS


def routes(health: Health) -> list[Route]:
    """Return the route /healthz, which answers GET and HEAD."""
    return [Route("/healthz", health.answer)]


def _killed() -> int:
    home = memory_limit().home
    return (home.oom_kills() or 0) if home else 0


def _unwritable(file: Path) -> str | None:
    """Return why ratings cannot be kept in `file`, as far as its permissions tell."""
    place = file
    while not place.exists() and place != place.parent:
        place = place.parent
    right_kind = place.is_file() if place == file else place.is_dir()
    folder = file.parent if place == file else place  # SQLite writes beside the file, too
    if right_kind and os.access(place, os.W_OK) and os.access(folder, os.W_OK | os.X_OK):
        return None
    return f"{file} cannot be written, so that ratings are not kept"
