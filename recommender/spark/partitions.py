"""Executors' work on the batches of a partition; it needs numpy and pyarrow only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Batches = Iterable[pa.RecordBatch]
Key = int | str


def count_users(batches: Batches) -> Iterator[pa.RecordBatch]:
    """Count a partition's users and ratings: one row with its first key, none if it is empty.

    Args:
        batches: the column key first, sorted by it.
    """
    first, users, ratings = None, 0, 0
    for batch, new in _new_users(batches):
        first = batch.column(0)[:1] if first is None else first
        users += int(new.sum())
        ratings += batch.num_rows
    if first is not None:
        columns = [first, pa.array([users]), pa.array([ratings])]
        yield pa.RecordBatch.from_arrays(columns, ["key", "users", "ratings"])


def number_users(first_users: dict[Key, int], batches: Batches) -> Iterator[pa.RecordBatch]:
    """Replace the key by the user's index.

    Args:
        first_users: the index of each partition's first user. By key: a task need not have the
            number of the partition that it computes, as where partitions that were lost are made
            again for one that has several.
        batches: columns key, movie (int32) and rating (float32), sorted by key.
    """
    user = None
    for batch, new in _new_users(batches):
        if user is None:
            user = first_users[batch.column(0)[0].as_py()] - 1
        users = (user + np.cumsum(new)).astype(np.int32)
        user = int(users[-1])
        columns = [pa.array(users), batch.column(1), batch.column(2)]
        yield pa.RecordBatch.from_arrays(columns, ["user", "movie", "rating"])


def distinct_keys(batches: Batches) -> Iterator[pa.RecordBatch]:
    """Yield the key of each user once, in order; packed as by `pack`."""
    keys = (
        pa.RecordBatch.from_arrays([batch.column(0).filter(pa.array(new))], ["user_id"])
        for batch, new in _new_users(batches)
    )
    yield from pack(keys)


def pack(batches: Batches) -> Iterator[pa.RecordBatch]:
    """Pack each batch as one value, in Arrow's stream format, so that it travels as it is."""
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        yield pa.RecordBatch.from_pydict({"packed": [sink.getvalue().to_pybytes()]})


def _new_users(batches: Batches) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
    """Each batch that is not empty, and where in it another user begins than in the row before."""
    before: object = None
    for batch in batches:
        if not batch.num_rows:
            continue
        keys = batch.column(0)
        new = np.empty(len(keys), dtype=bool)
        new[0] = before is None or keys[0].as_py() != before
        new[1:] = pc.not_equal(keys[1:], keys[:-1]).to_numpy(zero_copy_only=False)
        before = keys[-1].as_py()
        yield batch, new
