import dataclasses
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.recommender import Recommender
from recommender.scoring.scorer import HybridScorer, Ranked, Request, most_various

N = 12


@pytest.fixture
def scorer(tiny: Recommender) -> HybridScorer:
    return tiny._scorer


def rank(scorer: HybridScorer, user: int, request: Request) -> Ranked:
    (ranked,) = scorer.rank([scorer.user(user)], request)
    return ranked


def plain_formula(scorer: HybridScorer, user: int, request: Request, allowed: np.ndarray):
    """The hybrid written out: all movies at once, nothing in batches."""
    n_movies, weight = scorer.content.n_movies, request.weight
    everything = slice(0, n_movies)
    rated, ratings = scorer.history.of(user)
    candidates = np.setdiff1d(np.flatnonzero(allowed), rated)
    if request.rank_by == "stars":
        collaborative = scorer.stars.score(scorer.stars.user_profile(user)[None], everything)[0]
    else:
        profile = scorer.ranking.profile(rated, ratings)[None]
        collaborative = scorer.ranking.score(profile, everything)[0]
    low, high = collaborative[candidates].min(), collaborative[candidates].max()
    taste = scorer.content.profile(rated, ratings)
    content = scorer.content.score(taste[None], everything)[0]
    scores = weight * (collaborative - low) / (high - low) + (1 - weight) * content
    order = sorted(candidates, key=lambda m: (-np.float32(scores[m]), m))
    return order, scores


@pytest.mark.parametrize("rank_by", ["ranking", "stars"])
@pytest.mark.parametrize("weight", [0.0, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("user", [0, 7, 49])
def test_equals_the_plain_formula(scorer, user: int, weight: float, rank_by) -> None:
    allowed = np.ones(scorer.content.n_movies, bool)
    allowed[::5] = False
    request = Request(N, weight, rank_by, allowed)
    order, scores = plain_formula(scorer, user, request, allowed)
    ranked = rank(scorer, user, request)
    assert ranked.scores == pytest.approx(scores[order[:N]], abs=1e-6)
    assert scores[ranked.movies] == pytest.approx(scores[order[:N]], abs=1e-6)
    parts = scorer.parts(ranked, request)
    summed = weight * parts.collaborative + (1 - weight) * parts.content
    assert summed == pytest.approx(ranked.scores, abs=1e-6)
    for part in (parts.collaborative, parts.content):
        assert part.min() >= 0
        assert part.max() <= 1 + 1e-6


@pytest.mark.parametrize(("user_batch", "movie_batch"), [(1, 1), (3, 7), (50, 59), (1000, 1000)])
@pytest.mark.parametrize("rank_by", ["ranking", "stars"])
def test_batches_change_nothing(scorer, user_batch: int, movie_batch: int, rank_by) -> None:
    other = dataclasses.replace(scorer, user_batch=user_batch, movie_batch=movie_batch)
    people = [scorer.user(i) for i in range(scorer.history.n_users)]
    request = Request(N, 0.6, rank_by)
    one, two = (list(s.rank(people, request)) for s in (scorer, other))
    for mine, theirs in zip(one, two, strict=True):
        assert mine.scores == pytest.approx(theirs.scores, abs=1e-6)
        # Some are not decided by the last digit, neither against the next nor the one before.
        apart = np.abs(np.diff(mine.scores, prepend=2, append=-1)) > 1e-6
        clear = apart[1:] & apart[:-1]
        assert mine.movies[clear].tolist() == theirs.movies[clear].tolist()


@pytest.mark.parametrize("room", [1, 3_000, 200_000, 10**9])
def test_batches_follow_the_memory_that_is_left_and_change_nothing(scorer, room: int) -> None:
    asked: list[tuple[int, int]] = []

    def fit(rows: int, row_bytes: int) -> int:
        asked.append((rows, row_bytes))
        return max(1, min(rows, room // row_bytes))

    other = dataclasses.replace(scorer, user_batch=20, movie_batch=50, batch_size_for=fit)
    people = [scorer.user(i) for i in range(scorer.history.n_users)]
    request = Request(N, 0.6)
    one, two = (list(s.rank(people, request)) for s in (scorer, other))
    for mine, theirs in zip(one, two, strict=True):
        assert mine.scores == pytest.approx(theirs.scores, abs=1e-6)
    assert {rows for rows, _ in asked} == {20, 50}
    slices = [len(range(*movies.indices(60))) for movies in other.movie_batches(20)]
    assert sum(slices) == 60
    assert max(slices) == max(1, min(50, room // max(asked)[1]))


def test_a_question_takes_no_more_than_it_says(sample: Recommender) -> None:
    scorer = dataclasses.replace(sample._scorer, movie_batch=sample._scorer.content.n_movies)
    person = scorer.user(3)
    tracemalloc.start()
    try:
        for weight in (0.0, 0.5, 1.0):
            list(scorer.rank([person], Request(20, weight, variety=0.5)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert scorer.max_bytes / 4 < peak <= scorer.max_bytes


def test_many_users_get_what_each_gets_alone(scorer: HybridScorer) -> None:
    request = Request(N, 0.5)
    users = [4, 2, 4, 30]
    together = scorer.rank(map(scorer.user, users), request)
    for user, ranked in zip(users, together, strict=True):
        assert ranked.scores == pytest.approx(rank(scorer, user, request).scores, abs=1e-6)


def test_rated_movies_are_never_recommended(scorer: HybridScorer) -> None:
    people = [scorer.user(i) for i in range(scorer.history.n_users)]
    for person, ranked in zip(people, scorer.rank(people, Request(60, 0.6)), strict=True):
        assert not set(ranked.movies) & set(person.movies)
        assert len(ranked.movies) == scorer.content.n_movies - len(person.movies)


def test_no_candidates(scorer: HybridScorer) -> None:
    nothing = np.zeros(scorer.content.n_movies, bool)
    assert len(rank(scorer, 0, Request(N, 0.6, allowed=nothing)).movies) == 0


def test_one_candidate(scorer: HybridScorer) -> None:
    allowed = np.zeros(scorer.content.n_movies, bool)
    allowed[58] = True
    request = Request(N, 0.6, allowed=allowed)
    ranked = rank(scorer, 0, request)
    assert ranked.movies.tolist() == [58]
    assert scorer.parts(ranked, request).collaborative.tolist() == [0.0]


def test_obscurity_finds_less_known_movies(scorer: HybridScorer) -> None:
    popularity = scorer.ranking.popularity

    def mean(obscurity: float) -> float:
        people = map(scorer.user, range(scorer.history.n_users))
        found = scorer.rank(people, Request(5, obscurity=obscurity))
        return float(np.mean([popularity[ranked.movies].mean() for ranked in found]))

    assert mean(1.0) < mean(0.5) < mean(0.0)


def test_variety_makes_the_list_less_alike(scorer: HybridScorer) -> None:
    def likeness(variety: float) -> float:
        movies = rank(scorer, 3, Request(8, variety=variety)).movies
        vectors = scorer.ranking.inputs[movies]
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return float((vectors @ vectors.T).mean())

    assert likeness(0.8) < likeness(0.0)
    best = rank(scorer, 3, Request(8)).movies[0]
    assert rank(scorer, 3, Request(8, variety=0.8)).movies[0] == best


@given(n=st.integers(1, 12), variety=st.floats(0, 1), seed=st.integers(0, 99))
def test_most_various_picks_each_movie_once(n: int, variety: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.random(8))[::-1]
    kept = most_various(scores, rng.normal(size=(8, 3)), n, variety)
    assert len(set(kept.tolist())) == len(kept) == min(n, 8)
    assert kept[0] == 0 or variety == 1
    if variety == 0:
        assert kept.tolist() == list(range(min(n, 8)))
