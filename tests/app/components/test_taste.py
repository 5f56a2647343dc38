import pytest

from recommender.app.components import taste
from recommender.app.components.taste import Bar
from recommender.core.records import Movie


def movie(number: int, year: int | None, genres: tuple[str, ...], mean: float | None) -> Movie:
    return Movie(number, f"Movie {number}", year, genres, mean, 0 if mean is None else 9)


def test_genres_and_decades_by_what_was_seen_and_liked() -> None:
    movies = [
        movie(1, 1994, ("Drama", "War"), 4.0),
        movie(2, 1999, ("Drama",), 3.0),
        movie(3, 1985, ("Comedy", "(no genres listed)"), None),
        movie(4, None, (), 2.0),
    ]
    found = taste.of(movies, {1: 5.0, 2: 2.0, 3: 4.5, 4: 1.0})
    assert found.genres == [Bar("Drama", 3.5, 2), Bar("War", 5.0, 1), Bar("Comedy", 4.5, 1)]
    assert found.decades == [Bar("1980", 4.5, 1), Bar("1990", 3.5, 2)]
    assert found.own_mean == pytest.approx((5 + 2 + 1) / 3)  # of those that others rated
    assert found.others_mean == pytest.approx((4 + 3 + 2) / 3)


def test_five_bars_are_enough() -> None:
    movies = [movie(n, 1900 + 10 * n, (f"Genre {n}",), 3.0) for n in range(1, 8)]
    found = taste.of(movies, {n: n / 2 for n in range(1, 8)})
    assert [bar.name for bar in found.genres] == [f"Genre {n}" for n in (7, 6, 5, 4, 3)]
    assert [bar.name for bar in found.decades] == ["1930", "1940", "1950", "1960", "1970"]


def test_nothing_that_others_rated() -> None:
    found = taste.of([movie(1, None, (), None)], {1: 5.0})
    assert found == taste.Taste([], [], None, None)
