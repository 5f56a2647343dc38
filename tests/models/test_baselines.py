import numpy as np
import pytest

from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.models.co_occurrence import CoOccurrence
from recommender.models.damped_bias import DampedBias
from recommender.models.protocol import TrainingData

# Users 0..3 of movies 0..4; nobody rated movie 4, and user 3 nothing.
RATED = [([0, 1], [4, 2]), ([0, 1, 2], [5, 3, 4]), ([2, 3], [1, 1]), ([], [])]
HISTORY = History(
    np.cumsum([0, *(len(movies) for movies, _ in RATED)]),
    np.array([movie for movies, _ in RATED for movie in movies], dtype=np.int32),
    np.array([star for _, stars in RATED for star in stars], dtype=np.float32),
)


def data(history: History, n_movies: int, scale: tuple[float, float]) -> TrainingData:
    return TrainingData.of(history, [MovieText(i, "") for i in range(n_movies)], scale)


def test_damped_bias_by_hand() -> None:
    model = DampedBias.fit(data(HISTORY, 5, (1.0, 5.0)))
    mean = 20 / 7
    assert model.global_mean == pytest.approx(mean)
    by_movie = [(9 - 2 * mean) / 7, (5 - 2 * mean) / 7, (5 - 2 * mean) / 7, (1 - mean) / 6, 0]
    assert model.movie_bias == pytest.approx(by_movie, abs=1e-6)
    first = (6 - 2 * mean - by_movie[0] - by_movie[1]) / 7
    assert model.user_bias[[0, 3]] == pytest.approx([first, 0], abs=1e-6)
    assert model.profile(*HISTORY.of(0)) == pytest.approx([first], abs=1e-6)
    predicted = model.predict_pairs(np.array([0, 3]), np.array([2, 4]))
    assert predicted == pytest.approx([mean + first + by_movie[2], mean])


def test_damped_bias_stays_on_the_scale() -> None:
    model = DampedBias.fit(data(HISTORY, 5, (2.8, 2.9)))
    users, movies = np.divmod(np.arange(20), 5)
    assert set(model.predict_pairs(users, movies).tolist()) >= {2.8, 2.9}


def test_co_occurrence_is_the_sum_of_cosines() -> None:
    rated = np.random.default_rng(4).random((30, 12)) < 0.3
    history = History(
        np.concatenate([[0], np.cumsum(rated.sum(axis=1))]),
        np.nonzero(rated)[1].astype(np.int32),
        np.ones(rated.sum(), dtype=np.float32),
    )
    model = CoOccurrence.fit(data(history, 12, (0.5, 5.0)))
    lengths = np.maximum(np.linalg.norm(rated, axis=0), 1)
    cosines = (rated.T.astype(float) @ rated) / np.outer(lengths, lengths)
    profiles = np.array([model.profile(*history.of(user)) for user in range(30)])
    assert model.score(profiles, slice(0, 12)) == pytest.approx(rated @ cosines, abs=1e-5)
