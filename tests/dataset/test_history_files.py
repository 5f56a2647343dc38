from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.dataset.history_files import ArrayFile, keep_last, write_history

Triple = tuple[int, int, float]


def columns(triples: list[Triple]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    users, movies, ratings = zip(*triples, strict=True)
    return np.array(users, "i4"), np.array(movies, "i4"), np.array(ratings, "f4")


def batches(triples: list[Triple], size: int) -> list[pa.RecordBatch]:
    pieces = [triples[start : start + size] for start in range(0, len(triples), size)]
    return [
        pa.RecordBatch.from_arrays([pa.array(one) for one in columns(piece)], ["u", "m", "r"])
        for piece in pieces
    ]


@pytest.mark.parametrize("pieces", [[], [[1, 2, 3]], [[1], [], list(range(100_000))]])
def test_array_file_is_what_numpy_saves(tmp_path: Path, pieces: list[list[int]]) -> None:
    with ArrayFile(tmp_path / "grown.npy", "<i4") as file:
        for piece in pieces:
            file.append(np.array(piece, np.int64))
    whole = np.array([one for piece in pieces for one in piece], "<i4")
    np.save(tmp_path / "saved.npy", whole)
    assert (tmp_path / "grown.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_array_file_digest_does_not_know_the_pieces(tmp_path: Path) -> None:
    with ArrayFile(tmp_path / "a.npy", "<f4") as one, ArrayFile(tmp_path / "b.npy", "<f4") as two:
        one.append(np.array([1.0, 2.0]))
        two.append(np.array([1.0]))
        two.append(np.array([2.0]))
    assert one.digest() == two.digest()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40),
    st.integers(1, 7),
)
def test_keep_last_over_any_batches(pairs: list[tuple[int, int]], size: int) -> None:
    triples = [(user, movie, float(age)) for age, (user, movie) in enumerate(sorted(pairs))]
    cut = [columns(triples[start : start + size]) for start in range(0, len(triples), size)]
    kept = [
        (int(user), int(movie), float(rating))
        for batch in keep_last(cut)
        for user, movie, rating in zip(*batch, strict=True)
    ]
    last = {(user, movie): age for user, movie, age in triples}
    assert kept == [(user, movie, age) for (user, movie), age in last.items()]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_write_history(tmp_path: Path, size: int) -> None:
    triples = [(0, 1, 3.0), (0, 1, 4.0), (0, 3, 1.0), (1, 0, 5.0), (2, 3, 2.0), (2, 3, 2.5)]
    read: list[int] = []
    counts, rated, _ = write_history(batches(triples, size), tmp_path, 3, 5, read.append)
    assert counts.tolist() == [2, 1, 1]
    assert counts.dtype == np.int32
    assert rated.tolist() == [True, True, False, True, False]
    offsets, movies, ratings = (
        np.load(tmp_path / f"history_{name}.npy") for name in ("offsets", "movies", "ratings")
    )
    assert offsets.tolist() == [0, 2, 3, 4]
    assert movies.tolist() == [1, 3, 0, 3]
    assert ratings.tolist() == [4.0, 1.0, 5.0, 2.5]
    assert (offsets.dtype, movies.dtype, ratings.dtype) == (np.int64, np.int32, np.float32)
    assert read[-1] == len(triples)


def test_write_history_digest_is_that_of_the_data(tmp_path: Path) -> None:
    triples = [(0, 1, 3.0), (0, 2, 4.0), (1, 0, 5.0)]
    one = write_history(batches(triples, 1), tmp_path, 2, 3, lambda read: None)[2]
    assert one == write_history(batches(triples, 3), tmp_path, 2, 3, lambda read: None)[2]
    triples[-1] = (1, 0, 4.5)
    assert one != write_history(batches(triples, 3), tmp_path, 2, 3, lambda read: None)[2]


def test_write_history_with_times(tmp_path: Path) -> None:
    triples = [(0, 1, 3.0), (0, 1, 4.0), (1, 0, 5.0)]
    plain = write_history(batches(triples, 2), tmp_path, 2, 2, lambda read: None)[2]
    assert not (tmp_path / "history_times.npy").exists()
    timed = [
        pa.RecordBatch.from_arrays(
            [*batch.columns, pa.array([70, 80, 90][start:stop])], list("umrt")
        )
        for batch, start, stop in zip(batches(triples, 2), (0, 2), (2, 3), strict=True)
    ]
    digest = write_history(timed, tmp_path, 2, 2, lambda read: None)[2]
    times = np.load(tmp_path / "history_times.npy")
    assert times.tolist() == [80, 90]
    assert times.dtype == np.int64
    assert digest == plain
