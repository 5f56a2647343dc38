"""Errors of Spark, Java and Py4J as one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JNetworkError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from recommender.core.errors import ClusterError, one_line

_MAX_REASON_LENGTH = 300
_JAVA_ENDED = (
    "its Java on this machine has ended, perhaps killed for want of memory; give it more, or lower "
    "--memory-limit"
)
_TRACEBACK = "Traceback (most recent call last):\n"
# "java.io.IOException: No space left on device", without the names of classes in front.
_CLASSES = re.compile(r"^(?:[\w$]+\.)+[\w$]*(?:Exception|Error): ")
_CAUSE = re.compile(r"^[^.\n]*?((?:[\w$]+\.)+[\w$]*(?:Exception|Error): .*)$", re.MULTILINE)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what Spark raises in the block into an error of one line.

    Raises:
        ClusterError: instead of an error of Spark's.
    """
    try:
        yield
    except (PySparkException, Py4JError, ConnectionError, EOFError) as error:
        raise ClusterError(f"Spark failed: {error_reason(error)}") from error


def error_reason(error: BaseException | str) -> str:
    """Return the deepest cause that an error of Spark's, or Java's output, names, in one line,
    without stack traces and names of classes."""
    text = str(error)
    # Py4J says without any trace that there was no answer.
    unanswered = type(error) is Py4JError and "\n" not in text
    if unanswered or isinstance(error, (Py4JNetworkError, ConnectionError, EOFError)):
        return _JAVA_ENDED
    if _TRACEBACK in text:  # of a worker's Python: what was raised stands behind the last frame
        lines = [line for line in text.rpartition(_TRACEBACK)[2].splitlines() if line.strip()]
        return one_line(next((line for line in lines if line[0] != " "), ""), _MAX_REASON_LENGTH)
    causes = _CAUSE.findall(text)
    line = causes[-1] if causes else next((one for one in text.splitlines() if one.strip()), "")
    while (shorter := _CLASSES.sub("", line.strip())) != line:
        line = shorter
    return one_line(line or "no reason given", _MAX_REASON_LENGTH)
