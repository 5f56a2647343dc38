"""Reasons for the end of a command, from the facts that are known of it."""

import signal

import pytest

from memory_toolkit.measure.limit import MACHINE
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.ending import describe_ending

KILL, SEGV, TERM, INT = signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGINT


@pytest.mark.parametrize(
    ("returncode", "facts", "kind", "text", "status"),
    [
        (0, {}, "ended", "exited with status 0", 0),
        (3, {}, "ended", "exited with status 3", 3),
        (139, {}, "ended", "exited with status 139 (128 + SIGSEGV)", 139),
        (-SEGV, {}, "crash", "crashed: SIGSEGV (Segmentation fault)", 139),
        (-TERM, {}, "stopped", "was ended by SIGTERM", 143),
        (-40, {}, "stopped", "was ended by signal 40", 168),
        (-KILL, {}, "stopped", "was killed by SIGKILL, which no memory limit sent", 137),
        (-KILL, {"oom_kills": 1}, "limit", "was killed by the limit of 64.0 MB, not by a", 137),
        (137, {"oom_kills": 1}, "limit", "was killed by the limit of 64.0 MB, not by a", 137),
        (0, {"oom_kills": 2}, "limit", "exited with status 0; 2 of its processes were", 0),
        (1, {"oom_kills": 1}, "limit", "exited with status 1; one of its processes was", 1),
        (1, {"errors": b"...\nMemoryError\n"}, "limit", "ran out of memory under the limit", 1),
        (-6, {"errors": b"'std::bad_alloc'"}, "limit", "ran out of memory under the limit", 134),
        (0, {"errors": b"MemoryError, but caught\n"}, "ended", "exited with status 0", 0),
        (-INT, {"asked": [INT]}, "stopped", "ended after Ctrl+C", 130),
        (0, {"asked": [INT, TERM]}, "stopped", "exited with status 0 after SIGTERM", 0),
    ],
)
def test_the_cause(returncode: int, facts: dict, kind: str, text: str, status: int) -> None:
    given = {"oom_kills": 0, **facts}
    ending = describe_ending(returncode, limit=64 * MB, limit_source="cgroup v1 /x", **given)
    assert (ending.kind, ending.status) == (kind, status)
    assert ending.text.startswith(text)


def test_a_full_machine_is_not_called_a_limit() -> None:
    ending = describe_ending(-KILL, limit=64 * MB, limit_source=MACHINE, oom_kills=1)
    assert ending.text == "was killed because the machine's memory was full, not by a crash"
