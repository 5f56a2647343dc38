"""Every question to a recommender on the tiny bundle, for tests of what must change no answer."""

from recommender import Recommender
from recommender.core.records import Id


def answers(matinee: Recommender) -> list[object]:
    """Every question once; each answer reads other files."""
    mine: dict[Id, float] = {1: 5.0, 12: 1.0, 20: 4.0}
    found: list[object] = [
        matinee.recommend_for_user(7, variety=0.5),
        matinee.recommend_for_user(7, rank_by="stars"),
        matinee.hybrid_recommend(7, cf_weight=0.5),
        matinee.recommend(mine, hidden=[3]),
        matinee.search("movie nunber"),
        matinee.find_title("기생충", 2019),
        matinee.movies([1, 2, 99]),
        matinee.quick_start(),
        matinee.user(7),
        matinee.users(5),
        matinee.rated_by(7),
        matinee.popular(5),
        (matinee.years, matinee.genres, matinee.statistics),
        matinee.predict([(7, 12), (999, 1), (50, 12), (7, 999), (1, 3)]).tolist(),
        [(user, movies) for user, movies, _ in matinee.recommend_all(3)],
    ]
    return found + [matinee.find_similar_movies(12, method=how) for how in matinee.methods]
