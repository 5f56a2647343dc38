"""One person's ratings as a CSV file, which the app and the command line read alike.

MovieLens's columns are written; MovieLens's, Letterboxd's and IMDb's are read.
"""

from __future__ import annotations

import csv
import io
import re
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
_IMDB = {"const", "yourrating", "title", "year"}
_IMDB_SCALE = (1.0, 10.0)
# Title types of IMDb that no catalogue of movies has, even under the same title.
_SERIES = re.compile(r"series|episode|game|podcast", re.I)
# Later times are in milliseconds, microseconds or nanoseconds.
_LAST_SECOND = 10**11
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
    """Return the rows of a file with the columns of MovieLens, Letterboxd or IMDb.

    Columns may be spelt ``movieId`` or ``movie_id`` and be separated by commas, semicolons or tabs;
    times are seconds, milliseconds or ISO 8601; IMDb's 1 to 10 is mapped onto `scale`.

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
        text = data.decode("utf-8-sig")
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        columns = [re.sub(r"[\s_-]", "", name).lower() for name in next(rows, [])]
        if set(columns) >= _MOVIELENS:
            return list(_movielens(_cells(columns, rows), scale))
        if set(columns) >= _IMDB:
            return list(_imdb(_cells(columns, rows), scale))
        if set(columns) >= _LETTERBOXD:
            return list(_letterboxd(_cells(columns, rows), scale))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ProfileError(f"the file is no CSV in UTF-8: {error}", "file_kind") from error
    raise ProfileError(
        "the file needs the columns movieId, rating (MovieLens), Name, Year, Rating (Letterboxd) "
        "or Const, Your Rating, Title, Year (IMDb)",
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
            movie = next(iter(matinee.movies([row.movie_id.strip()])), None)
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


def _imdb(rows: Rows, scale: tuple[float, float]) -> Iterator[FileRating]:
    low, high = _IMDB_SCALE
    for line, cells in rows:
        if not cells["yourrating"]:
            continue
        share = (_stars(cells["yourrating"], line, _IMDB_SCALE) - low) / (high - low)
        day = cells.get("daterated", "")
        yield FileRating(
            # By its own id a series is listed as missing.
            movie_id=cells["const"] if _SERIES.search(cells.get("titletype", "")) else None,
            title=cells["title"],
            year=_year(cells["year"]),
            stars=scale[0] + share * (scale[1] - scale[0]),
            given_at=_seconds(day, line) if day else int(time.time()),
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
        day = cells.get("watcheddate") or cells.get("date", "")
        yield FileRating(
            movie_id=None,
            title=cells["name"],
            year=_year(cells["year"]),
            stars=_stars(cells["rating"], line, scale),
            given_at=_seconds(day, line) if day else int(time.time()),
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
    """Return seconds since 1970, not later than now, of seconds or finer units or ISO 8601."""
    try:
        try:
            seconds = float(text)
            for _ in range(3):
                seconds /= 1000 if seconds > _LAST_SECOND else 1
        except ValueError:
            day = datetime.fromisoformat(text.strip())
            seconds = (day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp()
        return min(max(int(seconds), 0), int(time.time()))
    except (ValueError, OverflowError):
        raise _wrong(line, text, "the time") from None


def _year(text: str) -> int | None:
    return int(text) if len(text) == 4 and text.isdecimal() else None


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
