"""Random acts on all stores of ratings, and the records they take."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from recommender.core.errors import ProfileError
from recommender.visitors import records
from recommender.visitors.postgres_store import PostgresStore
from recommender.visitors.records import (
    DAY,
    MARKS,
    RETENTION_SECONDS,
    Change,
    Limits,
    Mark,
    Opinion,
    OwnMark,
    OwnRating,
    ProfileStore,
    VisitorRatings,
)
from recommender.visitors.sqlite_store import MEMORY, SqliteStore
from tests.support.postgres import Place

ME = "a" * 32
START = 1_700_000_000
VISITORS, MOVIES = ("a", "b", "c"), (1, 2, "1", "x")
RATINGS = st.dictionaries(st.sampled_from(MOVIES), st.sampled_from([0.5, 1, 4.5]), max_size=4)
OPINIONS = st.dictionaries(st.sampled_from(MOVIES), st.sampled_from([0.5, 4.5, *MARKS]), max_size=4)


class Both(RuleBasedStateMachine):
    """The file and the database, told the same."""

    place: Place
    clock: list[int]
    limits = Limits(ratings=3, visitors=2)

    def __init__(self) -> None:
        super().__init__()
        self.place.execute("DROP SCHEMA IF EXISTS {s} CASCADE")
        self.stores: tuple[ProfileStore, ...] = (
            SqliteStore(MEMORY, self.limits),
            PostgresStore(self.place.url, self.place.schema, self.limits),
        )

    def both(self, act: Callable[[ProfileStore], None]) -> None:
        outcomes: list[str | None] = []
        for store in self.stores:
            try:
                act(store)
                outcomes.append(None)
            except ProfileError as error:
                outcomes.append(error.reason)
        assert outcomes[0] == outcomes[1]

    @rule(visitor=st.sampled_from(VISITORS), stars=RATINGS)
    def rate(self, visitor: str, stars: dict[int | str, float]) -> None:
        self.both(lambda store: store.rate(visitor, stars))

    @rule(visitor=st.sampled_from(VISITORS), stars=RATINGS, at=st.integers(-5, 5))
    def put(self, visitor: str, stars: dict[int | str, float], at: int) -> None:
        ratings = [OwnRating(movie, given, START + at) for movie, given in stars.items()]
        self.both(lambda store: store.put(visitor, ratings))

    @rule(
        visitor=st.sampled_from(VISITORS),
        movie=st.sampled_from(MOVIES),
        mark=st.sampled_from(MARKS),
    )
    def mark(self, visitor: str, movie: int | str, mark: Mark) -> None:
        self.both(lambda store: store.mark(visitor, movie, mark))

    @rule(visitor=st.sampled_from(VISITORS), movie=st.sampled_from(MOVIES))
    def remove(self, visitor: str, movie: int | str) -> None:
        self.both(lambda store: store.remove(visitor, movie))

    @rule(visitor=st.sampled_from(VISITORS))
    def delete(self, visitor: str) -> None:
        self.both(lambda store: store.delete(visitor))

    @rule(visitor=st.sampled_from(VISITORS))
    def note_visit(self, visitor: str) -> None:
        self.both(lambda store: store.note_visit(visitor))

    @rule(
        visitor=st.sampled_from(VISITORS),
        opinions=OPINIONS,
        removed=st.frozensets(st.sampled_from(MOVIES)),
        erase=st.booleans(),
        made=st.none() | st.integers(-5, 5),
    )
    def change(
        self,
        visitor: str,
        opinions: dict[int | str, Opinion],
        removed: frozenset[int | str],
        erase: bool,
        made: int | None,
    ) -> None:
        given = {movie: (said, START) for movie, said in opinions.items()}
        change = Change(given, removed - given.keys(), erase)
        if made is not None:
            change = change.waiting(START + made)
        self.both(lambda store: store.change(visitor, change))

    @rule(seconds=st.sampled_from([1, DAY, 31 * DAY, RETENTION_SECONDS]))
    def later(self, seconds: int) -> None:
        self.clock[0] += seconds

    @invariant()
    def they_say_the_same(self) -> None:
        for visitor in VISITORS:
            first, second = (store.ratings_of(visitor) for store in self.stores)
            assert first == second

    def teardown(self) -> None:
        for store in self.stores:
            store.close()


@pytest.mark.slow
def test_the_file_and_the_database_do_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [START]
    monkeypatch.setattr(records.time, "time", lambda: clock[0])
    Both.place, Both.clock = place, clock
    checks = [HealthCheck.too_slow]
    run_state_machine_as_test(
        Both,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=checks
        ),
    )


def test_one_change_after_another_is_one_change() -> None:
    def said(store: ProfileStore) -> VisitorRatings:
        return store.ratings_of(ME)

    first = Change({1: (1.0, 5), 2: ("hidden", 6)}, frozenset([3]))
    for second in (
        Change({2: (2.0, 7), 3: (3.0, 8)}, frozenset([1])),
        Change(removed=frozenset([2, 4])),
        Change({1: ("seen", 7), 4: (5.0, 8)}),
        Change(erase=True),
        Change({9: (1.0, 1)}, erase=True),
    ):
        apart, joined = SqliteStore(MEMORY), SqliteStore(MEMORY)
        for store in (apart, joined):
            store.put(ME, [OwnRating(movie, 4.0, 1) for movie in (1, 3)], [OwnMark(4, "saved", 2)])
        before = said(apart)
        apart.change(ME, first)
        apart.change(ME, second)
        joined.change(ME, first.followed_by(second))
        assert said(apart) == said(joined) == first.followed_by(second).applied_to(before)
        assert said(apart) == second.applied_to(first.applied_to(before))
