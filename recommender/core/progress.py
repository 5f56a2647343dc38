"""Callbacks by which long work reports its progress."""

from __future__ import annotations

from collections.abc import Callable

# Called with the fraction that is done, 0..1, ascending.
Progress = Callable[[float], None]
# Called with the name of a stage ("import", "stars", …) and the fraction of it that is done.
StageProgress = Callable[[str, float], None]
# Called with the bytes done and the bytes in all; 0 of 0 while another process has its turn.
ByteProgress = Callable[[int, int], None]


def no_progress(*_: object) -> None:
    """Ignore a report: the default where a caller gives no callback of any of these types."""


def scaled(progress: Progress, low: float, high: float) -> Progress:
    """Return a callback for a step that takes the whole work from fraction `low` to `high`."""
    return lambda fraction: progress(low * (1 - fraction) + high * fraction)


def of_stage(progress: StageProgress, stage: str) -> Progress:
    """Return a callback that reports fractions of `stage` to `progress`."""
    return lambda fraction: progress(stage, fraction)
