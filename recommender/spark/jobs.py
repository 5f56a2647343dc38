"""Jobs of Spark: run with progress, and cancelled."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from pyspark import SparkContext, StatusTracker

from recommender.core.progress import Progress, no_progress

T = TypeVar("T")
_SECONDS_BETWEEN_REPORTS = 0.2


def run_jobs(
    context: SparkContext,
    action: Callable[[], T],
    progress: Progress = no_progress,
    jobs: int = 1,
) -> T:
    """Run `action` and return its result; meanwhile `progress` gets the fraction done, ascending.

    The action runs in a thread of its own, so that what `progress` raises, or Ctrl+C, ends its
    jobs. Source: Spark's documentation of `StatusTracker` and of job groups.

    Args:
        action: starts jobs and waits for them.
        jobs: about how many; a query of adaptive execution is one job for each of its shuffles.
    """
    group = f"matinee-{secrets.token_hex(8)}"

    def run() -> T:
        context.setJobGroup(group, "matinee")
        return action()

    furthest = 0.0
    with ThreadPoolExecutor(1) as thread:
        result = thread.submit(run)
        try:
            while wait([result], _SECONDS_BETWEEN_REPORTS).not_done:
                furthest = max(furthest, _done(context.statusTracker(), group, jobs))
                progress(furthest)
        except BaseException:
            cancel_jobs(context, group)
            raise
        return result.result()


def cancel_jobs(context: SparkContext, group: str) -> None:
    """Cancel the jobs of a group, and those that would yet begin: an action may be between two."""
    context._jsc.sc().cancelJobGroupAndFutureJobs(group)


def _done(tracker: StatusTracker, group: str, expected: int) -> float:
    """The fraction of the jobs' tasks that have ended; every job counts the same."""
    shares = [_share(tracker, job) for job in tracker.getJobIdsForGroup(group)]
    return min(1.0, sum(shares) / max(expected, len(shares)))


def _share(tracker: StatusTracker, job: int) -> float:
    info = tracker.getJobInfo(job)
    if info is None or info.status != "RUNNING":
        return 1.0
    stages = [stage for number in info.stageIds if (stage := tracker.getStageInfo(number))]
    tasks = sum(stage.numTasks for stage in stages)
    return sum(stage.numCompletedTasks for stage in stages) / max(1, tasks)
