import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from recommender.core.errors import DataError
from recommender.dataset import database
from recommender.dataset.database import (
    batches,
    connect,
    count_rows,
    fetch_row,
    import_database,
    index_ids,
    run_query,
)
from recommender.settings.memory_budget import MIN_BYTES, MemoryBudget


@pytest.fixture
def connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[duckdb.DuckDBPyConnection]:
    monkeypatch.setattr(database, "_SECONDS_BETWEEN_REPORTS", 0.01)
    with closing(connect(tmp_path, MemoryBudget(MIN_BYTES, "here", 1))) as connection:
        yield connection


def test_the_database_has_its_allowance(connection: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT current_setting('memory_limit'), current_setting('threads')"
    assert run_query(connection, query) == [("64.0 MiB", 1)]


def test_progress_goes_up_while_the_query_runs(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE numbers AS SELECT range AS n FROM range(4000000)")
    told: list[float] = []
    query = "SELECT count(DISTINCT sha256(n::VARCHAR)) FROM numbers WHERE n >= ?"
    assert run_query(connection, query, [1], told.append) == [(3_999_999,)]
    assert told == sorted(told)
    assert min(told) >= 0
    assert 0 < told[-1] <= 1
    assert len(set(told)) > 2


def test_what_the_query_raises_comes_out(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.CatalogException, match="missing"):
        run_query(connection, "SELECT * FROM missing")


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer")
def test_ctrl_c_in_a_short_question_is_ctrl_c(tmp_path: Path) -> None:
    endless = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with (
            pytest.raises(KeyboardInterrupt),
            import_database(tmp_path / "out", MemoryBudget(MIN_BYTES, "here", 1)) as (opened, _),
        ):
            opened.execute(endless)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not (tmp_path / "out").exists()


def test_a_cluster_that_is_gone_is_no_full_disk(tmp_path: Path) -> None:
    with (
        pytest.raises(ConnectionError),
        import_database(tmp_path / "out", MemoryBudget(MIN_BYTES, "here", 1)),
    ):
        raise ConnectionRefusedError


def test_an_interrupted_query_ends(connection: duckdb.DuckDBPyConnection) -> None:
    def interrupt(fraction: float) -> None:
        raise KeyboardInterrupt

    endless = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = 7"
    with pytest.raises(KeyboardInterrupt):
        run_query(connection, endless, None, interrupt)
    assert run_query(connection, "SELECT 42") == [(42,)]


@pytest.mark.parametrize(
    ("ids", "order"),
    [
        (["10", "9", "-1"], [-1, 9, 10]),
        (["10", "9", "09"], ["09", "10", "9"]),
        (["b", "a", "é", "Z"], ["Z", "a", "b", "é"]),
    ],
)
def test_ids_are_numbered_in_order(
    ids: list[str], order: list[object], connection: duckdb.DuckDBPyConnection
) -> None:
    connection.execute("CREATE TABLE given AS SELECT unnest(?) AS user_id", [ids])
    index_ids(connection, "user", "SELECT user_id FROM given")
    assert count_rows(connection, "user_index") == len(ids)
    query = "SELECT position, typed_id FROM user_index ORDER BY position"
    found = batches(connection, query, 2).read_all().to_pydict()
    assert found == {"position": list(range(len(ids))), "typed_id": order}
    assert fetch_row(connection, "SELECT max(position), 7 FROM user_index") == (len(ids) - 1, 7)


def test_the_scratch_folder_goes(tmp_path: Path) -> None:
    budget = MemoryBudget(MIN_BYTES, "here", 1)
    with import_database(tmp_path / "out", budget) as (opened, scratch):
        assert count_rows(opened, "range(3)") == 3
        assert scratch.is_dir()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with (
        pytest.raises(DataError, match="file cannot be written"),
        import_database(tmp_path / "file", budget),
    ):
        pass
