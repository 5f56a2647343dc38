"""A recorded command within a benchmark that can be ended."""

from __future__ import annotations

import sys
from typing import Any

from memory_toolkit.record.recorder import Recording, record


def recorded(*command: str, **how: Any) -> Recording:
    """What `record` saw of the command; `how` are its other arguments.

    A signal that asks this process to end goes to the command instead. So when the command has
    ended, this process does, too.
    """
    recording = record(command, **how)
    if recording.asked:
        sys.exit(128 + recording.asked[-1])
    return recording
