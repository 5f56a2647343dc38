"""Ridge regression: bias and factors of one side of the stars model from those of the other."""

from __future__ import annotations

import numpy as np

# λ of the fold-in, from a validation split; a movie's bias may vary more than a user's.
USER_RIDGE = 5.0
MOVIE_RIDGE = 2.0


def unit_of(scale: tuple[float, float]) -> float:
    """The width of the rating scale against that of 0.5 to 5.

    Stars s times as large have factors √s times as large; a step s times smaller and a shrinkage s
    times stronger find exactly these.
    """
    return (scale[1] - scale[0]) / 4.5


def ridge(
    factors: np.ndarray,
    rest: np.ndarray,
    average: tuple[float, np.ndarray],
    weight: float,
    unit: float,
) -> tuple[float, np.ndarray]:
    """The b and v that minimise Σ(rest − b − factors·v)² + weight·((b − b̄)² + unit·|v − v̄|²).

    Args:
        factors: of the other side, shape (n, k).
        rest: what is left of the stars without the mean and the other side's bias, shape (n,).
        average: b̄ and v̄.
    """
    bias, vector = average
    columns = np.column_stack([np.ones(len(rest)), factors])
    products = columns.T @ (rest - bias - factors @ vector)
    return solve_ridge(columns.T @ columns, products, average, weight, unit)


def solve_ridge(
    squares: np.ndarray,
    products: np.ndarray,
    average: tuple[float, np.ndarray],
    weight: float,
    unit: float,
) -> tuple[float, np.ndarray]:
    """The same from sums over the ratings, which may have been added up anywhere.

    Args:
        squares: Σ x·xᵀ with x = [1, factors], shape (k+1, k+1); changed.
        products: Σ x·(rest − b̄ − factors·v̄), shape (k+1,).
    """
    bias, vector = average
    squares[np.diag_indices_from(squares)] += weight * np.append(1.0, np.full(len(vector), unit))
    solved = np.linalg.solve(squares, products)
    return bias + float(solved[0]), vector + solved[1:]
