"""Lines in the log that say what memory the process held before and after a stage."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.measure.snapshot import snapshot

_log = logging.getLogger(__name__)


@contextmanager
def around(stage: str) -> Iterator[int]:
    """A ``with`` block with a line before and one after; gives the own memory before, in bytes.

    After an exception there is no second line.
    """
    before = snapshot().own
    log_stage(f"before {stage}", before)
    yield before
    log_stage(f"after {stage}", snapshot().own, before)


def log_stage(stage: str, own: int, before: int | None = None) -> None:
    """One line: the stage, own memory and its share of the limit, and the change since `before`."""
    limit = snapshot().limit
    change = "" if before is None else f", {format_bytes(own - before, signed=True)}"
    share = f"{own / limit:.1%} of {limit / MB:,.0f} MB"
    _log.info("[%s] %s (%s)%s", stage, format_bytes(own), share, change)
