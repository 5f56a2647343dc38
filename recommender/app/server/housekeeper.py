"""Housekeeping: the guard over memory with its cache eviction, and the end of closed sessions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

import streamlit as st
from streamlit.runtime import Runtime

from memory_toolkit.guard.blas_buffers import take_blas_buffers
from memory_toolkit.guard.guard import Guard
from memory_toolkit.measure.returning import return_memory
from memory_toolkit.panel.sessions import session_name, sessions
from recommender.app.server.configuration import settings
from recommender.app.server.warm_up import replace_last_session
from recommender.settings.environment import Settings

_ROUND_SECONDS = 5.0
# Memory is returned in this many rounds one after the other: the threads and tasks of a session
# end a little after it.
_RETURNS = 2
# Python asks for 8 MB of address space for each thread's stack, and the data limit counts it.
_STACK_BYTES = 2**20
# For what multiplies matrices outside of actions.
_SPARE_BUFFERS = 2


def guard() -> Guard | None:
    """Return the guard over this process's memory; None if MATINEE_GUARD is false.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    return _guard(settings())


@lru_cache(maxsize=1)
def _guard(found: Settings) -> Guard | None:
    if not found.guard:
        return None
    return Guard(
        at_once=found.actions_at_once,
        wait=found.wait_seconds,
        shed=(st.cache_data.clear,),
    )


class Housekeeper:
    """Watches over memory from the server's start to its end; to be used on its event loop.

    Args:
        chores: what else is to be looked after every few seconds; each gets a thread for it.
    """

    def __init__(self, *chores: Callable[[], None]) -> None:
        self._chores = chores
        self._rounds: asyncio.Task[None] | None = None
        self._guard: Guard | None = None

    def start(self) -> None:
        """Begin.

        Raises:
            SettingsError: a variable has a value that cannot be used.
        """
        self._guard = guard()
        if self._guard is not None:
            self._stack_bytes = threading.stack_size(_STACK_BYTES)
            take_blas_buffers(settings().actions_at_once + _SPARE_BUFFERS)
            self._guard.start()
        if settings().debug_memory:
            from memory_toolkit.record.actions import identify_sessions

            identify_sessions(session_name)
        self._rounds = asyncio.create_task(self._run())

    def stop(self) -> None:
        """End, and leave the process as it was."""
        if self._rounds is not None:
            self._rounds.cancel()
        if self._guard is not None:
            self._guard.stop()
            threading.stack_size(self._stack_bytes)
        if settings().debug_memory:
            from memory_toolkit.record.flame_graph import stop_recording

            stop_recording()  # its file goes

    async def _run(self) -> None:
        seen, quiet, returns = sessions(), 0.0, 0
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            _forget_expired_sessions()
            for chore in self._chores:
                await asyncio.to_thread(chore)
            now = sessions()
            quiet = 0.0 if now[0] else quiet + _ROUND_SECONDS
            idle = settings().idle_seconds
            if sum(now) < sum(seen):
                returns = _RETURNS
                if not sum(now):
                    with suppress(TimeoutError):
                        await replace_last_session()
            if quiet - _ROUND_SECONDS < idle <= quiet:
                returns = _RETURNS
                st.cache_data.clear()
            if returns:
                returns -= 1
                await asyncio.to_thread(return_memory)
            seen = now


def _forget_expired_sessions() -> None:
    """Let go of closed sessions whose time is over.

    Streamlit itself does so only when another session closes. Source: Streamlit 1.67,
    MemorySessionStorage; its cache belongs to the event loop, on which this runs too.
    """
    manager = Runtime.instance()._session_mgr
    expire = getattr(getattr(manager._session_storage, "_cache", None), "expire", None)  # type: ignore[attr-defined]
    if expire is not None:
        expire()
