import dataclasses

import numpy as np
import pytest

from recommender.core.errors import NotFoundError
from recommender.recommender import Recommender
from recommender.scoring.similar import METHODS, most_similar


@pytest.mark.parametrize("method", METHODS)
def test_best_first_and_never_itself(tiny: Recommender, method) -> None:
    for movie in (0, 9, 30):
        found, similarities = most_similar(tiny._scorer, movie, 10, method, None)
        assert similarities.tolist() == sorted(similarities, reverse=True)
        assert movie not in found
        assert similarities.max() <= 1.0


@pytest.mark.parametrize("method", METHODS)
def test_batches_change_nothing(tiny: Recommender, method) -> None:
    whole = most_similar(tiny._scorer, 9, 20, method, None)
    cut = most_similar(dataclasses.replace(tiny._scorer, movie_batch=7), 9, 20, method, None)
    assert cut[1] == pytest.approx(whole[1])


@pytest.mark.parametrize("method", METHODS)
def test_only_what_is_allowed(tiny: Recommender, method) -> None:
    allowed = np.zeros(60, bool)
    allowed[10:20] = True
    found, _ = most_similar(tiny._scorer, 9, 60, method, allowed)
    assert len(found)
    assert set(found) <= set(range(10, 20))


def test_content_is_the_cosine_of_the_rows(tiny: Recommender) -> None:
    content = tiny._content
    row = content.profile(np.array([9]), np.ones(1))[None]
    expected = content.score(row, slice(0, 60))[0]
    found, similarities = most_similar(tiny._scorer, 9, 60, "content", None)
    assert similarities == pytest.approx(expected[found])
    assert (similarities > 0).all()


def test_collaborative_is_a_share_of_the_closest(tiny: Recommender) -> None:
    close = tiny._scorer.ranking.closeness(9, slice(0, 60))
    found, similarities = most_similar(tiny._scorer, 9, 10, "collaborative", None)
    assert similarities[0] == 1.0
    others = np.delete(close, 9)
    assert similarities == pytest.approx(close[found] / others.max(), abs=1e-6)


def test_hybrid_is_the_mean_of_both(tiny: Recommender) -> None:
    scores = {}
    for method in ("content", "collaborative", "hybrid"):
        found, similarities = most_similar(tiny._scorer, 9, 60, method, None)
        scores[method] = dict(zip(found.tolist(), similarities.tolist(), strict=True))
    for movie, similarity in scores["hybrid"].items():
        parts = [scores[m].get(movie, 0.0) for m in ("content", "collaborative")]
        assert similarity == pytest.approx(sum(parts) / 2, abs=1e-6)


def test_movies_nobody_rated(tiny: Recommender) -> None:
    # Movie 60, of index 59, has no ratings; its genres are known.
    for method in ("content", "collaborative", "hybrid"):
        found, _ = most_similar(tiny._scorer, 59, 5, method, None)
        genres = [movie.genres for movie in tiny._results.movies(found)]
        assert sum("War" in g for g in genres) >= 3
    with pytest.raises(NotFoundError, match="too few ratings"):
        most_similar(tiny._scorer, 59, 5, "predicted", None)


def test_a_movie_with_one_rating_has_neighbours_by_content(sample: Recommender) -> None:
    scorer = sample._scorer
    rated_once = int(np.flatnonzero(scorer.ranking.popularity == 1)[0])
    scores = {}
    for method in ("content", "collaborative"):
        found, similarities = most_similar(scorer, rated_once, 9_000, method, None)
        scores[method] = dict(zip(found.tolist(), similarities.tolist(), strict=True))
    close = scorer.ranking.closeness(rated_once, slice(0, scorer.content.n_movies)).clip(0)
    close[rated_once] = 0
    for movie, similarity in scores["collaborative"].items():
        expected = close[movie] / close.max() / 3 + scores["content"].get(movie, 0.0) * 2 / 3
        assert similarity == pytest.approx(expected, abs=1e-5)
