"""A user's row of the stars model, from the movies' side of the model and the user's own ratings.

This is what executors compute. Nothing is kept for users in between: what a user's ratings lead to
is found anew in every pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.models.stars import StarsModel
from recommender.spark.blocks import UserBlock

# λ of the damped means, for users and movies, from a validation split.
DAMPING = 5.0


@dataclass(frozen=True)
class UserRows:
    """UserRows computes the rows of users from the rest of the model.

    Attributes:
        model: without rows of users.
        users: which users take part in the training, bool, shape (users,).
        shrinkage: λ of a trained user's factors, for each of the user's ratings.
    """

    model: StarsModel
    users: np.ndarray
    shrinkage: float

    def taken(self, block: UserBlock) -> np.ndarray:
        """Mark the ratings of a block that take part in the training; bool, shape (ratings,)."""
        taken: np.ndarray = self.users[block.users][block.rows]
        return taken & self.model.movie_known[block.movies]

    def trained(self, block: UserBlock) -> np.ndarray:
        """Mark the users of a block who have a rating that takes part; bool, shape (users,)."""
        return np.bincount(block.rows, self.taken(block), len(block.users)) > 0

    def residuals(self, block: UserBlock) -> tuple[np.ndarray, np.ndarray]:
        """Return what μ and the movies' biases leave of the ratings that take part, else 0; and
        b_u, the damped mean of each user's.

        Returns:
            float64, shapes (ratings,) and (users,).
        """
        taken, n = self.taken(block), len(block.users)
        rest = block.ratings - self.model.global_mean - self.model.movie_bias[block.movies]
        rest = np.where(taken, rest, 0.0)
        counts = np.bincount(block.rows, taken, n)
        return rest, np.bincount(block.rows, rest, n) / (counts + DAMPING)

    def rows(self, block: UserBlock, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute b_u and p_u of some users of a block.

        Trained users take the half step of ALS, with the shrinkage growing with their ratings; the
        others are folded in as visitors are.

        Args:
            wanted: which, counted from the block's first, shape (n,).

        Returns:
            float64, shapes (n,) and (n, k).
        """
        model, trained = self.model, self.trained(block)
        rest, biases = self.residuals(block)
        rest -= biases[block.rows]
        biases, factors = biases[wanted], np.zeros((len(wanted), model.movie_factors.shape[1]))
        for place, row in enumerate(wanted.tolist()):
            own = slice(block.offsets[row], block.offsets[row + 1])
            known = model.movie_known[block.movies[own]]
            movies = block.movies[own][known]
            if trained[row]:
                q = model.movie_factors[movies]
                squares = q.T @ q
                squares[np.diag_indices_from(squares)] += self.shrinkage * len(movies)
                factors[place] = np.linalg.solve(squares, q.T @ rest[own][known])
            else:
                biases[place], factors[place] = model.fold_in(movies, block.ratings[own][known])
        return biases, factors
