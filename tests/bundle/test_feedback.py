import numpy as np
import pytest

from recommender.bundle.feedback import feedback_of
from recommender.bundle.history import History


@pytest.mark.parametrize(
    ("ratings", "scale", "given", "feedback"),
    [
        ([1, 2, 4.5], (0.5, 5), "stars", "stars"),
        ([1, 5], (1, 5), "stars", "stars"),
        ([3, 3], (1, 5), "stars", "equal"),
        ([1, 1], (0, 1), "stars", "equal"),
        ([1, 1], (1, 5), "stars", "stars"),
        ([1, 0, 1], (0, 1), "stars", "likes"),
        ([1, -1, 0], (-1, 1), "stars", "likes"),
        ([0, 0.25, 1], (0, 1), "stars", "stars"),
        ([1, 1], (0, 1), "counts", "counts"),
    ],
)
def test_the_ratings_tell_what_they_are(
    ratings: list[float], scale: tuple[float, float], given: str, feedback: str
) -> None:
    n = len(ratings)
    history = History(np.array([0, n]), np.arange(n, dtype=np.int32), np.float32(ratings))
    assert feedback_of(history, scale, given) == feedback
