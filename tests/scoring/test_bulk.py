import dataclasses
import threading

import numpy as np
import pytest

from recommender.recommender import Recommender
from recommender.scoring.bulk import SparseContent, rank_everybody
from recommender.scoring.scorer import Request


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("weight", [0.0, 0.6, 1.0])
def test_equals_what_each_gets_alone(tiny: Recommender, weight: float, threads: int) -> None:
    scorer, request = tiny._scorer, Request(8, weight)
    in_bulk = dataclasses.replace(scorer, user_batch=7, movie_batch=25)
    everybody = list(rank_everybody(in_bulk, request, threads))
    assert len(everybody) == scorer.history.n_users
    for user, ranked in enumerate(everybody):
        (alone,) = scorer.rank([scorer.user(user)], request)
        assert ranked.scores == pytest.approx(alone.scores, abs=1e-6)
        assert ranked.person.movies.tolist() == alone.person.movies.tolist()


def test_products_are_those_of_the_content_model(sample: Recommender) -> None:
    content = sample._content
    sparse = SparseContent(content.n_terms, content.offsets, content.terms, content.weights)
    people = [sample._scorer.user(i) for i in range(5)]
    profiles = np.stack([content.profile(one.movies, one.ratings) for one in people])
    for movies in (slice(0, 300), slice(500, 501), np.array([7, 3, 900])):
        found, expected = (model.score(profiles, movies) for model in (sparse, content))
        assert found == pytest.approx(expected, abs=1e-6)


def test_who_stops_early_leaves_no_thread(tiny: Recommender) -> None:
    before = threading.active_count()
    everybody = rank_everybody(tiny._scorer, Request(3), 2)
    next(everybody)
    everybody.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
