import threading

import pytest

pytest.importorskip("pyspark")

from py4j.protocol import Py4JError, Py4JNetworkError

from recommender.core.errors import ClusterError
from recommender.spark.errors import error_reason, one_line_errors
from recommender.spark.jobs import run_jobs


def test_progress_goes_up_while_it_runs(spark) -> None:
    def sleep(number: int) -> int:
        import time

        time.sleep(0.3)
        return number

    told: list[float] = []
    context = spark.sparkContext
    numbers = context.parallelize(range(8), 8).map(sleep)
    assert run_jobs(context, numbers.collect, told.append) == list(range(8))
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 1
    assert len(set(told)) > 2


def test_what_progress_raises_ends_the_jobs(spark) -> None:
    def stop(fraction: float) -> None:
        if context.statusTracker().getActiveJobsIds():
            raise KeyboardInterrupt

    def sleep(_: int) -> None:
        import time

        time.sleep(60)

    context = spark.sparkContext
    with pytest.raises(KeyboardInterrupt):
        run_jobs(context, context.parallelize([0], 1).map(sleep).collect, stop)
    assert not context.statusTracker().getActiveJobsIds()


def test_who_stops_between_two_jobs_starts_no_other(spark) -> None:
    context = spark.sparkContext
    ran, between, goes_on = context.accumulator(0), threading.Event(), threading.Event()

    def two_jobs() -> None:
        context.parallelize([0], 1).count()
        between.set()
        assert goes_on.wait(60)
        context.parallelize([0], 1).foreach(lambda _: ran.add(1))

    def stop(fraction: float) -> None:
        if between.is_set():
            threading.Timer(1.0, goes_on.set).start()  # when the jobs were cancelled
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_jobs(context, two_jobs, stop)
    assert ran.value == 0


def test_a_failing_task_is_told_in_a_line(spark) -> None:
    def fail(_: int) -> None:
        raise ValueError("there is\nno such thing")

    context = spark.sparkContext
    with (
        pytest.raises(ClusterError, match=r"^Spark failed: .*ValueError: there is") as error,
        one_line_errors(),
    ):
        run_jobs(context, context.parallelize([0], 1).map(fail).collect)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "error",
    [
        Py4JError("An error occurred while calling o46.sc"),
        Py4JNetworkError("Answer from Java side is empty"),
        ConnectionRefusedError(111, "Connection refused"),
        EOFError(),
    ],
)
def test_a_java_that_is_gone(error: Exception) -> None:
    with (
        pytest.raises(ClusterError, match=r"^Spark failed: its Java on this machine has ended"),
        one_line_errors(),
    ):
        raise error


def test_what_java_cannot_do_is_no_end_of_it() -> None:
    error = Py4JError("An error occurred while calling o1.x. Trace:\nMethod x() does not exist")
    assert error_reason(error).startswith("An error occurred while calling o1.x")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "An error occurred while calling o1.count.\n: org.apache.spark.SparkException: Job "
            "aborted\n\tat org.Some.where\nCaused by: java.io.IOException: No space left on device",
            "No space left on device",
        ),
        (
            'WARNING: Using it\nException in thread "main" org.apache.spark.SparkException: Bad',
            "Bad",
        ),
        ("\nInvalid maximum heap size: -Xmxabc\nError: Could not", "Invalid maximum heap size: "),
        ("", "no reason given"),
    ],
)
def test_the_deepest_cause(text: str, told: str) -> None:
    assert error_reason(text).startswith(told)
