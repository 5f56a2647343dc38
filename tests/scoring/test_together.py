"""Lists for several people: the least happy one is as happy as can be."""

import dataclasses
from itertools import permutations

import pytest

from recommender.recommender import Recommender
from recommender.scoring.filters import Filters
from recommender.scoring.scorer import Request
from recommender.scoring.together import rank_together

ANA, BEN, CEM = (
    {1: 5.0, 3: 4.5, 5: 4.0, 8: 1.0},
    {2: 5.0, 4: 4.5, 6: 4.0, 9: 1.0},
    {1: 1.0, 2: 4.0},
)


def test_the_worst_place_of_all_is_minimised(tiny: Recommender) -> None:
    """The answer is what looking at the whole lists of both gives."""
    people = [tiny._requests.visitor(given) for given in (ANA, BEN)]
    others = BEN.keys() | ANA.keys()
    lists = [[i.movie for i in tiny.recommend(own, 60, seen=others)] for own in (ANA, BEN)]
    assert len(lists[0]) == len(lists[1]) == 60 - len(others)
    places = {movie: [own.index(movie) + 1 for own in lists] for movie in lists[0]}
    best = sorted(places, key=lambda m: (max(places[m]), sum(places[m]), m.movie_id))

    found = tiny.recommend_together([ANA, BEN], 10)
    assert [item.movie for item in found] == best[:10]
    assert [list(item.places) for item in found] == [places[movie] for movie in best[:10]]
    assert [i.score for i in found] == [1 - (max(i.places) - 1) / len(places) for i in found]
    # Two tastes: what one likes most is far down the other's list, and does not come first.
    assert max(places[lists[0][0]]) > max(found[0].places) > 1
    movies, _, candidates = rank_together(tiny._scorer, people, Request(10))
    assert (len(movies), candidates) == (10, len(places))


def test_batches_change_nothing(tiny: Recommender) -> None:
    people = [tiny._requests.visitor(given) for given in (ANA, BEN, CEM)]
    whole = rank_together(tiny._scorer, people, Request(20))
    cut = rank_together(dataclasses.replace(tiny._scorer, movie_batch=7), people, Request(20))
    assert cut[0].tolist() == whole[0].tolist()
    assert cut[1].tolist() == whole[1].tolist()


def test_who_comes_first_does_not_matter(tiny: Recommender) -> None:
    lists = [tiny.recommend_together(order) for order in permutations((ANA, BEN, CEM))]
    titles = {tuple(item.movie.title for item in found) for found in lists}
    assert len(titles) == 1
    first = [lists[0][0].places, lists[-1][0].places]
    assert first[0] == first[1][::-1]


@pytest.mark.parametrize("rank_by", ["ranking", "stars"])
def test_one_person_gets_what_recommend_gives(tiny: Recommender, rank_by: str) -> None:
    options = {"filters": Filters(genres=("Drama",)), "rank_by": rank_by, "seen": [7]}
    alone = tiny.recommend(ANA, 12, hidden=[11], **options)
    found = tiny.recommend_together([ANA], 12, hidden=[[11]], **options)
    assert [item.movie for item in found] == [item.movie for item in alone]
    assert [item.places for item in found] == [(item.rank,) for item in alone]


def test_what_anybody_knows_or_hides_does_not_come(tiny: Recommender) -> None:
    found = tiny.recommend_together([ANA, BEN], 60, hidden=[[10], [12]], seen=[14])
    shown = {item.movie.movie_id for item in found}
    assert shown == set(range(1, 61)) - ANA.keys() - BEN.keys() - {10, 12, 14}
    scores = [item.score for item in found]
    assert scores == sorted(scores, reverse=True)


def test_who_has_rated_nothing_has_no_say(tiny: Recommender) -> None:
    # Nobody's taste follows from what somebody without ratings has turned away.
    found = tiny.recommend_together([{}, ANA, {}, BEN], hidden=[[], [], [20], []])
    assert all(item.places[0] is item.places[2] is None for item in found)
    heard = tiny.recommend_together([ANA, BEN], seen=[20])
    assert [item.movie for item in found] == [item.movie for item in heard]
    assert [item.places[1::2] for item in found] == [item.places for item in heard]
    assert tiny.recommend_together([{}, {}]) == []


def test_unknown_movies_are_named_and_bad_input_is_refused(tiny: Recommender) -> None:
    assert tiny.recommend_together([ANA, {999: 4.0, 2: 3.0}]).unknown == (999,)
    with pytest.raises(ValueError, match="give those of one person at least"):
        tiny.recommend_together([])
    with pytest.raises(ValueError, match="hidden is of 1 people and ratings of 2"):
        tiny.recommend_together([ANA, BEN], hidden=[[1]])
    with pytest.raises(ValueError, match="9 stars are outside the scale"):
        tiny.recommend_together([ANA, {1: 9}])
