"""The small typed records that every question is answered with."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from recommender.core.text_table import cell, table

if TYPE_CHECKING:
    import pandas

Id = int | str
# An id that pandas wrote as a float, which it does with a column that has gaps: "1.0" is "1".
FLOAT_ID = r"(-?[0-9]+)[.]0+"
# One as R and others write it: "1e+05" is "100000".
EXPONENT_ID = r"-?[0-9](?:[.][0-9]+)?[eE][+][0-9]{1,2}"
# What stands for an id that is not there, as pandas, R and databases write it.
NO_IDS = ("nan", "NaN", "<NA>", "\\N")
# Whole numbers below it are exact as floats.
EXACT_BELOW = 2**53


def plain_id(text: str) -> str:
    """Return the id `text`, where it is a whole number written as a float without what shows that:
    ``7.0`` as ``7``, and ``1e+05`` as ``100000``."""
    if found := re.fullmatch(FLOAT_ID, text):
        return found[1]
    if re.fullmatch(EXPONENT_ID, text):
        number = float(text)
        return str(int(number)) if number % 1 == 0 and abs(number) < EXACT_BELOW else text
    return text


@dataclass(frozen=True, slots=True)
class Movie:
    """One movie of the catalogue.

    `mean_rating` is None while nobody has rated it, and where ratings are counts; `imdb_id` (such
    as ``tt0114709``) and `tmdb_id` are None where the data have none. `titles` are those in other
    languages, by the language's two letters; `title_in` gives one.
    """

    movie_id: Id
    title: str
    year: int | None
    genres: tuple[str, ...]
    mean_rating: float | None
    n_ratings: int
    imdb_id: str | None = None
    tmdb_id: int | None = None
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)

    def title_in(self, language: str) -> str:
        """Return the title in a language, such as ``"ko"``, else `title`."""
        return self.titles.get(language, self.title)


@dataclass(frozen=True, slots=True)
class MovieDetails:
    """The facts of a movie that lists do not show; None or empty where the data have none.

    `runtime` is in minutes, `cast` the names as the data write them.
    """

    plot: str | None = None
    cast: str | None = None
    country: str | None = None
    runtime: int | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """One user of the training data."""

    user_id: Id
    n_ratings: int
    mean_rating: float


@dataclass(frozen=True, slots=True)
class RatedMovie:
    """A movie and the stars that a user gave it."""

    movie: Movie
    rating: float


@dataclass(frozen=True, slots=True)
class Reason:
    """A movie the person rated, and how much of a recommendation's score it brought."""

    movie: Movie
    part: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended movie.

    `score` is what the list is ordered by; `stars` the predicted rating, clipped to the scale, or
    None where the data have no stars but likes, counts, or ratings that are all equal.
    `collaborative` and `content` are the hybrid's two parts before weighting, each within 0..1.
    `reasons` are the movies that brought most to `score` of those rated above the person's own
    mean (or of all, where all are rated equally and well), `terms` the terms of the content
    model that did (``genre:drama``, ``decade:1990``, plain words); see `explain`.
    """

    rank: int
    movie: Movie
    score: float
    stars: float | None
    collaborative: float
    content: float
    reasons: tuple[Reason, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SharedRecommendation:
    """A movie that is recommended to several people together.

    `places` has its place in each one's own list of all candidates, from 1, and None for somebody
    who has rated nothing. `score` is 1 - (worst place - 1) / candidates.
    """

    rank: int
    movie: Movie
    score: float
    places: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class SimilarMovie:
    """A movie and its similarity to the one asked about, at most 1."""

    rank: int
    movie: Movie
    similarity: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of the data that a bundle was trained on."""

    movies: int
    users: int
    ratings: int
    mean_rating: float


Record = TypeVar("Record")


# The columns that a table begins with, as far as its records have them.
_FIRST = ("rank", "title", "year", "score", "similarity", "rating")
_UNKNOWN_SHOWN = 5
# The columns that are there only if a movie has a value: many data know no such ids.
LINKS = ("imdb_id", "tmdb_id")
# Each title in another language has a column called so, with the language's two letters behind.
TITLE_IN = "title_"


class Results(list[Record], Generic[Record]):
    """A list of records that can also be read as dictionaries or as a table.

    At a prompt it shows itself as a table of text, in a notebook as one of HTML.

    Attributes:
        unknown: ids that were asked for or rated, and that the catalogue lacks.
    """

    def __init__(self, records: Iterable[Record] = (), unknown: Iterable[Id] = ()) -> None:
        super().__init__(records)
        self.unknown = tuple(unknown)

    def __repr__(self) -> str:
        rows, columns = self._table()
        lines = list(table(rows, columns)) if rows else ["no results"]
        if self.unknown:
            shown = ", ".join(f"{one}" for one in self.unknown[:_UNKNOWN_SHOWN])
            more = ", …" if len(self.unknown) > _UNKNOWN_SHOWN else ""
            lines.append(f"{len(self.unknown):,} not in the catalogue: {shown}{more}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        rows, columns = self._table()
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{escape(cell(row[column]))}</td>" for column in columns)
            + "</tr>"
            for row in rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _table(self) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        """Return the records as rows, and the columns that a short table has."""
        rows = self.to_dicts()
        names = rows[0] if rows else {}
        return rows, tuple(name for name in (*_FIRST, "movie_id", "user_id") if name in names)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return the records as flat dictionaries; a movie's fields stand beside the record's.

        `imdb_id` and `tmdb_id` are in all of them, or, if no movie has any, in none; so are titles
        in other languages, such as `title_ko`.
        """
        rows = [_flat(record) for record in self]
        lists = [value for row in rows for value in row.values() if isinstance(value, list)]
        every = rows + [item for items in lists for item in items if isinstance(item, dict)]
        for name in LINKS:
            if all(row.get(name) is None for row in every):
                for row in every:
                    row.pop(name, None)
        titled = [row for row in every if "titles" in row]
        languages = sorted({language for row in titled for language in row["titles"]})
        for row in titled:
            titles = row.pop("titles")
            row |= {TITLE_IN + language: titles.get(language) for language in languages}
        return rows

    def to_pandas(self, *, nested: bool = False) -> pandas.DataFrame:
        """Return the records as a pandas table, one row a record (imports pandas).

        Rank, title, year and score are the first columns.

        Args:
            nested: keep the columns of lists as well, such as genres and reasons.
        """
        import pandas

        rows = self.to_dicts()
        names = dict.fromkeys(name for row in rows for name in row)
        lists = {name for row in rows for name, value in row.items() if isinstance(value, list)}
        first = [name for name in _FIRST if name in names]
        columns = [*first, *(name for name in names if name not in first)]
        kept = [name for name in columns if nested or name not in lists]
        return pandas.DataFrame(rows, columns=kept)


def _flat(record: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for one in dataclasses.fields(record):
        value = getattr(record, one.name)
        if isinstance(value, Movie):
            row.update(_flat(value))
        elif isinstance(value, tuple):
            row[one.name] = [_flat(v) if dataclasses.is_dataclass(v) else v for v in value]
        else:
            row[one.name] = value
    return row
