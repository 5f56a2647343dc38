"""The memory that a training may take, and the part of it that is the database's."""

from __future__ import annotations

import os
from dataclasses import dataclass

from memory_toolkit.measure.limit import enforced_limit
from memory_toolkit.measure.sizes import MB, format_bytes
from recommender.core.errors import SettingsError
from recommender.settings.environment import LIMIT_VARIABLE, read_memory_limit

OPTION = "--memory-limit"
# What the smallest data set needs.
MIN_BYTES = 160 * MB
# What the process takes beside the database, with some room.
_BESIDE = 150 * MB
# What the database needs, and what it wants for each thread: with more it was not faster.
MIN_DATABASE, _PER_THREAD = 64 * MB, 50 * MB
_MAX_THREADS = 8


@dataclass(frozen=True)
class MemoryBudget:
    """The memory that the whole process may take, and the database's part of it.

    Attributes:
        bytes: how much.
        source: who says so: "--memory-limit", or as in `memory_toolkit.measure.limit.Limit`.
        cores: how many the process may use.
    """

    bytes: int
    source: str
    cores: int

    @classmethod
    def find(cls, given: int | None = None) -> MemoryBudget:
        """Return the budget: `given` bytes, or else MATINEE_MEMORY_LIMIT, or else the system's
        limit; never more than the system allows.

        Raises:
            SettingsError: it is too little for any data, or MATINEE_MEMORY_LIMIT is not a size.
        """
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        enforced = enforced_limit()
        if given is not None and given < enforced.bytes:
            budget = cls(given, OPTION, cores or 1)
        elif given is None and (configured := read_memory_limit()) is not None:
            budget = cls(configured, LIMIT_VARIABLE, cores or 1)
        else:
            budget = cls(enforced.bytes, enforced.source, cores or 1)
        if budget.bytes < MIN_BYTES:
            raise budget.shortage(f"training needs at least {MIN_BYTES // MB}M")
        return budget

    @property
    def database(self) -> int:
        """Bytes that the database may use: no more than makes it faster."""
        wanted = _PER_THREAD * min(self.cores, _MAX_THREADS)
        return max(MIN_DATABASE, min(self.bytes - _BESIDE, wanted))

    @property
    def threads(self) -> int:
        """Number of threads that the database may use."""
        return max(1, min(self.cores, round(self.database / _PER_THREAD)))

    def shortage(self, why: str) -> SettingsError:
        """Return an error that says how much there is, who says so, and what to do."""
        size = format_bytes(self.bytes)
        limit = f"{OPTION} {size}"
        if self.source != OPTION:
            limit = f"the memory limit of {size} ({self.source})"
        return SettingsError(f"{limit} is too little: {why}; give more")
