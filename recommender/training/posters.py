"""Posters in a folder, made small for a bundle."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from recommender.bundle.catalogue import MovieText
from recommender.core.errors import DataError, one_line

# As large as a card shows them on a dense screen; about 15 KB.
_SIZE = (320, 480)
_QUALITY = 75
_MAX_PIXELS = 50_000_000
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class PosterFolder:
    """Images of a folder that are named after movie ids or IMDb ids, such as ``tt0114709.jpg``.

    Attributes:
        unreadable: names of those that are no images, as far as they were read.

    Raises:
        DataError: the folder cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.unreadable: list[str] = []
        try:
            self._files = {
                path.stem.lower(): path
                for path in sorted(folder.iterdir())
                if path.suffix.lower() in _SUFFIXES
            }
        except OSError as error:
            raise DataError(f"{folder} cannot be read: {error.strerror}; check --posters") from None

    def images(self, movies: Iterable[MovieText]) -> Iterator[tuple[int, bytes]]:
        """Yield the index of each movie that has a poster, and a small JPEG of it.

        Memory: one image at a time, of 50 million pixels at most.
        """
        for index, movie in enumerate(movies):
            names = [str(movie.movie_id).lower()]
            if movie.imdb_id:
                names.append(f"tt{movie.imdb_id:07d}")
            path = next((self._files[name] for name in names if name in self._files), None)
            if path is not None and (image := _small(path)) is None:
                self.unreadable.append(path.name)
            elif path is not None and image is not None:
                yield index, image

    def lines(self, kept: int) -> list[str]:
        """Return what the report says of them, when `kept` posters were kept."""
        found = [f"{kept:,} movies with a poster"]
        if self.unreadable:
            first = one_line(self.unreadable[0], 100)
            count = len(self.unreadable)
            found.append(f"{count:,} posters left out: no image can be read (the first is {first})")
        return found


def _small(path: Path) -> bytes | None:
    from PIL import Image  # comes with Streamlit

    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("error")
            if image.width * image.height > _MAX_PIXELS:
                return None
            image.draft("RGB", _SIZE)  # a JPEG is read at a fraction of its size
            small = image.convert("RGB")
        small.thumbnail(_SIZE)
        data = io.BytesIO()
        small.save(data, "JPEG", quality=_QUALITY, optimize=True)
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        return None
    return data.getvalue()
