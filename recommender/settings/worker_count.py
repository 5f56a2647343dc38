"""The number of processes that serve, as asked for or as the machine has room for."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

from memory_toolkit.measure.limit import control_groups, enforced_limit
from recommender.core.errors import SettingsError
from recommender.settings.environment import Settings

# A worker takes 60 MB with its visitors' pages; the rest is for what they do.
BYTES_PER_WORKER = 128 * 2**20
# By default: somebody with many cores does not expect as many processes of a small app.
MAX_DEFAULT_WORKERS = 4


def worker_count(settings: Settings, obstacle: str | None = None) -> int:
    """Return how many processes are to serve: MATINEE_WORKERS, or by default as many as there are
    cores and as the memory limit has room for, `BYTES_PER_WORKER` each.

    Args:
        obstacle: why there can be one only, if so.

    Raises:
        SettingsError: MATINEE_WORKERS asks for several where they are not possible.
    """
    if sys.platform != "linux":
        obstacle = "they need Linux"
    if settings.workers == "auto":
        if obstacle is not None:
            return 1
        limit = enforced_limit().bytes
        fitting = min(limit, settings.memory_limit or limit) // BYTES_PER_WORKER
        return max(1, min(available_cores(), fitting, MAX_DEFAULT_WORKERS))
    if settings.workers > 1 and obstacle is not None:
        raise SettingsError(
            f"MATINEE_WORKERS={settings.workers}: there can be no several workers here, since "
            f"{obstacle}; set it to 1"
        )
    return settings.workers


def available_cores() -> int:
    """Return how many cores this process may use: those that it is bound to, and no more than its
    control groups give it the time of.

    Source: the kernel's documentation of cgroup v2, cpu.max, and v1, cpu.cfs_quota_us.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    shares = [_share(Path(group.directory)) for group in control_groups()]
    return max(1, min([bound or 1, *(math.ceil(share) for share in shares if share is not None)]))


def _share(group: Path) -> float | None:
    """Cores whose time a group may use; None for no limit."""
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text("ascii").split()
        else:  # v1 has a hierarchy for each controller, in a container all of the same shape
            beside = Path(*("cpu" if part == "memory" else part for part in group.parts))
            quota, period = (
                (beside / f"cpu.cfs_{name}_us").read_text("ascii") for name in ("quota", "period")
            )
        return float(quota) / float(period) if float(quota) > 0 else None
    except (OSError, ValueError):  # "max" is no number
        return None
