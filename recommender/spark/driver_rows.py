"""Rows of a data frame on the driver, of which a few partitions are there at a time."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pyarrow as pa
from pyspark.sql import DataFrame, Row

from recommender.spark.jobs import cancel_jobs


def driver_rows(frame: DataFrame) -> Iterator[Row]:
    """Yield the rows of `frame` in the order of its partitions, prefetching one partition.

    Memory: two partitions. Spark's own ``toLocalIterator`` keeps in Java whatever it has handed
    over, so that a large data set would be whole on the driver in the end.
    """
    rdd, context = frame.rdd, frame.sparkSession.sparkContext
    group = f"rows-{secrets.token_hex(4)}"
    coming: Future[list[Row]] | None = None

    def fetch(partition: int) -> list[Row]:
        context.setJobGroup(group, f"Bringing partition {partition} to the driver")
        return context.runJob(rdd, list, [partition])

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1))
        stack.callback(cancel_jobs, context, group)  # for whoever stops early
        for partition in range(rdd.getNumPartitions()):
            here, coming = coming, pool.submit(fetch, partition)
            if here is not None:
                yield from here.result()
                del here
        if coming is not None:
            yield from coming.result()


def unpacked(packed: DataFrame) -> Iterator[pa.RecordBatch]:
    """Yield the batches that `partitions.pack` made a data frame of."""
    for row in driver_rows(packed):
        with pa.ipc.open_stream(bytes(row.packed)) as stream:
            yield from stream
