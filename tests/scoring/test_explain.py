import numpy as np
import pytest

from recommender.recommender import Recommender
from recommender.scoring.explain import explain
from recommender.scoring.scorer import HybridScorer, Request


@pytest.fixture
def scorer(tiny: Recommender) -> HybridScorer:
    return tiny._scorer


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("obscurity", [0.0, 0.5])
def test_the_parts_add_up_to_the_score(
    scorer: HybridScorer, weight: float, obscurity: float
) -> None:
    request = Request(10, weight, obscurity=obscurity)
    people = [scorer.user(index) for index in (0, 5, 49)]
    for ranked in scorer.rank(people, request):
        for rank in range(len(ranked.movies)):
            why = explain(scorer, ranked, request, rank)
            total = why.offset + why.movie_parts.sum() + why.term_parts.sum()
            assert total == pytest.approx(ranked.scores[rank], abs=1e-5)
            assert why.movies.tolist() == ranked.person.movies.tolist()


def test_by_stars_only_the_terms_are_reasons(scorer: HybridScorer) -> None:
    request = Request(5, 0.5, "stars")
    (ranked,) = scorer.rank([scorer.user(3)], request)
    why = explain(scorer, ranked, request, 0)
    assert len(why.movies) == 0
    assert why.offset + why.term_parts.sum() == pytest.approx(ranked.scores[0], abs=1e-6)


def test_taking_away_a_reason_lowers_the_score_by_its_part(scorer: HybridScorer) -> None:
    person = scorer.user(0)
    request = Request(5)
    (ranked,) = scorer.rank([person], request)
    why = explain(scorer, ranked, request, 0)
    best = int(np.argmax(why.movie_parts))
    kept = np.arange(len(person.movies)) != best
    movie = ranked.movies[:1]
    whole, less = (
        scorer.ranking.score(scorer.ranking.profile(m, r)[None], movie).item()
        for m, r in (
            (person.movies, person.ratings),
            (person.movies[kept], person.ratings[kept]),
        )
    )
    span = ranked.high - ranked.low
    assert (whole - less) / span == pytest.approx(why.movie_parts[best], abs=1e-5)
