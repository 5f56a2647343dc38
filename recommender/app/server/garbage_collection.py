"""Garbage collection on the server's own schedule.

Streamlit would look through every object of every session after each run of a page
(`runner.postScriptGC`, which `.streamlit/config.toml` turns off). That takes the longer the more
visitors there are, and all of them wait for it.
"""

from __future__ import annotations

import gc

# Young collections between two full ones while visitors click; a page makes one or two of them.
MAX_YOUNG = 500


class FullCollection:
    """Collects all garbage once nobody does anything, and now and then while somebody does.

    Python itself collects young objects, of which most garbage is, as they are created. What is
    left over grows with what is drawn; so the number of young collections says when it is worth to
    look through everything. When memory is short the guard collects, whatever the schedule says.
    """

    def __init__(self) -> None:
        self._seen = self._collected = _young_collections()

    def collect_if_due(self) -> None:
        """Collect if something was created since the last time, and nothing since the last call,
        or if much was; to be called every few seconds."""
        now = _young_collections()
        created, is_idle = now - self._collected, now == self._seen
        self._seen = now
        if created >= MAX_YOUNG or (created and is_idle):
            gc.collect()
            self._collected = self._seen = _young_collections()


def _young_collections() -> int:
    return int(gc.get_stats()[0]["collections"])
