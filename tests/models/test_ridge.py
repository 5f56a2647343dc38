import numpy as np
import pytest

from recommender.models.ridge import ridge, solve_ridge, unit_of


@pytest.fixture(scope="module")
def given() -> tuple[np.ndarray, np.ndarray, tuple[float, np.ndarray]]:
    """Factors and what is left of the stars of nine ratings, and an average."""
    rng = np.random.default_rng(3)
    return rng.normal(size=(9, 4)), rng.normal(size=9), (0.3, rng.normal(size=4))


@pytest.mark.parametrize("unit", [1.0, 20.0])
def test_ridge_is_least_squares_with_a_row_for_each_unknown(given, unit: float) -> None:
    factors, rest, (bias, vector) = given
    drawn = (2.0 * np.array([1, unit, unit, unit, unit])) ** 0.5
    rows = np.vstack([np.column_stack([np.ones(9), factors]), np.diag(drawn)])
    expected = np.linalg.lstsq(rows, np.append(rest, drawn * np.append(bias, vector)))[0]
    found = ridge(factors, rest, (bias, vector), 2.0, unit)
    assert np.append(*found) == pytest.approx(expected)


def test_sums_may_be_added_up_in_parts(given) -> None:
    factors, rest, average = given
    x = np.column_stack([np.ones(9), factors])
    left = rest - average[0] - factors @ average[1]
    parts = [slice(0, 2), slice(2, 9)]
    squares = sum(x[part].T @ x[part] for part in parts)
    products = sum(x[part].T @ left[part] for part in parts)
    found = solve_ridge(squares, products, average, 5.0, 1.5)
    assert np.append(*found) == pytest.approx(np.append(*ridge(factors, rest, average, 5.0, 1.5)))


def test_without_ratings_it_is_the_average(given) -> None:
    bias, vector = ridge(np.zeros((0, 4)), np.zeros(0), given[2], 5.0, 1.0)
    assert bias == given[2][0]
    assert (vector == given[2][1]).all()


def test_the_unit_is_that_of_half_a_star_to_five() -> None:
    assert unit_of((0.5, 5.0)) == 1.0
    assert unit_of((1.0, 100.0)) == 22.0
