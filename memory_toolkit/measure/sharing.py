"""Detection of two processes with one memory, as from vfork(2) until the new program starts."""

from __future__ import annotations

import ctypes
import os
import sys

# The number of kcmp(2), for which the C library has no function.
_KCMP = {"x86_64": 312, "aarch64": 272}.get(os.uname().machine) if sys.platform == "linux" else None
_KCMP_VM = 1


def one_memory(pid: int, other: int) -> bool:
    """Tell if `pid` and `other` run in one address space; False where the kernel does not say.

    Source: kcmp(2). It answers who may trace both processes, which includes one's own.
    """
    if _KCMP is None:
        return False
    return bool(ctypes.CDLL(None).syscall(_KCMP, pid, other, _KCMP_VM, 0, 0) == 0)
