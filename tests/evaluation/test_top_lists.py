import numpy as np
import pytest

from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.evaluation import top_lists
from recommender.evaluation.top_lists import top_unrated
from recommender.models.popularity import Popularity
from recommender.models.protocol import TrainingData


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_the_best_that_were_not_rated(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(top_lists, "_USER_BATCH", batch)
    monkeypatch.setattr(top_lists, "_MOVIE_BATCH", batch)
    movies = np.array([1, 2, 1, 3, 0, 1, 2, 3, 4], dtype=np.int32)
    history = History(np.array([0, 2, 4, 4, 9]), movies, np.ones(9, np.float32))
    data = TrainingData.of(history, [MovieText(i, "") for i in range(5)], (0.5, 5.0))
    model = Popularity.fit(data)
    lists = top_unrated(model, history, 5, np.array([0, 1, 2, 3]), 2)
    assert [found.tolist() for found in lists] == [[3, 0], [2, 0], [1, 2], []]
