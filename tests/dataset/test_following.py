from collections.abc import Iterator

import duckdb
import pytest

from recommender.dataset import following
from recommender.dataset.following import follow


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    monkeypatch.setattr(following, "_SECONDS_BETWEEN_LOOKS", 0.01)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = true")
        connection.execute("SET enable_progress_bar_print = false")
        connection.execute("SET progress_bar_time = 0")
        yield connection


def test_progress_goes_up_while_the_query_runs(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE TABLE numbers AS SELECT range AS n FROM range(4000000)")
    told: list[float] = []
    query = "SELECT count(DISTINCT sha256(n::VARCHAR)) FROM numbers WHERE n >= ?"
    assert follow(connection, query, [1], told.append) == [(3_999_999,)]
    assert told == sorted(told)
    assert min(told) >= 0
    assert 0 < told[-1] <= 1
    assert len(set(told)) > 2


def test_what_the_query_raises_comes_out(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.CatalogException, match="missing"):
        follow(connection, "SELECT * FROM missing")


def test_an_interrupted_query_ends(connection: duckdb.DuckDBPyConnection) -> None:
    def interrupt(fraction: float) -> None:
        raise KeyboardInterrupt

    endless = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = 7"
    with pytest.raises(KeyboardInterrupt):
        follow(connection, endless, None, interrupt)
    assert follow(connection, "SELECT 42") == [(42,)]
