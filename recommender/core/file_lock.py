"""A lock between processes, which the operating system releases when its holder ends (flock(2))."""

from __future__ import annotations

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file or folder without waiting; closing `descriptor` releases it.

    Any number of processes may hold a shared lock together, only one an exclusive lock, and none
    both. On Windows, which has no flock, every attempt succeeds: one process at a time is to work
    on a folder there.

    Returns:
        True with the lock held, False while another process keeps it.

    Raises:
        OSError: the file system has no locks.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
