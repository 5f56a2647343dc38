import numpy as np
import pytest

from recommender import Filters, NotFoundError, Recommender
from recommender.recommender import METHODS


def test_recommend_for_user_orders_by_predicted_stars(tiny: Recommender) -> None:
    found = tiny.recommend_for_user(1, 10)
    scores = [item.score for item in found]
    assert scores == sorted(scores, reverse=True)
    assert [item.rank for item in found] == list(range(1, 11))
    predicted = tiny.predict([(1, item.movie.movie_id) for item in found])
    assert [item.stars for item in found] == pytest.approx(predicted.tolist())
    rated = {item.movie.movie_id for item in tiny.rated_by(1, 60)}
    assert rated.isdisjoint(item.movie.movie_id for item in found)
    assert all(item.movie.n_ratings > 0 for item in found)
    assert found[0].collaborative is None


def test_predicted_stars_find_the_taste_in_the_data(tiny: Recommender) -> None:
    # Users like the movies whose number has the other parity than their own.
    right = [item.movie.movie_id % 2 == 0 for item in tiny.recommend_for_user(1, 5)]
    assert sum(right) >= 4


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


@pytest.mark.parametrize("method", METHODS)
def test_similar_movies(tiny: Recommender, method) -> None:
    found = tiny.find_similar_movies(10, 8, method)
    similarities = [item.similarity for item in found]
    assert similarities == sorted(similarities, reverse=True)
    assert 10 not in [item.movie.movie_id for item in found]
    assert all(-1 <= s <= 1 for s in similarities)
    assert len(found) == 8


@pytest.mark.parametrize("method", METHODS)
def test_the_batch_does_not_change_similar_movies(tiny: Recommender, method, monkeypatch) -> None:
    whole = tiny.find_similar_movies(10, 20, method)
    monkeypatch.setattr(tiny, "_movie_batch", 7)
    cut = tiny.find_similar_movies(10, 20, method)
    assert [i.movie for i in cut] == [i.movie for i in whole]
    assert [i.similarity for i in cut] == pytest.approx([i.similarity for i in whole])


def test_similar_by_content_shares_the_genre(tiny: Recommender) -> None:
    found = tiny.find_similar_movies(11, 5, "content", Filters(genres=("Drama",)))
    assert all("Drama" in item.movie.genres for item in found)


def test_similar_by_collaboration_needs_ratings(tiny: Recommender) -> None:
    with pytest.raises(NotFoundError, match="too few ratings"):
        tiny.find_similar_movies(60, 5, "collaborative")
    assert tiny.find_similar_movies(60, 5, "content")


def test_unknown_ids_and_methods(tiny: Recommender) -> None:
    for ask in (tiny.recommend_for_user, tiny.hybrid_recommend, tiny.user, tiny.rated_by):
        with pytest.raises(NotFoundError, match="no user has the id 999"):
            ask(999)
    for ask in (tiny.find_similar_movies, tiny.movie):
        with pytest.raises(NotFoundError, match="no movie has the id 999"):
            ask(999)
    with pytest.raises(ValueError, match="magic"):
        tiny.find_similar_movies(1, 5, "magic")  # type: ignore[arg-type]


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


def test_recommend_all_is_the_hybrid_for_everyone(tiny: Recommender) -> None:
    everyone = list(tiny.recommend_all(5))
    assert [user for user, _, _ in everyone] == tiny.users(1000)
    for user, movies, scores in everyone[::9]:
        found = tiny.hybrid_recommend(user, 5)
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
