import gc
import time

import pytest

pytest.importorskip("pyspark")

from recommender.spark.driver_rows import driver_rows

MB = 1 << 20


def test_rows_come_in_order(spark) -> None:
    frame = spark.range(0, 1000, numPartitions=7)
    assert [row.id for row in driver_rows(frame)] == list(range(1000))
    assert list(driver_rows(frame.where("id < 0"))) == []


def test_who_stops_early_leaves_nothing_running(spark) -> None:
    rows = driver_rows(spark.range(0, 1000, numPartitions=7))
    assert next(rows).id == 0
    rows.close()  # type: ignore[attr-defined]
    assert list(spark.sparkContext.statusTracker().getActiveJobsIds()) == []


def test_the_driver_holds_no_more_than_a_few_partitions(spark) -> None:
    java = spark.sparkContext._jvm.java.lang

    def used() -> int:
        gc.collect()  # what Python holds of Java, too
        java.System.gc()
        heap = java.Runtime.getRuntime()
        return heap.totalMemory() - heap.freeMemory()

    text = f"concat(string(id), repeat('x', {2 * MB}))"
    frame = spark.range(0, 48, numPartitions=24).selectExpr(f"encode({text}, 'utf-8') AS packed")
    before = used()
    assert sum(len(row.packed) for row in driver_rows(frame)) > 96 * MB

    # Spark lets go of what has been fetched in threads of its own, so a moment later.
    deadline = time.monotonic() + 60
    while (held := used() - before) > 24 * MB and time.monotonic() < deadline:
        time.sleep(0.2)
    assert held < 24 * MB
