import numpy as np
import pytest

from recommender import Filters, NotFoundError, Recommender
from recommender.scoring.requests import RequestParser


@pytest.fixture
def parser(tiny: Recommender) -> RequestParser:
    return RequestParser(tiny._catalogue, tiny._facts, tiny._scorer)


def test_ids_that_do_not_exist(parser: RequestParser) -> None:
    assert parser.known([3, 999, "1", 3]) == [2, 0, 2]
    users, movies = parser.pairs([(1, 3), ("nobody", "60"), (50, 999)])
    assert (users.tolist(), movies.tolist()) == ([0, -1, 49], [2, 59, -1])
    with pytest.raises(NotFoundError, match="no movie has the id 999; `matinee search`"):
        parser.movie(999)
    with pytest.raises(NotFoundError, match="no user has the id 999"):
        parser.user(999)


def test_of_a_visitor_what_exists_counts_in_the_order_of_movies(parser: RequestParser) -> None:
    person = parser.visitor({60: 1.5, "3": 5.0, 999: 2.0})
    assert (person.movies.tolist(), person.ratings.tolist()) == ([2, 59], [5.0, 1.5])
    hidden = parser.with_hidden(person, [1, 60, 999])
    assert hidden.movies.tolist() == [0, 2, 59]
    assert hidden.ratings.tolist() == [0.5, 5.0, 1.5]  # what was rated stays as it was
    assert hidden.profiles == person.profiles


def test_by_stars_alone_only_what_the_stars_model_knows_comes(
    parser: RequestParser, tiny: Recommender
) -> None:
    known = tiny._scorer.stars.movie_known
    war = parser.allowed(Filters(genres=("War",)))
    assert war is not None
    by_stars = parser.request(5, 1.0, Filters(genres=("War",)), "stars", 0.0, 0.0)
    assert np.array_equal(by_stars.allowed, known & war)
    mixed = parser.request(5, 0.5, None, "stars", 0.0, 0.0)
    assert mixed.allowed is None
