from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender import Filters, NotFoundError, Recommender, Settings, SettingsError
from recommender.models.registry import RANK_BY
from recommender.scoring.similar import METHODS


def test_recommend_for_user_by_stars(tiny: Recommender) -> None:
    found = tiny.recommend_for_user(1, 10, rank_by="stars")
    scores = [item.score for item in found]
    assert scores == sorted(scores, reverse=True)
    assert [item.rank for item in found] == list(range(1, 11))
    predicted = tiny.predict([(1, item.movie.movie_id) for item in found])
    assert [item.stars for item in found] == pytest.approx(predicted.tolist())
    assert all(item.movie.n_ratings > 0 for item in found)


@pytest.mark.parametrize("rank_by", RANK_BY)
def test_recommendations_find_the_taste_in_the_data(tiny: Recommender, rank_by) -> None:
    # Users like the movies whose number has the other parity than their own.
    found = tiny.recommend_for_user(1, 5, rank_by=rank_by)
    assert sum(item.movie.movie_id % 2 == 0 for item in found) >= 4
    rated = {item.movie.movie_id for item in tiny.rated_by(1, 60)}
    assert rated.isdisjoint(item.movie.movie_id for item in found)


def test_reasons_are_movies_the_user_rated_and_liked(tiny: Recommender) -> None:
    stars = {item.movie.movie_id: item.rating for item in tiny.rated_by(1, 60)}
    for item in tiny.recommend_for_user(1, 10):
        assert 1 <= len(item.reasons) <= 3
        assert all(stars[reason.movie.movie_id] >= 2.5 for reason in item.reasons)
        parts = [reason.part for reason in item.reasons]
        assert parts == sorted(parts, reverse=True)
        assert item.terms == ()
    for item in tiny.hybrid_recommend(1, 5, 0.3):
        assert all(term in tiny._results._terms for term in item.terms)
        assert item.terms
    assert tiny.recommend_for_user(1, 1, rank_by="stars")[0].reasons == ()


def test_somebody_new(tiny: Recommender) -> None:
    liked = {2: 5.0, 8: 5, 14: 4.5, 20: 5, 5: 1, 7: 0.5, 9: 1}
    found = tiny.recommend(liked, 8)
    assert sum(item.movie.movie_id % 2 == 0 for item in found) >= 6
    assert not set(liked) & {item.movie.movie_id for item in found}
    assert all(r.movie.movie_id in liked for item in found for r in item.reasons)
    hidden = [item.movie.movie_id for item in found[:3]]
    again = tiny.recommend(liked, 8, hidden=[*hidden, 999])
    assert not set(hidden) & {item.movie.movie_id for item in again}


def test_what_was_turned_away_speaks_against_its_like(tiny: Recommender) -> None:
    liked = {2: 5.0, 8: 5.0, 5: 5.0, 7: 5.0}
    even = [m for m in range(10, 40, 2) if m not in liked]
    before = tiny.recommend(liked, 60)
    after = tiny.recommend(liked, 60, hidden=even[:6])
    assert not set(even[:6]) & {item.movie.movie_id for item in after}

    def place(found, parity: int) -> float:
        kept = [i for i in found if i.movie.movie_id not in even[:6] and i.movie.n_ratings]
        return float(np.mean([r for r, i in enumerate(kept) if i.movie.movie_id % 2 == parity]))

    assert place(after, 0) - place(after, 1) > place(before, 0) - place(before, 1)
    stars = {item.movie.movie_id: item.stars for item in before}
    assert all(item.stars == pytest.approx(stars[item.movie.movie_id]) for item in after)


def test_somebody_new_gets_what_a_user_with_these_ratings_gets(tiny: Recommender) -> None:
    own = {item.movie.movie_id: item.rating for item in tiny.rated_by(7, 60)}
    for weight in (0.0, 0.6, 1.0):
        assert [item.movie for item in tiny.recommend(own, 10, cf_weight=weight)] == [
            item.movie for item in tiny.hybrid_recommend(7, 10, weight)
        ]


def test_somebody_new_is_told_the_stars_they_would_give(tiny: Recommender) -> None:
    likes_even = {2: 5.0, 8: 5, 14: 4.5, 20: 5, 5: 1, 7: 0.5, 9: 1, 11: 1}
    found = tiny.recommend(likes_even, 50)
    even = [item.stars for item in found if item.movie.movie_id % 2 == 0]
    odd = [item.stars for item in found if item.movie.movie_id % 2 == 1]
    assert np.mean(even) > np.mean(odd) + 0.5


def test_nobody_known_yet(tiny: Recommender) -> None:
    found = tiny.recommend({}, 5)
    assert [item.movie for item in found] == tiny.popular(5)
    with pytest.raises(NotFoundError, match=r"none of the 2 rated movies .*\(such as 'tt01'\)"):
        tiny.recommend({"tt01": 3, 999: 4}, 5)
    assert [i.movie for i in tiny.recommend({}, 4, hidden=[found[0].movie.movie_id])] == [
        item.movie for item in found[1:]
    ]


@pytest.mark.parametrize("liked", [{}, {2: 5.0, 4: 4.5}])
def test_what_was_seen_does_not_come_and_says_nothing(
    tiny: Recommender, liked: dict[int, float]
) -> None:
    found = tiny.recommend(liked, 8)
    seen = [item.movie.movie_id for item in found[1:3]]
    again = tiny.recommend(liked, 6, seen=[*seen, 999])
    assert [item.movie for item in again] == [found[i].movie for i in (0, 3, 4, 5, 6, 7)]
    comedies = tiny.recommend(liked, 3, Filters(genres=("Comedy",)))
    left = tiny.recommend(liked, 2, Filters(genres=("Comedy",)), seen=[comedies[0].movie.movie_id])
    assert [item.movie for item in left] == [item.movie for item in comedies[1:]]


def test_stars_outside_the_scale(tiny: Recommender) -> None:
    with pytest.raises(ValueError, match=r"movie 3: 11 stars are outside the scale 0\.5 to 5"):
        tiny.recommend({3: 11})


def test_arguments_outside_their_range(tiny: Recommender) -> None:
    with pytest.raises(ValueError, match=r"variety is 2"):
        tiny.recommend_for_user(1, variety=2)
    with pytest.raises(ValueError, match=r"obscurity is -1"):
        tiny.hybrid_recommend(1, obscurity=-1)
    with pytest.raises(ValueError, match="rank_by is 'luck'"):
        tiny.recommend_for_user(1, rank_by="luck")


def test_quick_start(tiny: Recommender) -> None:
    first = tiny.quick_start(6)
    assert len({movie.movie_id for movie in first}) == 6
    assert all(movie.n_ratings > 0 for movie in first)
    skipped = [movie.movie_id for movie in first]
    assert not {movie.movie_id for movie in tiny.quick_start(6, skip=skipped)} & set(skipped)


@pytest.mark.parametrize(
    ("title", "year", "found"),
    [
        ("movie number 12", 1962, 12),
        ("Movie Number 12", 1963, 12),
        ("Movie number 12", 1970, None),
        ("Movie number", None, None),
        ("기생충", None, 2),
        ("Amelie", 2001, 4),
        ("Le fabuleux destin d'Amelie Poulain", 2001, 4),
    ],
)
def test_find_title(tiny: Recommender, title: str, year: int | None, found: int | None) -> None:
    movie = tiny.find_title(title, year)
    assert (movie and movie.movie_id) == found


def test_movies_in_the_order_asked_for(tiny: Recommender) -> None:
    assert [m.movie_id for m in tiny.movies([7, 999, "3"])] == [7, 3]


def test_a_user_outside_the_stars_model_still_gets_recommendations(tiny: Recommender) -> None:
    assert tiny.user(50).n_ratings == 2
    assert len(tiny.recommend_for_user(50, 5)) == 5
    assert len(tiny.hybrid_recommend(50, 5)) == 5


def test_hybrid_reaches_movies_that_nobody_rated(tiny: Recommender) -> None:
    found = tiny.hybrid_recommend(1, 60, cf_weight=0.0)
    unrated = [item for item in found if item.movie.n_ratings == 0]
    assert len(unrated) == 6
    assert all(item.movie.mean_rating is None for item in unrated)


def test_hybrid_weight_must_be_a_share(tiny: Recommender) -> None:
    with pytest.raises(ValueError, match=r"1\.1"):
        tiny.hybrid_recommend(1, cf_weight=1.1)


def test_numbers_and_texts_name_the_same_user(tiny: Recommender) -> None:
    assert tiny.recommend_for_user("1", 3) == tiny.recommend_for_user(1, 3)


@pytest.mark.parametrize("number", [float, np.int64, np.float32, lambda one: f"{one}.0"])
def test_whole_numbers_of_any_type_are_the_same_ids(tiny: Recommender, number) -> None:
    assert tiny.recommend_for_user(number(1), 3) == tiny.recommend_for_user(1, 3)
    assert tiny.find_similar_movies(number(10), 3) == tiny.find_similar_movies(10, 3)
    liked = {2: 5.0, 8: 5.0, 5: 1.0}
    again = {number(movie): stars for movie, stars in liked.items()}
    hidden = tiny.recommend(liked, 1)[0].movie.movie_id
    expected = tiny.recommend(liked, 5, hidden=[hidden])
    assert tiny.recommend(again, 5, hidden=[number(hidden)]) == expected
    assert tiny.predict([(number(1), number(10))]).tolist() == tiny.predict([(1, 10)]).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_similar_movies(tiny: Recommender, method) -> None:
    found = tiny.find_similar_movies(10, 8, method)
    similarities = [item.similarity for item in found]
    assert similarities == sorted(similarities, reverse=True)
    assert 10 not in [item.movie.movie_id for item in found]
    assert all(-1 <= s <= 1 for s in similarities)
    assert len(found) == 8


def test_similar_by_content_shares_the_genre(tiny: Recommender) -> None:
    found = tiny.find_similar_movies(11, 5, "content", Filters(genres=("Drama",)))
    assert all("Drama" in item.movie.genres for item in found)


def test_similar_by_predicted_stars_needs_ratings(tiny: Recommender) -> None:
    with pytest.raises(NotFoundError, match="too few ratings"):
        tiny.find_similar_movies(60, 5, "predicted")
    assert tiny.find_similar_movies(60, 5, "collaborative")


def test_unknown_ids_and_methods(tiny: Recommender) -> None:
    for ask in (tiny.recommend_for_user, tiny.hybrid_recommend, tiny.user, tiny.rated_by):
        with pytest.raises(NotFoundError, match="no user has the id 999"):
            ask(999)
    for ask in (tiny.find_similar_movies, tiny.movie):
        with pytest.raises(NotFoundError, match="no movie has the id 999"):
            ask(999)
    with pytest.raises(ValueError, match="magic"):
        tiny.find_similar_movies(1, 5, "magic")  # type: ignore[arg-type]


def test_collaborative_similarity_can_be_off(tiny_bundle: Path) -> None:
    matinee = Recommender.open(tiny_bundle, Settings(collaborative_similarity=False))
    assert matinee.methods == ("content",)
    assert len(matinee.find_similar_movies(3, 4)) == 4
    for method in METHODS[1:]:
        with pytest.raises(SettingsError, match=f"method '{method}' is off; use 'content'"):
            matinee.find_similar_movies(3, 4, method)


def test_filters_are_applied_before_the_top_n(tiny: Recommender) -> None:
    years = Filters(years=(1990, 2000))
    rated = {item.movie.movie_id for item in tiny.rated_by(1, 60)}
    candidates = [m for m in range(5, 61) if 1990 <= 1950 + m <= 2000 and m not in rated]
    found = tiny.hybrid_recommend(1, 60, filters=years)
    # Movies 1 and 3, of odd titles, fall into or out of these years by their own year.
    assert {m for m in (item.movie.movie_id for item in found) if m > 4} == set(candidates)
    few = tiny.recommend_for_user(1, 3, Filters(genres=("War",), years=(1990, 2010)))
    assert len(few) == 3
    assert all("War" in item.movie.genres for item in few)


def test_rated_by_comes_best_first(tiny: Recommender) -> None:
    rated = tiny.rated_by(1, 60)
    stars = [item.rating for item in rated]
    assert stars == sorted(stars, reverse=True)
    assert len(rated) == tiny.user(1).n_ratings
    assert np.mean(stars) == pytest.approx(tiny.user(1).mean_rating)


def test_popular(tiny: Recommender) -> None:
    counts = [movie.n_ratings for movie in tiny.popular(10)]
    assert counts == sorted(counts, reverse=True)
    assert all("War" in m.genres for m in tiny.popular(5, Filters(genres=("War",))))


def test_search_and_movie(tiny: Recommender) -> None:
    (movie,) = tiny.search("기생충")
    assert movie == tiny.movie(2)
    assert movie.year == 2019
    assert movie.genres == ("Drama", "Thriller")
    assert tiny.search("no such title") == []


def test_recommend_all_is_recommend_for_user_for_everyone(tiny: Recommender) -> None:
    everyone = list(tiny.recommend_all(5))
    assert [user for user, _, _ in everyone] == tiny.users(1000)
    for user, movies, scores in everyone[::9]:
        found = tiny.recommend_for_user(user, 5)
        assert movies == [item.movie.movie_id for item in found]
        assert scores == pytest.approx([item.score for item in found])


def test_statistics(tiny: Recommender) -> None:
    statistics = tiny.statistics
    assert (statistics.movies, statistics.users) == (60, 50)
    assert statistics.ratings == sum(tiny.user(u).n_ratings for u in tiny.users(1000))
    assert tiny.years == (1955, 2019)
    assert tiny.genres[0] == "Drama"


def test_serving_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys, recommender; print(sorted({'pandas', 'pyarrow', 'scipy', 'sklearn', "
        "'surprise', 'duckdb', 'PIL', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_unknown_is_told(tiny: Recommender) -> None:
    found = tiny.recommend({1: 5.0, 999: 4.0, "tt01": 3.0}, 3)
    assert found == tiny.recommend({1: 5.0}, 3)
    assert (found.unknown, tiny.recommend({1: 5.0}, 3).unknown) == ((999, "tt01"), ())
    assert repr(found).splitlines()[-1] == "2 not in the catalogue: 999, tt01"
    assert tiny.movies([1, 999]).unknown == (999,)
    assert [tiny.user(one).user_id for one in (1, "1", 1.0, np.int64(1))] == [1, 1, 1, 1]
    stars, unknown = tiny.predict([(1, 3), ("?", 3), (1, "?"), ("?", "?")], return_unknown=True)
    assert stars.tolist() == tiny.predict([(1, 3), ("?", 3), (1, "?"), ("?", "?")]).tolist()
    assert unknown.tolist() == [[False, False], [True, False], [False, True], [True, True]]
    assert tiny.predict([], return_unknown=True)[1].shape == (0, 2)


@pytest.mark.parametrize("number", [np.nan, -np.inf, -2, "x", []])
def test_numbers_that_no_argument_takes(tiny: Recommender, number: Any) -> None:
    for question in (
        lambda: tiny.recommend_for_user(1, variety=number),
        lambda: tiny.recommend_for_user(1, obscurity=number),
        lambda: tiny.hybrid_recommend(1, cf_weight=number),
        lambda: tiny.recommend({1: number}),
        lambda: tiny.users(number),
        lambda: tiny.find_title("Heat", number if number != -2 else 1.5),
        lambda: (
            tiny.popular(3, Filters(min_ratings=number)) if number != 10**400 else tiny.users(0)
        ),
    ):
        with pytest.raises(ValueError, match=r"must be|outside the scale"):
            question()


@pytest.mark.parametrize("n", [61, 10**9, 10**20, np.int64(2**62)])
def test_a_list_is_no_longer_than_the_catalogue(tiny: Recommender, n: int) -> None:
    mine = {2: 5.0, 5: 1.0}
    answers = [
        lambda n: tiny.recommend_for_user(1, n),
        lambda n: tiny.recommend_for_user(1, n, rank_by="stars", variety=0.5),
        lambda n: tiny.hybrid_recommend(1, n, 0.5, variety=0.5),
        lambda n: tiny.recommend(mine, n),
        lambda n: tiny.recommend({}, n),
        lambda n: tiny.search("movie", n),
        lambda n: tiny.search("drama 1960s", n, by="facts"),
        lambda n: tiny.quick_start(n),
        lambda n: tiny.rated_by(1, n),
        lambda n: tiny.popular(n),
        lambda n: [movies for _, movies, _ in tiny.recommend_all(n)],
        *(partial(tiny.find_similar_movies, 12, method=method) for method in METHODS),
    ]
    for answer in answers:
        assert answer(n) == answer(60)
    assert tiny.users(n) == tiny.users(50)


@pytest.mark.parametrize("n", [0, -3, 2.5, "ten", None])
def test_the_length_of_a_list_is_a_whole_number(tiny: Recommender, n) -> None:
    for answer in (tiny.popular, tiny.quick_start, partial(tiny.recommend, {2: 5.0})):
        with pytest.raises(ValueError, match=r"^n is .*; it must be a whole number of at least 1$"):
            answer(n)
