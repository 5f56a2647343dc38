"""One person's ratings and the catalogue: the movies that a file names are found, and ratings
become a file that can be read again.

MovieLens's columns are written, and beside them the title and the mark.
"""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from recommender.core.errors import DataError, ProfileError
from recommender.core.records import Id, Movie
from recommender.core.text_folding import title_names
from recommender.recommender import Recommender
from recommender.visitors.ratings_files import FileRating, RatingsFile, from_file, row_name
from recommender.visitors.ratings_table import Limits, short
from recommender.visitors.records import Mark, OwnMark, OwnRating, VisitorRatings

# Of a file that is not sent over a network.
_FILE_LIMITS = Limits(64 * 2**20, 500_000)
# What spreadsheets take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_EXPORTED = ("userId", "movieId", "rating", "timestamp", "title", "mark")
# So many movies with another title say that the ids are of another catalogue.
_OTHER_TITLES = 5
# How many names a line lists.
_LISTED = 20
_EPISODE = re.compile(
    r":\s*(?:(?:season|series|part|volume|chapter|book|staffel|teil|temporada|parte|saison|partie"
    r"|시즌|파트)\s*\d+|(?:limited|mini)[ -]?series)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Matched:
    """The ratings and marks in a file of movies that the catalogue has, and what it has not.

    Attributes:
        ratings: one for each movie that has no mark.
        missing: what the file calls the movies that the catalogue lacks.
        file: what was read.
        watched: how many of the ratings stand for a movie of which no rating is known.
        watched_stars: the rating that these count as, the catalogue's mean.
        marks: one for each movie that is marked.
    """

    ratings: list[OwnRating]
    missing: list[str]
    file: RatingsFile
    watched: int = 0
    watched_stars: float = 0.0
    marks: list[OwnMark] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return what to know beside the ratings, for people, one line a fact."""
        file, missing = self.file, len(self.missing)
        movies = missing + len(self.ratings) + len(self.marks)
        scale = file.scale or (0, 0)
        facts = (
            (missing, f"{missing:,} of {movies:,} movies are not in the "
             f"catalogue: {_listed(self.missing)}"),
            (len(file.series), f"{len(file.series):,} series left out: {_listed(file.series)}"),
            (file.unrated, f"{file.unrated:,} rows without a rating left out"),
            (self.watched, f"no ratings in it; {self.watched:,} movies that were watched count as "
             f"{self.watched_stars:g} stars each"),
            (file.scale, f"ratings from {scale[0]:g} to {scale[1]:g} mapped onto the catalogue's"),
            (file.unreadable_times, f"{file.unreadable_times:,} times are not readable; their "
             "ratings count as given now"),
        )  # fmt: skip
        return [fact for counts, fact in facts if counts]

    @property
    def stars(self) -> dict[Id, float]:
        """The stars by movie, as `Recommender.recommend` takes them."""
        return {rating.movie_id: rating.stars for rating in self.ratings}

    def marked(self, mark: Mark) -> list[Id]:
        """Return the movies with this mark, as `Recommender.recommend` takes hidden and seen
        ones."""
        return [one.movie_id for one in self.marks if one.mark == mark]


def to_csv(own: VisitorRatings, matinee: Recommender) -> bytes:
    """The ratings and marks with MovieLens's columns, the title for people, and the mark; UTF-8.

    `ratings_files.from_file` reads it again, and so does ``matinee train --ratings``, which is told
    by ``--unrated`` what to do with the marks. It begins with a byte order mark because
    spreadsheets garble Korean titles without.
    """
    rows = [
        *((r.movie_id, float(r.stars), r.given_at, "") for r in own.ratings),
        *((m.movie_id, "", m.given_at, m.mark) for m in own.marks),
    ]
    titles = {movie.movie_id: movie.title for movie in matinee.movies(row[0] for row in rows)}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_EXPORTED)
    for movie_id, stars, given_at, mark in rows:
        title = _as_text(titles.get(movie_id, ""))
        writer.writerow([1, movie_id, stars, given_at, title, mark])
    return text.getvalue().encode("utf-8-sig")


def read_ratings(path: str | Path, matinee: Recommender) -> Matched:
    """Read a file of one person's ratings (`ratings_files`), up to 64 MB and 500,000 rows.

    >>> mine = read_ratings("ratings.csv", matinee)
    >>> matinee.recommend(mine.stars)

    Raises:
        DataError: the file cannot be read or used; names it, and the row.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(_FILE_LIMITS.bytes + 1)
        return match(from_file(data, matinee.scale, _FILE_LIMITS, Path(path).name), matinee)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except ProfileError as error:
        raise DataError(f"{path}: {error}") from error


def match(
    file: RatingsFile,
    matinee: Recommender,
    within: Callable[[Iterable[FileRating]], Iterable[FileRating]] = iter,
) -> Matched:
    """Find the rows' movies in the catalogue; of two rows for one movie the later one counts.

    Movies are found by id, or by title and year (`Recommender.find_title`) where the file has no
    ids or those of another catalogue: most of its movies have other titles here. Rows are the later
    by their times where both have one. Movies that were only watched count as rated with the mean.

    Args:
        within: wraps the rows, to end the search for their movies from outside.
    """
    mean = round(2 * matinee.statistics.mean_rating) / 2
    by_id = _ids_belong(file.rows, matinee)
    by_imdb = matinee.movies_by_imdb_id({row.imdb_id for row in file.rows})
    found: dict[Id, FileRating] = {}
    missing: list[str] = []
    series = list(file.series)
    for row in within(file.rows):
        movie = _find(row, matinee, by_id, by_imdb)
        if movie is not None:
            before = found.get(movie.movie_id, row)
            if row.given_at is None or before.given_at is None or row.given_at >= before.given_at:
                found[movie.movie_id] = row
        elif row.stars is None and row.mark is None and _EPISODE.search(row.title):
            series.append(short(row.title))
        else:
            missing.append(row_name(row.title, row.year, row.movie_id or row.imdb_id or ""))
    now = int(time.time())
    timed = [
        (movie_id, row, now if row.given_at is None else row.given_at)
        for movie_id, row in found.items()
    ]
    ratings = [
        OwnRating(movie_id, mean if row.stars is None else row.stars, at)
        for movie_id, row, at in timed
        if row.mark is None
    ]
    marks = [OwnMark(movie_id, row.mark, at) for movie_id, row, at in timed if row.mark]
    watched = sum(row.stars is None and row.mark is None for row in found.values())
    file = replace(file, series=tuple(series))
    return Matched(ratings, missing, file, watched, mean, marks)


def _ids_belong(rows: list[FileRating], matinee: Recommender) -> bool:
    """Return False if the ids are another catalogue's: most of the movies have other titles, or, of
    a few, those that this catalogue has under another id."""
    same, others = 0, []
    for row in rows:
        movie_id = (row.movie_id or "").strip()
        if not movie_id or row.title == movie_id or not title_names(row.title):
            continue
        for movie in matinee.movies([movie_id]):
            titles = (movie.title, *movie.titles.values())
            if any(title_names(row.title) & title_names(title) for title in titles):
                same += 1
            else:
                others.append(row)
    if len(others) >= max(_OTHER_TITLES, same):
        return False
    if len(others) <= same:
        return True
    elsewhere = sum(matinee.find_title(row.title, row.year) is not None for row in others)
    return elsewhere <= same


def _find(
    row: FileRating, matinee: Recommender, by_id: bool, by_imdb: Mapping[str, Movie]
) -> Movie | None:
    if row.movie_id is not None and by_id:
        movie = next(iter(matinee.movies([row.movie_id.strip()])), None)
        if movie is not None:
            return movie
    if row.imdb_id in by_imdb:
        return by_imdb[row.imdb_id]
    if row.movie_id is not None and not row.year and row.title != row.movie_id.strip():
        return None  # it may be the title of many movies, and the id was of one
    titles = dict.fromkeys(title for title in (row.title, row.original) if title)
    found = (matinee.find_title(title, row.year) for title in titles)
    return next((movie for movie in found if movie is not None), None)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return "; ".join(names[:_LISTED]) + (f"; and {more:,} more" if more > 0 else "")


def _as_text(title: str) -> str:
    """Return a title such that no spreadsheet takes it for a formula.

    Source: OWASP, CSV Injection.
    """
    return f"'{title}" if title.startswith(_FORMULA) else title
