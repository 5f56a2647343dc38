"""Ends what another thread does with a MemoryError, at its next step in Python."""

from __future__ import annotations

import ctypes
import threading


def interrupt(thread: int) -> None:
    """Raise MemoryError in the thread with this identity (`threading.get_ident`), soon.

    It comes between two steps of Python code, so a call into C ends first. Source: CPython's C
    API, PyThreadState_SetAsyncExc.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(MemoryError)
    )


def take_back() -> None:
    """Forget an interruption of the calling thread that may not have come yet.

    It is called forth and swallowed. Merely removed, it would leave the interpreter looking for it
    ever after, which slows all threads and, in CPython 3.11, hangs each one that is profiled.
    """
    try:
        interrupt(threading.get_ident())
        while True:
            pass
    except MemoryError:
        return
