"""The connections, when a pooler gives every transaction another one."""

import psycopg
import pytest

from recommender.visitors.connection_pool import Connection, ConnectionPool
from recommender.visitors.records import StoreUnavailableError
from tests.support.pgbouncer import Bouncer
from tests.support.postgres import PASSWORD, Place, until


def one(connection: Connection) -> object:
    with connection.short_transaction():
        row = connection.execute("SELECT 1").fetchone()
    assert row is not None
    return row[0]


def test_nothing_is_left_for_whoever_comes_next(bouncer: Bouncer) -> None:
    database = ConnectionPool(bouncer.url)
    for _ in range(5):
        assert database.run(one) == 1
    # Held at the same time, these are all that the pooler has.
    others = [psycopg.connect(bouncer.url) for _ in range(3)]
    for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
        found = {other.execute(f"SHOW {name}".encode()).fetchone() for other in others}
        assert found == {("0",)}
    for other in others:
        other.close()
    database.close()


def test_it_may_be_ended_and_started_again(bouncer: Bouncer) -> None:
    database = ConnectionPool(bouncer.url)
    assert database.run(one) == 1
    bouncer.kill()
    with pytest.raises(StoreUnavailableError, match="/postgres: nobody listens there"):
        database.run(one)
    bouncer.start()
    assert database.run(one) == 1
    bouncer.kill()
    bouncer.start()
    assert database.run(one) == 1
    database.close()


def test_while_it_pauses_the_database_is_away(bouncer: Bouncer) -> None:
    impatient, patient = (
        ConnectionPool(bouncer.url, timeout=0.5),
        ConnectionPool(bouncer.url, timeout=10),
    )
    assert impatient.run(one) == patient.run(one) == 1
    bouncer.command("SET query_wait_timeout = 1")
    bouncer.command("PAUSE")
    try:
        with pytest.raises(StoreUnavailableError, match="/postgres: it does not answer"):
            impatient.run(one)
        with pytest.raises(
            StoreUnavailableError, match="its pooler has no connection free, or cannot re"
        ):
            patient.run(one)
        bouncer.command("RESUME")
        assert impatient.run(one) == patient.run(one) == 1
    finally:
        bouncer.kill()
    impatient.close()
    patient.close()


def test_the_database_behind_it_goes_and_comes(bouncer: Bouncer, place: Place) -> None:
    database = ConnectionPool(bouncer.url, timeout=1.0)
    reasons = [""]

    def answers() -> bool:
        try:
            return database.run(one) == 1
        except StoreUnavailableError as error:
            reasons.append(str(error))
            return False

    assert answers()
    place.server.kill()
    # The first is asked to wait, until the pooler has tried.
    until(lambda: not answers() and reasons[-1].endswith("its pooler cannot connect to it"))
    place.server.start()
    until(answers)
    database.close()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (PASSWORD, "wrong-one", "it refused the user or the password"),
        ("matinee:", "stranger:", "it refused the user or the password"),
        ("/postgres", "/no-such", "there is no such database"),
        ("/postgres", "/statements", "its pooler must pool transactions or sessions, not state"),
        ("/postgres", "/postgres?options=-cjit%3Doff", "its pooler refuses an option of its addr"),
        ("/postgres", "/postgres?sslmode=require", "it offers no encryption, which sslmode asks"),
    ],
)
def test_why_it_cannot_be_used_is_said_and_nothing_secret(
    bouncer: Bouncer, old: str, new: str, reason: str
) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        ConnectionPool(bouncer.url.replace(old, new)).run(one)
    assert reason in str(caught.value)
    for secret in (PASSWORD, "wrong-one", "matinee", "stranger"):
        assert secret not in str(caught.value)


def test_it_has_no_more_connections(bouncer: Bouncer) -> None:
    database = ConnectionPool(bouncer.url)
    bouncer.command("SET max_client_conn = 1")
    try:
        with (
            psycopg.connect(bouncer.url),
            pytest.raises(StoreUnavailableError, match="takes no more"),
        ):
            database.run(one)
    finally:
        bouncer.kill()
