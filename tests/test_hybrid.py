import dataclasses

import numpy as np
import pytest

from recommender.hybrid import HybridScorer, Ranked
from recommender.recommender import Recommender

N = 12


@pytest.fixture
def scorer(tiny: Recommender) -> HybridScorer:
    return tiny._scorer


def rank(scorer: HybridScorer, user: int, weight: float, allowed=None, n: int = N) -> Ranked:
    (ranked,) = scorer.rank(np.array([user]), n, weight, allowed)
    return ranked


def plain_formula(scorer: HybridScorer, user: int, weight: float, allowed: np.ndarray):
    """The hybrid written out: all movies at once, nothing in batches."""
    n_movies = scorer.content.n_movies
    rated, ratings = scorer.history.of(user)
    candidates = np.setdiff1d(np.flatnonzero(allowed), rated)
    stars = scorer.stars.predict(np.array([user]), 0, n_movies)[0]
    low, high = stars[candidates].min(), stars[candidates].max()
    profile = scorer.content.user_profile(rated, ratings)
    content = scorer.content.similarity(profile[None], 0, n_movies)[0]
    scores = weight * (stars - low) / (high - low) + (1 - weight) * content
    order = sorted(candidates, key=lambda m: (-np.float32(scores[m]), m))
    return order, scores


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("user", [0, 7, 49])
def test_equals_the_plain_formula(scorer: HybridScorer, user: int, weight: float) -> None:
    allowed = np.ones(scorer.content.n_movies, bool)
    allowed[::5] = False
    order, scores = plain_formula(scorer, user, weight, allowed)
    ranked = rank(scorer, user, weight, allowed)
    assert ranked.movies.tolist() == order[:N]
    assert ranked.scores == pytest.approx(scores[order[:N]], abs=1e-6)
    parts = weight * ranked.collaborative + (1 - weight) * ranked.content
    assert parts == pytest.approx(ranked.scores, abs=1e-6)
    assert ((ranked.collaborative >= 0) & (ranked.collaborative <= 1)).all()
    assert ((ranked.content >= 0) & (ranked.content <= 1 + 1e-6)).all()


@pytest.mark.parametrize(("user_batch", "movie_batch"), [(1, 1), (3, 7), (50, 59), (1000, 1000)])
def test_batches_change_nothing(scorer: HybridScorer, user_batch: int, movie_batch: int) -> None:
    users = np.arange(scorer.history.n_users)
    other = dataclasses.replace(scorer, user_batch=user_batch, movie_batch=movie_batch)
    for one, two in zip(scorer.rank(users, N, 0.6), other.rank(users, N, 0.6), strict=True):
        assert one.movies.tolist() == two.movies.tolist()
        assert one.scores.tolist() == two.scores.tolist()


def test_many_users_get_what_each_gets_alone(scorer: HybridScorer) -> None:
    users = np.array([4, 2, 4, 30])
    for user, ranked in zip(users, scorer.rank(users, N, 0.5), strict=True):
        assert ranked.movies.tolist() == rank(scorer, user, 0.5).movies.tolist()


def test_rated_movies_are_never_recommended(scorer: HybridScorer) -> None:
    for user, ranked in enumerate(scorer.rank(np.arange(scorer.history.n_users), 60, 0.6)):
        rated, _ = scorer.history.of(user)
        assert not set(ranked.movies) & set(rated)
        assert len(ranked.movies) == scorer.content.n_movies - len(rated)


def test_no_candidates(scorer: HybridScorer) -> None:
    ranked = rank(scorer, 0, 0.6, np.zeros(scorer.content.n_movies, bool))
    assert len(ranked.movies) == 0


def test_one_candidate(scorer: HybridScorer) -> None:
    allowed = np.zeros(scorer.content.n_movies, bool)
    allowed[58] = True
    ranked = rank(scorer, 0, 0.6, allowed)
    assert ranked.movies.tolist() == [58]
    assert ranked.collaborative.tolist() == [0.0]
