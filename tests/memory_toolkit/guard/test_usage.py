"""What all under a limit hold, read while this process takes and frees memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from memory_toolkit.guard.usage import Usage
from memory_toolkit.measure.limit import Limit
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB

OTHERS = 30 * MB


@dataclass(frozen=True)
class FreedMeanwhile(Limit):
    """A limit under which this process frees a block just before it is asked what all hold."""

    block: list[object] = field(default_factory=list)

    def used(self) -> int:
        self.block.clear()
        return read().own + OTHERS


def test_what_others_hold_is_not_missed_while_this_process_frees() -> None:
    limit = FreedMeanwhile(1 << 40, "configured", block=[np.ones(50 * MB // 8)])
    now = read()
    others = Usage(lambda: limit).used(now) - now.own
    assert abs(others - OTHERS) < 2 * MB
