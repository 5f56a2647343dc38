"""Endings of commands: their own doing, the memory limit, a crash or a signal."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from memory_toolkit.measure.limit import MACHINE
from memory_toolkit.measure.sizes import format_bytes

_CRASHES = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGSYS", "SIGTRAP")
# What Python and C++ say when memory is refused.
_REFUSALS = (b"MemoryError", b"std::bad_alloc", b"Cannot allocate memory")


@dataclass(frozen=True)
class Ending:
    """Ending of a command.

    Attributes:
        kind: "ended" (by itself, with whatever status), "limit", "crash" or "stopped".
        text: the cause, in words that follow the command's name.
        status: as shells give it: the command's own, or 128 and the number of a signal.
    """

    kind: Literal["ended", "limit", "crash", "stopped"]
    text: str
    status: int


def describe_ending(
    returncode: int,
    *,
    limit: int,
    limit_source: str,
    oom_kills: int,
    asked: Sequence[int] = (),
    errors: bytes = b"",
) -> Ending:
    """The ending that these facts tell of.

    Args:
        returncode: the exit status, or a signal's number below zero.
        oom_kills: processes that the kernel killed meanwhile for want of memory.
        asked: the signals that asked it to end, in order.
        errors: the end of what it wrote to its standard error, where that was read.
    """
    status = returncode if returncode >= 0 else 128 - returncode
    name = _signal_name(status - 128)
    exited = f"exited with status {returncode}" + (f" (128 + {name})" if name else "")
    full = (
        "because the machine's memory was full"
        if limit_source == MACHINE
        else f"by the limit of {format_bytes(limit)}"
    )
    if oom_kills and name == "SIGKILL":
        return Ending("limit", f"was killed {full}, not by a crash", status)
    if oom_kills:
        cause = exited if returncode >= 0 else f"was ended by {name}"
        which = "one" if oom_kills == 1 else str(oom_kills)
        which += f" of its processes {'was' if oom_kills == 1 else 'were'}"
        return Ending("limit", f"{cause}; {which} killed {full}", status)
    if returncode and any(refusal in errors for refusal in _REFUSALS):
        return Ending(
            "limit", f"ran out of memory under the limit of {format_bytes(limit)}", status
        )
    if asked:
        by = "Ctrl+C" if asked[-1] == signal.SIGINT else str(_signal_name(asked[-1]))
        cause = exited if returncode >= 0 else "ended"
        return Ending("stopped", f"{cause} after {by}", status)
    if returncode >= 0:
        return Ending("ended", exited, status)
    if name in _CRASHES:
        return Ending("crash", f"crashed: {name} ({signal.strsignal(-returncode)})", status)
    if name == "SIGKILL":
        return Ending("stopped", "was killed by SIGKILL, which no memory limit sent", status)
    return Ending("stopped", f"was ended by {name or f'signal {-returncode}'}", status)


def _signal_name(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
