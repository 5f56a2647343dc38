import pytest

from recommender.app.components.stars import index_of, stars_of


@pytest.mark.parametrize(
    ("scale", "stars"),
    [
        ((0.5, 5.0), [1, 2, 3, 4, 5]),
        ((1.0, 5.0), [1, 2, 3, 4, 5]),
        ((0.0, 5.0), [1, 2, 3, 4, 5]),
        ((1.0, 10.0), [2, 4, 6, 8, 10]),
        ((0.0, 100.0), [20, 40, 60, 80, 100]),
        ((-10.0, 10.0), [-10, -5, 0, 5, 10]),
        ((3.0, 5.0), [3, 3.5, 4, 4.5, 5]),
    ],
)
def test_five_stars_on_any_scale(scale: tuple[float, float], stars: list[float]) -> None:
    assert [stars_of(i, scale) for i in range(5)] == stars
    assert [index_of(rating, scale) for rating in stars] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("rating", "index"), [(0.5, 0), (1.5, 1), (3.4, 2), (3.5, 3), (4.9, 4)])
def test_a_rating_in_between_is_shown_as_the_nearest_star(rating: float, index: int) -> None:
    assert index_of(rating, (0.5, 5.0)) == index
