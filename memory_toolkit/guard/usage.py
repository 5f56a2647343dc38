"""Use of the limit by this process and by others, and how much it may come to."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from memory_toolkit.guard.data_limit import DataLimit
from memory_toolkit.measure.limit import Limit
from memory_toolkit.measure.reading import Reading, read
from memory_toolkit.measure.sizes import MB

if TYPE_CHECKING:
    from memory_toolkit.guard.peers import Peers

# Shares of the limit. Dask's workers pause at .80, too, and end at .95.
HIGH, SHEDDING, FULL = 0.70, 0.80, 0.95
Level = Literal["ok", "high", "shedding", "full"]

LIMIT_SECONDS = 10.0
# What other processes under the same limit hold is looked at so often.
OTHERS_SECONDS = 0.1
# That is done again, so often at most, while own memory changes by more than this.
MAX_LOOKS, SAME = 5, MB


class Usage:
    """The limit, what is in use under it, and the ceiling that this process is held to.

    Args:
        find_limit: finds the limit; it is asked again every ten seconds.

    Attributes:
        needed: tells, of the own memory now, how much the actions that run may still take.
    """

    def __init__(self, find_limit: Callable[[], Limit]) -> None:
        self.find_limit = find_limit
        self.limit, self._limit_found = find_limit(), time.monotonic()
        self.data_limit = DataLimit()
        self.needed: Callable[[int], int] = lambda own: 0
        self._peers: Peers | None = None
        self._ceiling, self._calm = 0, True
        self._others, self._others_seen = 0, -OTHERS_SECONDS
        self.reset()

    def reset(self) -> None:
        """Set what belongs to the threads of this process; a forked one begins with it anew."""
        # The watcher must not lower the ceiling by what it read before an action claimed its need.
        self._changing, self._claimed = threading.Lock(), 0

    def look_for_limit(self) -> None:
        """Find the limit again, unless that was done a moment ago."""
        if time.monotonic() - self._limit_found > LIMIT_SECONDS:
            self.limit, self._limit_found = self.find_limit(), time.monotonic()

    def used(self, now: Reading) -> int:
        """Return what all under the limit hold, when this process holds `now`, in bytes."""
        seconds = time.monotonic()
        if seconds - self._others_seen > OTHERS_SECONDS:
            self._others = self._used_by_others()
            self._others_seen = seconds
        return now.own + self._others

    def _used_by_others(self) -> int:
        """Return the bytes that others hold; the most it can be while this process takes or frees.

        What all hold and what this process holds cannot be read at the same moment.
        """
        found = []
        for _ in range(MAX_LOOKS):
            before, used, after = read().own, self.limit.used() or 0, read().own
            found.append(used - min(before, after))
            if abs(after - before) < SAME:
                break
        return max(0, min(found) if len(found) == MAX_LOOKS else found[-1])

    @property
    def ledger(self) -> Path | None:
        """File that the processes under the limit share; None where there is none."""
        return None if self._peers is None else self._peers.path

    @property
    def shared(self) -> bool:
        """True while other processes with a guard are under the limit, as it was last looked at."""
        return self._peers is not None and not self._peers.alone

    def up_to(self, share: float) -> int:
        """Return how many bytes `share` of the limit is."""
        return int(self.limit.bytes * share)

    def level(self, used: int) -> Level:
        """Return what it means that `used` bytes are in use."""
        share = used / self.limit.bytes
        if share >= FULL:
            return "full"
        return "shedding" if share >= SHEDDING else "high" if share >= HIGH else "ok"

    def set_ceiling(
        self, now: Reading, *, calm: bool, needs: int = 0, joining: bool = False
    ) -> bool:
        """Hold this process to 95% of the limit less what others hold; of several, each to a part.

        Returns whether the others have left it at least half of its part. While it is `joining`
        them, it is held to no less, since its threads run already. For `calm` and `needs` see
        `DataLimit`.
        """
        with self._changing:
            need = max(self.needed(now.own), self._claimed)
            if need:
                need += self._mapped_only(now)
            self._calm = calm
            self._ceiling, fair = self._agree(now, need)
            has_room = self._ceiling - now.own >= max(1, (fair - now.own) // 2)
            if has_room or not joining:
                self.data_limit.refresh(now, self._ceiling, calm=calm, needs=needs)
            return has_room

    def claim(self, now: Reading, need: int) -> bool:
        """Raise the ceiling so that this process can take `need` bytes more than its actions may.

        Returns False while other processes under the limit may come to hold them. What was claimed
        stands until `settle`.
        """
        with self._changing:
            need += self.needed(now.own)
            if not self.shared:
                return True
            room = need + self._mapped_only(now)
            # What was left to this process may be another's meanwhile.
            self._ceiling, _ = self._agree(now, room, claim=True)
            self.data_limit.refresh(now, self._ceiling, calm=self._calm)
            has_room = room <= self._ceiling - now.own
            self._claimed = need if has_room else 0
            return has_room

    def _mapped_only(self, now: Reading) -> int:
        """Return the bytes that are mapped and not held: they count against the ceiling, too."""
        return self.data_limit.reach(now) - now.own

    def settle(self) -> None:
        """Forget what was claimed: `needed` tells it from now on."""
        self._claimed = 0

    def _agree(self, now: Reading, need: int, *, claim: bool = False) -> tuple[int, int]:
        """Return the ceiling, and what it is to be once others have given way."""
        used, most = self.used(now), self.up_to(FULL)
        if sys.platform != "linux":
            return now.own + most - used, now.own + most - used
        from memory_toolkit.guard.peers import Peers

        self._peers = self._peers or Peers(self.limit.group)
        return self._peers.agree(now.own, used, most, need, claim=claim)

    def lift_ceiling(self) -> None:
        """Hold this process to nothing any more."""
        if self._peers is not None:
            self._peers.leave()
            self._peers = None
        self.data_limit.lift()

    def reach(self, now: Reading) -> int:
        """Return what all can come to hold without asking the system for any more, in bytes."""
        return self.used(now) + self.data_limit.reach(now) - now.own
