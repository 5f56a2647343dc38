"""One person's ratings as a file, which the app, the command line and the library read alike.

Read are Matinee's own export, with marks, MovieLens's columns, also those of movielens.org, and the
exports of Letterboxd, IMDb, TMDB, Trakt (JSON) and Netflix, or any CSV file with a movie and a
rating.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from recommender.core.errors import ProfileError
from recommender.core.rating_words import read_ratings
from recommender.core.records import plain_id
from recommender.core.text_folding import fold
from recommender.core.titles import split_year
from recommender.visitors.file_times import read_times
from recommender.visitors.ratings_table import Limits, Table, read_table, short, wrong_row
from recommender.visitors.records import MARKS, Mark

MAX_BYTES = 2 * 2**20
MAX_ROWS = 10_000
_APP_LIMITS = Limits(MAX_BYTES, MAX_ROWS)
_HALF_STARS, _TEN, _HUNDRED = (0.5, 5.0), (1.0, 10.0), (0.0, 100.0)
# The scale of those whose export says whose it is.
_SCALES = {
    **dict.fromkeys(("Letterboxd", "movielens.org"), _HALF_STARS),
    **dict.fromkeys(("IMDb", "TMDB", "Trakt", "Simkl", "Kinopoisk"), _TEN),
}
# Those of ratings in signs or words (`rating_words`), by their highest; others begin at 1.
_SPELLED = {1.0: (0.0, 1.0), 5.0: _HALF_STARS, 10.0: _TEN, 100.0: _HUNDRED}
_WATCHLIST = re.compile("watch[ _-]?list|want[ _-]to[ _-](?:see|watch)", re.IGNORECASE)
# So many ratings beyond a scale are no typing errors but of another scale.
_MANY, _NEARLY_ALL, _SEVERAL = 0.2, 0.8, 3
# So far beyond a scale is no typing error, however few ratings there are.
_FAR = 2
# From so many on, half stars that end at 5 are not of a scale that ends at 10.
_ENOUGH = 10
# Kinds of titles that no catalogue of movies has, even under the same title.
_SERIES = re.compile(
    "serie|season|staffel|temporada|saison|episod|game|podcast|show|시리즈|에피소드|^tv$"
    "|trailer|teaser|promo|hook|recap|cinemagraph|tutorial"  # Netflix's supplements
)
_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)", re.ASCII)
_NOTHING = {"", "na", "n/a", "nan", "none", "null", "-", "not rated", "unrated"}
_LARGEST = 1e6  # beyond any scale
Scale = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FileRating:
    """One row of a file: a movie by its id here or at IMDb, or by title and year.

    Attributes:
        movie_id: the movie's id in the catalogue, None where the file has none.
        title, year: as the file writes them.
        stars: on the catalogue's scale; None where there is a mark, or where the file says only
            that it was watched.
        given_at: seconds since 1970; None where the file does not tell.
        imdb_id: such as ``tt0133093``; empty where the file has none.
        original: the title in the movie's own language.
        mark: saved, seen or hidden, as Matinee exports it; None in any other file.
    """

    movie_id: str | None
    title: str
    year: int | None
    stars: float | None
    given_at: int | None
    imdb_id: str = ""
    original: str = ""
    mark: Mark | None = None


@dataclass(frozen=True)
class RatingsFile:
    """The content of a file.

    Attributes:
        source: whose export it is; "CSV" where it does not say.
        rows: the movies that are rated or marked, or were watched.
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


def from_file(
    data: bytes, scale: Scale, limits: Limits = _APP_LIMITS, name: str = ""
) -> RatingsFile:
    """Read a file of one person's ratings.

    Columns may be called as in `ratings_table.COLUMNS` and be separated by commas, semicolons,
    tabs, bars or "::"; times are as in `file_times.read_times`. Ratings on another scale, 1 to 10,
    0 to 100 or half stars up to 5, are mapped onto `scale`: known for a known export, else told by
    many ratings beyond `scale`, or by half stars up to 5 where that ends at 10. Ratings may all be
    in signs or words, see `rating_words`.

    Args:
        data: the file, UTF-8 or UTF-16, or compressed in gzip or ZIP.
        scale: the lowest and highest rating of the catalogue.
        name: the file's, which tells Letterboxd's list of movies to see from that of those seen.

    Raises:
        ProfileError: the file is too large, no such file, holds the ratings of several people, or
            a rating is wrong; nothing of it is to be taken over then.
    """
    table = read_table(data, limits)
    source = _source(table, name)
    watched = "rating" not in table.parts
    rows: list[tuple[int, dict[str, str]]] = []
    series: list[str] = []
    unrated = 0
    for line, cells in _of_one_person(table):
        if _SERIES.search(fold(cells.get("kind", ""))):
            series.append(row_name(cells.get("title", ""), None, cells.get("movie", "")))
        elif not watched and _is_empty(cells["rating"]) and _mark(cells) is None:
            unrated += 1
        else:
            rows.append((line, cells))
    if not rows and unrated and "const" in table.names:
        raise _to_see()
    rated = {cells["rating"] for _, cells in rows if not watched and not _is_empty(cells["rating"])}
    numbers, highest = read_ratings(rated) or ({}, None)
    stars = [
        None
        if watched or _is_empty(cells["rating"])
        else numbers[cells["rating"]]
        if numbers
        else _number(cells["rating"], line)
        for line, cells in rows
    ]
    own = _own_scale(source, "rating10" in table.names, stars, scale)
    if highest is not None:
        own = _SPELLED.get(highest, (1.0, highest))
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


def _is_empty(rating: str) -> bool:
    return rating.strip().lower() in _NOTHING


def _mark(cells: dict[str, str]) -> Mark | None:
    said = cells.get("mark", "").strip().lower()
    return next((mark for mark in MARKS if mark == said), None)


def _to_see() -> ProfileError:
    return ProfileError(
        "the file lists movies without your ratings, as a watchlist does; give the export of "
        "ratings, such as ratings.csv",
        "file_watchlist",
    )


def _source(table: Table, name: str) -> str:
    """Return whose export it is.

    Raises:
        ProfileError: it has no movies or no ratings, or is a list of movies to see.
    """
    names, parts = table.names, table.parts
    if "rating" not in parts and (
        _WATCHLIST.search(name)
        or names & {"listedat", "collectedat"}
        or names >= {"const", "position"}
    ):
        raise _to_see()
    if table.nested and parts & {"rating", "time"}:
        return "Trakt"
    history = parts == {"title", "time"} and len(names) == len(parts)
    if history or names >= {"profilename", "starttime", "title"}:
        return "Netflix"
    if "title" in parts and "letterboxduri" in names:
        return "Letterboxd"
    if "rating" in parts and parts & {"movie", "title", "imdb"}:
        if "русскоязычноеназвание" in names:
            return "Kinopoisk"
        if names >= {"movieid", "averagerating", "tmdbid"}:
            return "movielens.org"
        if names >= {"tmdbid", "yourrating"}:
            return "TMDB"
        if "simklid" in names:
            return "Simkl"
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
        user = plain_id(cells.get("user", "").strip())
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
    if not abs(stars) <= _LARGEST:
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
    numbered = not movie_id or plain_id(movie_id.strip()).isdigit()
    return FileRating(
        movie_id=movie_id,
        # A column such as "movie" may hold the titles.
        title=title or ("" if numbered else str(movie_id).strip()),
        year=int(own[0]) if own else in_title,
        stars=stars,
        given_at=given_at,
        imdb_id=_imdb_id(plain_id(cells.get("imdb", movie_id or "").strip()), "imdb" in cells),
        original=cells.get("original", "").strip(),
        mark=_mark(cells) if stars is None else None,
    )


def _imdb_id(text: str, numbers_too: bool) -> str:
    if numbers_too and text.isascii() and text.isdigit():
        return f"tt{text:0>7}"
    return text if re.fullmatch(r"tt\d{1,9}", text, re.ASCII) else ""


def row_name(title: str, year: int | None, other: str) -> str:
    """Return what a person calls the movie of a row: title and year, or the id `other`."""
    if title.strip():
        return short(title) + (f" ({year})" if year else "")
    return f"movieId {short(other)}"
