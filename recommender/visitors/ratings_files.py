"""One person's ratings as a file, which the app, the command line and the library read alike.

MovieLens's columns are written. Read are MovieLens's, also those of movielens.org, and the exports
of Letterboxd, IMDb, TMDB, Trakt (JSON) and Netflix, or any CSV file with a movie and a rating.
"""

from __future__ import annotations

import csv
import io
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recommender.core.errors import DataError, ProfileError
from recommender.core.records import Id, Movie
from recommender.core.text_folding import fold, title_names
from recommender.core.titles import split_year
from recommender.recommender import Recommender
from recommender.visitors.file_times import read_times
from recommender.visitors.ratings_table import Limits, Table, read_table, short, wrong_row
from recommender.visitors.records import OwnRating

MAX_BYTES = 2 * 2**20
MAX_ROWS = 10_000
_APP_LIMITS = Limits(MAX_BYTES, MAX_ROWS)
# Of a file that is not sent over a network.
_FILE_LIMITS = Limits(64 * 2**20, 500_000)
# What spreadsheets take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_EXPORTED = ("userId", "movieId", "rating", "timestamp", "title")
_HALF_STARS, _TEN, _HUNDRED = (0.5, 5.0), (1.0, 10.0), (0.0, 100.0)
# The scale of those whose export says whose it is.
_SCALES = {
    **dict.fromkeys(("Letterboxd", "movielens.org"), _HALF_STARS),
    **dict.fromkeys(("IMDb", "TMDB", "Trakt"), _TEN),
}
# So many ratings beyond a scale are no typing errors but of another scale.
_MANY, _NEARLY_ALL, _SEVERAL = 0.2, 0.8, 3
# So far beyond a scale is no typing error, however few ratings there are.
_FAR = 2
# From so many on, half stars that end at 5 are not of a scale that ends at 10.
_ENOUGH = 10
# So many movies with another title say that the ids are of another catalogue.
_OTHER_TITLES = 5
# How many names a line lists.
_LISTED = 20
# Kinds of titles that no catalogue of movies has, even under the same title.
_SERIES = re.compile(
    "serie|season|staffel|temporada|saison|episod|game|podcast|show|시리즈|에피소드|^tv$"
)
_EPISODE = re.compile(
    r":\s*(?:(?:season|series|part|volume|chapter|book|staffel|teil|temporada|parte|saison|partie"
    r"|시즌|파트)\s*\d+|(?:limited|mini)[ -]?series)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)", re.ASCII)
_NOTHING = {"", "na", "n/a", "nan", "none", "null", "-", "not rated", "unrated"}
Scale = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FileRating:
    """One row of a file: a movie by its id here or at IMDb, or by title and year.

    Attributes:
        movie_id: the movie's id in the catalogue, None where the file has none.
        title, year: as the file writes them.
        stars: on the catalogue's scale; None where the file says only that it was watched.
        given_at: seconds since 1970; None where the file does not tell.
        imdb_id: such as ``tt0133093``; empty where the file has none.
        original: the title in the movie's own language.
    """

    movie_id: str | None
    title: str
    year: int | None
    stars: float | None
    given_at: int | None
    imdb_id: str = ""
    original: str = ""


@dataclass(frozen=True)
class RatingsFile:
    """The content of a file.

    Attributes:
        source: whose export it is; "CSV" where it does not say.
        rows: the movies that are rated or were watched.
        series: names of series, episodes and games, which are left out.
        unrated: how many rows have no rating.
        unreadable_times: how many rows have a time that is none; their ratings count as given now.
        scale: the file's own scale where its ratings were mapped from another one.
    """

    source: str
    rows: list[FileRating]
    series: tuple[str, ...] = ()
    unrated: int = 0
    unreadable_times: int = 0
    scale: Scale | None = None


@dataclass(frozen=True)
class Matched:
    """The ratings in a file of movies that the catalogue has, and what it has not.

    Attributes:
        ratings: one for each movie.
        missing: what the file calls the movies that the catalogue lacks.
        file: what was read.
        watched: how many of the ratings stand for a movie of which no rating is known.
        watched_stars: the rating that these count as, the catalogue's mean.
    """

    ratings: list[OwnRating]
    missing: list[str]
    file: RatingsFile
    watched: int = 0
    watched_stars: float = 0.0

    def lines(self) -> list[str]:
        """Return what to know beside the ratings, for people, one line a fact."""
        file, missing = self.file, len(self.missing)
        scale = file.scale or (0, 0)
        facts = (
            (missing, f"{missing:,} of {missing + len(self.ratings):,} movies are not in the "
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


def to_csv(ratings: Iterable[OwnRating], matinee: Recommender) -> bytes:
    """The ratings with MovieLens's columns and, for people, the title; UTF-8.

    `from_file` reads it again, and so does ``matinee train --ratings``. It begins with a byte order
    mark because spreadsheets garble Korean titles without.
    """
    ratings = list(ratings)
    movies = matinee.movies(rating.movie_id for rating in ratings)
    titles = {movie.movie_id: movie.title for movie in movies}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_EXPORTED)
    for rating in ratings:
        title = _as_text(titles.get(rating.movie_id, ""))
        writer.writerow([1, rating.movie_id, float(rating.stars), rating.given_at, title])
    return text.getvalue().encode("utf-8-sig")


def _as_text(title: str) -> str:
    """Return a title such that no spreadsheet takes it for a formula.

    Source: OWASP, CSV Injection.
    """
    return f"'{title}" if title.startswith(_FORMULA) else title


def from_file(data: bytes, scale: Scale, limits: Limits = _APP_LIMITS) -> RatingsFile:
    """Read a file of one person's ratings.

    Columns may be called as in `ratings_table.COLUMNS` and be separated by commas, semicolons,
    tabs, bars or "::"; times are as in `file_times.read_times`. Ratings on another scale, 1 to 10,
    0 to 100 or half stars up to 5, are mapped onto `scale`: known for a known export, else told by
    many ratings beyond `scale`, or by half stars up to 5 where that ends at 10.

    Args:
        data: the file, UTF-8.
        scale: the lowest and highest rating of the catalogue.

    Raises:
        ProfileError: the file is too large, no such file, holds the ratings of several people, or
            a rating is wrong; nothing of it is to be taken over then.
    """
    table = read_table(data, limits)
    source = _source(table)
    watched = "rating" not in table.parts
    rows: list[tuple[int, dict[str, str]]] = []
    series: list[str] = []
    unrated = 0
    for line, cells in _of_one_person(table):
        if _SERIES.search(fold(cells.get("kind", ""))):
            series.append(_named(cells.get("title", ""), None, cells.get("movie", "")))
        elif not watched and cells["rating"].strip().lower() in _NOTHING:
            unrated += 1
        else:
            rows.append((line, cells))
    stars = [None if watched else _number(cells["rating"], line) for line, cells in rows]
    own = _own_scale(source, "rating10" in table.names, stars, scale)
    times = [cells.get("time", "") for _, cells in rows]
    read = read_times(times, int(time.time()))
    return RatingsFile(
        source,
        [
            _file_rating(cells, _mapped(given, own, scale, line), at)
            for (line, cells), given, at in zip(rows, stars, read, strict=True)
        ],
        tuple(series),
        unrated,
        sum(bool(text.strip()) and at is None for text, at in zip(times, read, strict=True)),
        None if own == scale or not rows or watched else own,
    )


def read_ratings(path: str | Path, matinee: Recommender) -> Matched:
    """Read a file of one person's ratings, up to 64 MB and 500,000 rows; see `from_file`.

    >>> mine = read_ratings("ratings.csv", matinee)
    >>> matinee.recommend(mine.stars)

    Raises:
        DataError: the file cannot be read or used; names it, and the row.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(_FILE_LIMITS.bytes + 1)
        return match(from_file(data, matinee.scale, _FILE_LIMITS), matinee)
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
        elif row.stars is None and _EPISODE.search(row.title):
            series.append(short(row.title))
        else:
            missing.append(_named(row.title, row.year, row.movie_id or row.imdb_id or ""))
    now = int(time.time())
    ratings = [
        OwnRating(
            movie_id,
            mean if row.stars is None else row.stars,
            now if row.given_at is None else row.given_at,
        )
        for movie_id, row in found.items()
    ]
    watched = sum(row.stars is None for row in found.values())
    return Matched(ratings, missing, replace(file, series=tuple(series)), watched, mean)


def _source(table: Table) -> str:
    """Return whose export it is.

    Raises:
        ProfileError: it has no movies or no ratings.
    """
    names, parts = table.names, table.parts
    if table.nested and parts & {"rating", "time"} and "listedat" not in names:
        return "Trakt"
    if names == {"title", "date"} or names >= {"profilename", "starttime", "title"}:
        return "Netflix"
    if "rating" in parts and parts & {"movie", "title", "imdb"}:
        if "letterboxduri" in names:
            return "Letterboxd"
        if names >= {"movieid", "averagerating", "tmdbid"}:
            return "movielens.org"
        if names >= {"tmdbid", "yourrating"}:
            return "TMDB"
        return "IMDb" if "const" in names else "CSV"
    raise ProfileError(
        "the file needs a column of ratings, such as rating, and one of movies: movieId, or title "
        "and year; the exports of MovieLens, Letterboxd (ratings, diary, reviews), IMDb, TMDB and "
        "Trakt have both",
        "file_columns",
    )


def _of_one_person(table: Table) -> Iterator[tuple[int, dict[str, str]]]:
    """Raises ProfileError as soon as a second person's row comes."""
    first_user: str | None = None
    for line, cells in table.rows:
        user = cells.get("user", "").strip()
        first_user = user if first_user is None else first_user
        if user != first_user:
            first, second = short(first_user), short(user)
            raise ProfileError(
                f"row {line}: userId {first} and {second} are several people; keep one",
                "file_people",
                first=first,
                second=second,
            )
        yield line, cells


def _number(text: str, line: int) -> float:
    try:
        stars = float(text.strip().replace(",", ".", 1))
    except ValueError:
        raise wrong_row(line, text, "rating") from None
    if not math.isfinite(stars):
        raise wrong_row(line, text, "rating")
    return stars


def _own_scale(source: str, out_of_ten: bool, stars: list[float | None], scale: Scale) -> Scale:
    """Return the scale that the ratings of a file are on."""
    if out_of_ten or source in _SCALES:
        return _TEN if out_of_ten else _SCALES[source]
    given = [one for one in stars if one is not None]
    lowest, highest = min(given, default=scale[0]), max(given, default=scale[0])
    several = len(given) >= _SEVERAL and lowest < highest and lowest >= _TEN[0]
    far = len(given) >= _ENOUGH or highest >= scale[1] + _FAR
    for own, least in ((_TEN, _MANY), (_HUNDRED, _NEARLY_ALL)):
        beyond = sum(one > max(scale[1], own[1] / 10) for one in given)
        if several and far and highest <= own[1] and beyond >= least * len(given) > 0:
            return own
    halves = all(2 * one == round(2 * one) for one in given) and any(one % 1 for one in given)
    few = len(given) < _ENOUGH and lowest >= scale[0]
    if scale[1] == _TEN[1] and halves and highest <= _HALF_STARS[1] and not few:
        return _HALF_STARS
    return scale


def _mapped(stars: float | None, own: Scale, scale: Scale, line: int) -> float | None:
    """Return stars of the scale `own` on `scale`; scales with the same end differ in the lowest.

    Raises:
        ProfileError: they are not on the scale `own`.
    """
    if stars is None:
        return None
    if not own[0] <= stars <= own[1]:
        low, high = f"{own[0]:g}", f"{own[1]:g}"
        raise ProfileError(
            f"row {line}: {stars:g} is outside the scale {low} to {high}; convert them",
            "file_rating",
            row=line,
            value=f"{stars:g}",
            low=low,
            high=high,
        )
    if own[1] == scale[1]:
        return max(stars, scale[0])
    share = (stars - own[0]) / (own[1] - own[0])
    return scale[0] + share * (scale[1] - scale[0])


def _file_rating(cells: dict[str, str], stars: float | None, given_at: int | None) -> FileRating:
    title, year = cells.get("title", "").strip(), cells.get("year", "")
    title, in_title = split_year(title)
    own = _YEAR.search(year)
    movie_id = cells.get("movie")
    return FileRating(
        movie_id=movie_id,
        # A column such as "movie" may hold the titles.
        title=title or ("" if not movie_id or movie_id.strip().isdigit() else movie_id.strip()),
        year=int(own[0]) if own else in_title,
        stars=stars,
        given_at=given_at,
        imdb_id=_imdb_id(cells.get("imdb", movie_id or "").strip(), "imdb" in cells),
        original=cells.get("original", "").strip(),
    )


def _imdb_id(text: str, numbers_too: bool) -> str:
    if numbers_too and text.isascii() and text.isdigit():
        return f"tt{text:0>7}"
    return text if re.fullmatch(r"tt\d{1,9}", text, re.ASCII) else ""


def _ids_belong(rows: list[FileRating], matinee: Recommender) -> bool:
    """Return False if the ids are another catalogue's: most of the movies have other titles."""
    named = [row for row in rows if row.movie_id is not None and title_names(row.title)]
    same = other = 0
    for row in named:
        for movie in matinee.movies([str(row.movie_id).strip()]):
            agrees = bool(title_names(row.title) & title_names(movie.title))
            same, other = same + agrees, other + (not agrees)
    return other < max(_OTHER_TITLES, same)


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


def _named(title: str, year: int | None, other: str) -> str:
    if title.strip():
        return short(title) + (f" ({year})" if year else "")
    return f"movieId {short(other)}"
