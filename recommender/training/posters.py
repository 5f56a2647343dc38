"""Posters in files, made small for a bundle."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from recommender.bundle.bundle import Bundle
from recommender.bundle.catalogue import FILE as CATALOGUE_FILE
from recommender.bundle.catalogue import Catalogue, MovieText
from recommender.bundle.posters import Posters
from recommender.core.errors import DataError, one_line

# As large as a card shows them on a dense screen; about 15 KB.
_SIZE = (320, 480)
_QUALITY = 75
_MAX_PIXELS = 50_000_000
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class PosterFiles:
    """Images of movies: those that the movies' file names; else those of a folder that are named
    after movie ids or IMDb ids, such as ``tt0114709.jpg``; else those that a bundle has.

    Args:
        folder: None where there is none.
        before: a bundle whose posters are kept; None where there is none.

    Attributes:
        unreadable: names of those that are no images, as far as they were read.

    Raises:
        DataError: the folder cannot be read.
    """

    def __init__(self, folder: Path | None, before: Bundle | None = None) -> None:
        self.unreadable: list[str] = []
        self._is_folder = folder is not None
        self._kept = Posters(before) if before else None
        self._before = Catalogue(before.file(CATALOGUE_FILE)) if before else None
        try:
            self._files = {
                path.stem.lower(): path
                for path in sorted(folder.iterdir() if folder else ())
                if path.suffix.lower() in _SUFFIXES
            }
        except OSError as error:
            raise DataError(f"{folder} cannot be read: {error.strerror}; check --posters") from None

    @property
    def any(self) -> bool:
        """Says that there is a folder, or a bundle with posters."""
        return self._is_folder or (self._kept is not None and self._kept.any)

    def images(self, movies: Iterable[MovieText]) -> Iterator[tuple[int, bytes]]:
        """Yield the index of each movie that has a poster, and a small JPEG of it.

        Memory: one image at a time, of 50 million pixels at most.
        """
        for index, movie in enumerate(movies):
            names = [str(movie.movie_id).lower()]
            if movie.imdb_id:
                names.append(f"tt{movie.imdb_id:07d}")
            path = next((self._files[name] for name in names if name in self._files), None)
            path = Path(movie.poster) if movie.poster else path
            image = _small(path) if path else self._image_before(movie)
            if image is not None:
                yield index, image
            elif path is not None:
                self.unreadable.append(path.name)

    def _image_before(self, movie: MovieText) -> bytes | None:
        if self._kept is None or self._before is None or not self._kept.any:
            return None
        index = self._before.movie_index(movie.movie_id)
        return None if index is None else self._kept.image(index)

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
