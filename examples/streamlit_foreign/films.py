"""Made-up films and the matrix of their similarities, as a tutorial would leave it: 176 MB."""

import os
import pickle
import tempfile
from pathlib import Path

import numpy as np

# As many as in the data set of The Movie Database that such apps are made of.
COUNT = 4806
TITLES = [f"Film {number}" for number in range(COUNT)]
SIMILARITY = Path(tempfile.gettempdir(), f"similarity-{COUNT}.pkl")


def make() -> None:
    """Write the matrix to `SIMILARITY`; float64, shape (COUNT, COUNT)."""
    vectors = np.random.default_rng(0).normal(size=(COUNT, 50))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    unfinished = SIMILARITY.with_suffix(f".{os.getpid()}")
    with open(unfinished, "wb") as file:
        pickle.dump(vectors @ vectors.T, file)
    unfinished.replace(SIMILARITY)


if not SIMILARITY.exists():
    make()
