"""A visitor's ratings as a file: MovieLens's columns out, MovieLens's or Letterboxd's in."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from recommender.core.errors import ProfileError
from recommender.core.records import Id
from recommender.recommender import Recommender
from recommender.visitors.records import OwnRating

MAX_BYTES = 2 * 2**20
MAX_ROWS = 10_000
_SHOWN_CHARACTERS = 60
_EXPORTED = ("userId", "movieId", "rating", "timestamp", "title")
_MOVIELENS = {"movieid", "rating"}
_LETTERBOXD = {"name", "year", "rating"}
_LETTERBOXD_HIGHEST = 5.0
Rows = Iterator[tuple[int, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class FileRating:
    """One row of a file: a movie by id (MovieLens) or by title and year (Letterboxd)."""

    movie_id: str | None
    title: str
    year: int | None
    stars: float
    given_at: int


@dataclass(frozen=True)
class Matched:
    """The content of a file: ratings of movies that the catalogue has, and what it has not."""

    ratings: list[OwnRating]
    missing: list[str]


def to_csv(ratings: Iterable[OwnRating], matinee: Recommender) -> bytes:
    """The ratings with MovieLens's columns and, for people, the title; UTF-8.

    `from_csv` reads it again, and so does ``matinee train --ratings``. It begins with a byte order
    mark because spreadsheets garble Korean titles without.
    """
    ratings = list(ratings)
    movies = matinee.movies(rating.movie_id for rating in ratings)
    titles = {movie.movie_id: movie.title for movie in movies}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_EXPORTED)
    for rating in ratings:
        title = titles.get(rating.movie_id, "")
        writer.writerow([1, rating.movie_id, float(rating.stars), rating.given_at, title])
    return text.getvalue().encode("utf-8-sig")


def from_csv(data: bytes, scale: tuple[float, float]) -> list[FileRating]:
    """The rows of a file with the columns of MovieLens or of Letterboxd's ``ratings.csv``.

    Args:
        data: the file, UTF-8, at most `MAX_BYTES` and `MAX_ROWS`.
        scale: the lowest and highest rating of the catalogue.

    Raises:
        ProfileError: the file is too large, no such CSV, holds the ratings of several people, or a
            row is wrong; nothing of it is to be taken over then.
    """
    if len(data) > MAX_BYTES:
        raise _too_large()
    try:
        rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        columns = [name.strip().lower() for name in next(rows, [])]
        if set(columns) >= _MOVIELENS:
            return list(_movielens(_cells(columns, rows), scale))
        if set(columns) >= _LETTERBOXD:
            return list(_letterboxd(_cells(columns, rows), scale))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(f"the file is no CSV in UTF-8: {error}", "file_kind") from error
    raise ProfileError(
        "the file needs the columns movieId, rating (MovieLens) or Name, Year, Rating (Letterboxd)",
        "file_columns",
    )


def match(rows: Iterable[FileRating], matinee: Recommender) -> Matched:
    """Find the rows' movies in the catalogue; of two rows for one movie the later one counts.

    Titles are compared as `Recommender.find_title` does, about as long as a title search each.
    """
    found: dict[Id, OwnRating] = {}
    missing = []
    for row in rows:
        if row.movie_id is None:
            movie = matinee.find_title(row.title, row.year)
        else:
            movie = next(iter(matinee.movies([row.movie_id])), None)
        if movie is None:
            missing.append(_named(row))
        else:
            found[movie.movie_id] = OwnRating(movie.movie_id, row.stars, row.given_at)
    return Matched(list(found.values()), missing)


def _movielens(rows: Rows, scale: tuple[float, float]) -> Iterator[FileRating]:
    first_user: str | None = None
    for line, cells in rows:
        user = cells.get("userid", "")
        first_user = user if first_user is None else first_user
        if user != first_user:
            first, second = _short(first_user), _short(user)
            raise ProfileError(
                f"row {line}: userId {first} and {second} are several people; keep one",
                "file_people",
                first=first,
                second=second,
            )
        given_at = cells.get("timestamp", "")
        yield FileRating(
            movie_id=cells["movieid"],
            title=cells.get("title", ""),
            year=None,
            stars=_stars(cells["rating"], line, scale),
            given_at=_seconds(given_at, line) if given_at else int(time.time()),
        )


def _letterboxd(rows: Rows, scale: tuple[float, float]) -> Iterator[FileRating]:
    if scale[1] != _LETTERBOXD_HIGHEST:
        raise ProfileError(
            f"Letterboxd's ratings end at 5 stars, this catalogue's at {scale[1]:g}; "
            "convert them first",
            "file_scale",
            high=f"{scale[1]:g}",
        )
    for line, cells in rows:
        if not cells["rating"]:  # a diary entry without stars
            continue
        year, day = cells["year"], cells.get("date", "")
        yield FileRating(
            movie_id=None,
            title=cells["name"],
            year=int(year) if len(year) == 4 and year.isdecimal() else None,
            stars=_stars(cells["rating"], line, scale),
            given_at=_midnight(day, line) if day else int(time.time()),
        )


def _cells(columns: list[str], rows: Iterable[list[str]]) -> Rows:
    """Row number, as a spreadsheet counts, and cells by column; blank rows are passed over."""
    for line, row in enumerate(rows, start=2):
        if line > MAX_ROWS:
            raise _too_large()
        if row and len(row) != len(columns):
            raise ProfileError(
                f"row {line}: {len(row)} cells under {len(columns)} columns; mend the row",
                "file_row",
                row=line,
                value=_short(",".join(row)),
            )
        if row:
            yield line, dict(zip(columns, row, strict=True))


def _stars(text: str, line: int, scale: tuple[float, float]) -> float:
    low, high = scale
    try:
        stars = float(text)
    except ValueError:
        raise _wrong(line, text, "rating") from None
    if not low <= stars <= high:
        raise ProfileError(
            f"row {line}: {_short(text)} is outside the scale {low:g} to {high:g}; convert them",
            "file_rating",
            row=line,
            value=_short(text),
            low=f"{low:g}",
            high=f"{high:g}",
        )
    return stars


def _seconds(text: str, line: int) -> int:
    try:
        return min(max(int(text), 0), int(time.time()))
    except ValueError:
        raise _wrong(line, text, "timestamp") from None


def _midnight(text: str, line: int) -> int:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise _wrong(line, text, "Date") from None
    return min(max(int(day.timestamp()), 0), int(time.time()))


def _too_large() -> ProfileError:
    megabytes = f"{MAX_BYTES / 2**20:g}"
    return ProfileError(
        f"the file has more than {megabytes} MB or {MAX_ROWS} rows; give one person's ratings",
        "file_size",
        size=megabytes,
        rows=MAX_ROWS,
    )


def _wrong(line: int, text: str, column: str) -> ProfileError:
    value = _short(text)
    message = f"row {line}: {column} is {value}; mend the row"
    return ProfileError(message, "file_row", row=line, value=value)


def _named(row: FileRating) -> str:
    if row.title:
        return _short(row.title) + (f" ({row.year})" if row.year else "")
    return f"movieId {_short(row.movie_id or '')}"


def _short(text: str) -> str:
    """The beginning of a cell, in one line."""
    return " ".join(text.split())[:_SHOWN_CHARACTERS]
