"""The compiled inner loops of training, see passes.c.

Each takes ``offsets``, ``movies`` and ``ratings`` of the `History` (int64, int32, float32) and
visits the users from `first` up to `last`. The interpreter lock is released meanwhile. All arrays
must be contiguous and of the types named.
"""

import numpy as np

def stars_pass(
    offsets: np.ndarray,
    movies: np.ndarray,
    ratings: np.ndarray,
    first: int,
    last: int,
    user_taken: np.ndarray,
    movie_taken: np.ndarray,
    user_bias: np.ndarray,
    movie_bias: np.ndarray,
    user_factors: np.ndarray,
    movie_factors: np.ndarray,
    n_factors: int,
    mean: float,
    bias_rate: float,
    bias_shrinkage: float,
    rate: float,
    shrinkage: float,
    /,
) -> int:
    """Change biases and factors by one step for each rating. Source: Surprise, ``SVD.fit``; the
    results differ from its by rounding.

    Args:
        user_taken, movie_taken: who takes part, bool, shapes (users,) and (movies,).
        user_bias, movie_bias: changed; float64, shapes (users,) and (movies,).
        user_factors, movie_factors: changed; float64, shapes (users, k) and (movies, k).
        n_factors: k, a multiple of four up to 1000; what fills it up are columns of zeros.

    Returns:
        How many ratings took part.

    Raises:
        ValueError: the arrays do not fit each other, or a movie's number is out of range.
    """

def ranking_pass(
    offsets: np.ndarray,
    movies: np.ndarray,
    ratings: np.ndarray,
    first: int,
    last: int,
    user_scale: np.ndarray,
    base: float,
    slope: float,
    columns: np.ndarray,
    product: np.ndarray,
    width: int,
    left: int,
    right: int,
    /,
) -> int:
    """Add Wᵀ D W · columns to `product`, where W holds base + slope·rating and D the scales of the
    users; only for the columns from `left` up to `right`, so that threads can share the work.

    Args:
        user_scale: float32, shape (users,); a user with 0 is passed over.
        columns: float32, shape (movies, width).
        product: changed; float32, shape (movies, width).

    Returns:
        How many users were visited.

    Raises:
        ValueError: the arrays do not fit each other, or a movie's number is out of range.
    """
