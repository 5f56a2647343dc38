"""Imports of visitors' ratings: one at a time, each with a deadline, and ended with its session."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import StopException, get_script_run_ctx

from memory_toolkit.guard.guard import Busy
from recommender.app.server import worker
from recommender.app.server.configuration import settings
from recommender.core.errors import ProfileError

# The longest file of titles that no catalogue has takes some seconds.
MAX_SECONDS = 60.0
# Between two looks whether another worker still imports.
_LOOK_SECONDS = 0.05
T = TypeVar("T")

_log = logging.getLogger(__name__)
_slot = threading.BoundedSemaphore()


@contextmanager
def import_slot() -> Iterator[None]:
    """Run a ``with`` block as the only import of all workers, so that other actions have the other
    slots, and others' pages the other cores.

    Raises:
        Busy: another import had the slot for all of MATINEE_WAIT_SECONDS.
    """
    end, place = time.monotonic() + settings().wait_seconds, worker.here()
    taken = _slot.acquire(timeout=settings().wait_seconds)
    while taken and place is not None and not place.table.lock():
        if time.monotonic() >= end:
            _slot.release()
            taken = False
        else:
            time.sleep(_LOOK_SECONDS)
    if not taken:
        _log.warning("action.import was refused: the slot of imports is taken, memory is not short")
        raise Busy("action.import")
    try:
        yield
    finally:
        if place is not None:
            place.table.unlock()
        _slot.release()


def within_deadline(rows: Iterable[T], seconds: float = MAX_SECONDS) -> Iterator[T]:
    """Yield `rows`, and end the run of the page before the next one when its session has ended.

    Raises:
        ProfileError: `seconds` after the first row was asked for there are still rows.
    """
    end = time.monotonic() + seconds
    for row in rows:
        if time.monotonic() >= end:
            raise ProfileError(f"the file was not imported within {seconds:g} seconds", "file_slow")
        if _session_has_ended():
            raise StopException
        yield row


def _session_has_ended() -> bool:
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or not Runtime.exists():
        return False
    return not Runtime.instance().is_active_session(context.session_id)
