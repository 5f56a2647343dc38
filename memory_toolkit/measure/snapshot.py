"""Everything that is known of this process's memory at one moment, beside its limit."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from memory_toolkit.measure.limit import memory_limit, read_pressure
from memory_toolkit.measure.reading import Reading, read
from memory_toolkit.measure.sizes import format_bytes
from memory_toolkit.measure.thrashing import Refaults, refaults


@dataclass(frozen=True, kw_only=True)
class Snapshot(Reading):
    """A reading beside the limit and what the control group tells.

    Attributes:
        limit, limit_source: see `memory_limit`.
        group_used: what all processes under the limit hold, see `Limit.used`.
        oom_kills: processes of this one's group that were killed for want of memory.
        pressure: per cent of the last ten seconds that some task waited for memory, of this
            process's group or of the machine, as `pressure_of` says.
        refaults: pages that had to be read again lately, see `RefaultMeter`; not known before it
            was asked for twice.
    """

    limit: int
    limit_source: str
    group_used: int | None = None
    oom_kills: int | None = None
    pressure: float | None = None
    pressure_of: Literal["group", "machine"] = "machine"
    refaults: Refaults | None = None

    @property
    def headroom(self) -> int:
        """Bytes that this process can still take before the limit is full.

        What other processes under the same limit hold is counted, where it is known.
        """
        return self.limit - max(self.own, self.group_used or 0)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of what this system does not tell."""
        return tuple(f.name for f in fields(self) if getattr(self, f.name) is None)

    def compare(self, earlier: Snapshot) -> str:
        """Describe in one line what changed since `earlier`; what is not known is left out."""
        names = ("own", "anon", "shmem", "file", "swap", "rss")
        pairs = [(name, getattr(earlier, name), getattr(self, name)) for name in names]
        return ", ".join(
            f"{name} {format_bytes(after - before, signed=True)}"
            for name, before, after in pairs
            if before is not None and after is not None
        )


def snapshot() -> Snapshot:
    """This process's memory now, and its limit.

    Off Linux `rss` and the machine's memory are all that is known; `unknown` names the rest.
    Source: /proc/self/status, the files of the control group, /proc/pressure/memory.

    Raises:
        ValueError: as `memory_limit`.
    """
    limit = memory_limit()
    pressure = limit.home.pressure() if limit.home else None
    return Snapshot(
        **vars(read()),
        limit=limit.bytes,
        limit_source=limit.source,
        group_used=limit.used(),
        oom_kills=limit.home.oom_kills() if limit.home else None,
        pressure=read_pressure("/proc/pressure/memory") if pressure is None else pressure,
        pressure_of="machine" if pressure is None else "group",
        refaults=refaults(limit),
    )
