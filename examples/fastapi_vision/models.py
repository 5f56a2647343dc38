"""Stand-ins of two models: weights of that size, made up when they are loaded."""

import numpy as np

MB = 1024 * 1024
SIDE = 640  # pixels of a photo's edge
DETECTOR_MB = 130
ENCODERS_MB = {"large": 338, "small": 88}


class Model:
    """A stack of square layers that together take `megabytes`.

    Attributes:
        megabytes: size of the weights.
    """

    def __init__(self, megabytes: int, width: int = 1024) -> None:
        rng = np.random.default_rng(megabytes)
        layers = megabytes * MB // (4 * width * width)
        self.megabytes = megabytes
        self._layers = [
            rng.standard_normal((width, width), np.float32) / np.float32(width**0.5)
            for _ in range(layers)
        ]

    def __call__(self, photos: np.ndarray) -> np.ndarray:
        """Return a vector for each photo; float32, shape (photos, width)."""
        flat = photos.reshape(len(photos), -1)
        states = flat[:, : len(self._layers[0])]
        for layer in self._layers:
            states = np.maximum(states @ layer, 0)
        return states


def photo(name: str) -> np.ndarray:
    """Return a made-up photo as a detector wants it; float32, shape (3, SIDE, SIDE), 4.7 MB."""
    rng = np.random.default_rng(list(name.encode()))
    return rng.random((3, SIDE, SIDE), np.float32)
