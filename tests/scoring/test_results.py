"""Records of what was found: titles, figures and reasons, without the way they were found."""

import numpy as np
import pytest

from recommender.recommender import Recommender
from recommender.scoring.results import ResultBuilder
from recommender.scoring.scorer import Ranked, Request


@pytest.fixture
def answers(tiny: Recommender) -> ResultBuilder:
    return tiny._results


def test_movies_come_in_the_order_asked_for(tiny: Recommender, answers: ResultBuilder) -> None:
    there = answers.movies([3, 0, 2])
    back = answers.movies(np.array([2, 0, 3], dtype=np.int32))
    assert there == back[::-1]
    assert len({movie.movie_id for movie in there}) == 3


def test_a_movie_nobody_rated_has_no_mean(tiny: Recommender, answers: ResultBuilder) -> None:
    counts = tiny._facts.count
    rated, unrated = int(counts.argmax()), int(counts.argmin())
    assert counts[unrated] == 0
    found = answers.movies([rated, unrated])
    assert found[0].n_ratings == counts[rated]
    assert found[0].mean_rating == pytest.approx(float(tiny._facts.mean[rated]))
    assert (found[1].n_ratings, found[1].mean_rating) == (0, None)


def test_reasons_come_only_when_asked_for(tiny: Recommender, answers: ResultBuilder) -> None:
    request = Request(5, 0.5)
    ranked: Ranked = next(tiny._scorer.rank([tiny._scorer.user(0)], request))
    told = answers.recommendations(ranked, request, reasons=True)
    silent = answers.recommendations(ranked, request, reasons=False)
    assert [one.movie for one in told] == [one.movie for one in silent]
    assert all(one.reasons and one.terms for one in told)
    assert not any(one.reasons or one.terms for one in silent)


@pytest.mark.parametrize(
    ("ratings", "hidden", "liked"),
    [
        ({2: 5.0, 3: 1.0, 6: 1.0}, (), {2}),
        ({2: 5.0, 3: 5.0, 6: 5.0}, (), {2, 3, 6}),  # all alike, and well
        ({2: 1.0, 3: 1.0}, (), set()),
        ({2: 2.0, 3: 4.0}, (6, 8, 9, 10), {3}),  # what is hidden makes no low rating a high one
        ({2: 2.0}, (6,), set()),
    ],
)
def test_reasons_are_what_somebody_liked(
    tiny: Recommender, ratings: dict[int, float], hidden: tuple[int, ...], liked: set[int]
) -> None:
    found = tiny.recommend(ratings, 40, hidden=hidden)
    named = {reason.movie.movie_id for item in found for reason in item.reasons}
    assert named == liked
    for item in found[:5]:
        if not hidden:
            why = tiny.why(ratings, item.movie.movie_id)
            assert [r.movie for r in why] == [r.movie for r in item.reasons]
