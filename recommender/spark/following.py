"""Long work of Spark whose progress is told while it runs, and its errors in one line."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from py4j.protocol import Py4JError, Py4JNetworkError  # type: ignore[import-untyped]
from pyspark import SparkContext, StatusTracker
from pyspark.errors import PySparkException

from recommender.core.errors import ClusterError, one_line
from recommender.core.progress import Progress, no_progress

T = TypeVar("T")
_SECONDS_BETWEEN_LOOKS = 0.2
_LONGEST_REASON = 300
_JAVA_ENDED = (
    "its Java on this machine has ended, perhaps killed for want of memory; give it more, or lower "
    "--memory-limit"
)
_TRACEBACK = "Traceback (most recent call last):\n"
# "java.io.IOException: No space left on device", without the names of classes in front.
_CLASSES = re.compile(r"^(?:[\w$]+\.)+[\w$]*(?:Exception|Error): ")
_CAUSE = re.compile(r"^[^.\n]*?((?:[\w$]+\.)+[\w$]*(?:Exception|Error): .*)$", re.MULTILINE)


def follow(
    context: SparkContext,
    action: Callable[[], T],
    progress: Progress = no_progress,
    jobs: int = 1,
) -> T:
    """What `action` returns; `progress` is told the fraction done meanwhile, ascending.

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
            while wait([result], _SECONDS_BETWEEN_LOOKS).not_done:
                furthest = max(furthest, _done(context.statusTracker(), group, jobs))
                progress(furthest)
        except BaseException:
            cancel(context, group)
            raise
        return result.result()


def cancel(context: SparkContext, group: str) -> None:
    """End the jobs of a group, and those that would yet begin: an action may be between two."""
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


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What Spark raises in the block, as one line.

    Raises:
        ClusterError: instead of an error of Spark's.
    """
    try:
        yield
    except (PySparkException, Py4JError, ConnectionError, EOFError) as error:
        raise ClusterError(f"Spark failed: {reason(error)}") from error


def reason(error: BaseException | str) -> str:
    """The deepest cause that an error of Spark's, or what Java printed, names; without stack traces
    and names of classes."""
    text = str(error)
    # Py4J says without any trace that there was no answer.
    unanswered = type(error) is Py4JError and "\n" not in text
    if unanswered or isinstance(error, (Py4JNetworkError, ConnectionError, EOFError)):
        return _JAVA_ENDED
    if _TRACEBACK in text:  # of a worker's Python: what was raised stands behind the last frame
        lines = [line for line in text.rpartition(_TRACEBACK)[2].splitlines() if line.strip()]
        return one_line(next((line for line in lines if line[0] != " "), ""), _LONGEST_REASON)
    causes = _CAUSE.findall(text)
    line = causes[-1] if causes else next((one for one in text.splitlines() if one.strip()), "")
    while (shorter := _CLASSES.sub("", line.strip())) != line:
        line = shorter
    return one_line(line or "no reason given", _LONGEST_REASON)
