import numpy as np
import pytest

from recommender.bundle.movie_facts import MovieFacts, pack_genres
from recommender.core.errors import NotFoundError
from recommender.scoring.filters import Filters, allowed_movies

GENRES = [["Drama"], ["Drama", "War"], [], ["Comedy"]] + [[f"G{i}"] for i in range(20)]


@pytest.fixture
def facts() -> MovieFacts:
    names, packed = pack_genres(GENRES, len(GENRES))
    years = np.array([1990, 2000, 0, 2010] + [1950] * 20, dtype=np.int16)
    counts = np.array([5, 10, 0, 1] + [0] * 20, dtype=np.int32)
    return MovieFacts(names, years, packed, counts, *np.full((2, 24), 3.0, np.float32))


def allowed(facts: MovieFacts, **parts) -> list[int]:
    mask = allowed_movies(facts, Filters(**parts))
    assert mask is not None
    return np.flatnonzero(mask).tolist()


def test_nothing_set_lets_everything_through(facts: MovieFacts) -> None:
    assert allowed_movies(facts, Filters()) is None


def test_genres_are_alternatives(facts: MovieFacts) -> None:
    assert facts.genre_names[0] == "Drama"
    assert allowed(facts, genres=("Drama",)) == [0, 1]
    assert allowed(facts, genres=("War", "Comedy")) == [1, 3]
    for i in range(20):
        assert allowed(facts, genres=(f"G{i}",)) == [4 + i]


def test_years_keep_out_the_unknown(facts: MovieFacts) -> None:
    assert allowed(facts, years=(1990, 2000)) == [0, 1]
    assert 2 not in allowed(facts, years=(0, 9999))


def test_all_parts_must_hold(facts: MovieFacts) -> None:
    assert allowed(facts, genres=("Drama",), min_ratings=6) == [1]
    assert allowed(facts, genres=("Drama",), years=(2005, 2010)) == []


def test_unknown_genre(facts: MovieFacts) -> None:
    with pytest.raises(NotFoundError, match=r"'Opera'.*Drama"):
        allowed_movies(facts, Filters(genres=("Opera",)))
