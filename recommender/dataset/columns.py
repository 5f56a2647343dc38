"""Columns: what they may be called in files of any origin, and which of them are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from recommender.core.column_names import (
    COUNT,
    IMDB_ID,
    MOVIE_ID,
    RATING,
    TIME,
    TITLE,
    TMDB_ID,
    USER_ID,
    YEAR,
    plain_name,
    title_language,
)
from recommender.core.errors import DataError, one_line
from recommender.core.records import TITLE_IN

Kind = Literal["ratings", "movies", "tags", "links", "titles"]

_MAX_COLUMNS = 1000
TITLED: tuple[Kind, ...] = ("movies", "titles")
# So many columns of ratings may be a matrix, with a column for each movie.
_MIN_MATRIX_COLUMNS = 9
# What a column may be called, best name first; compared by `plain_name`.
COLUMN_NAMES: dict[Kind, dict[str, tuple[str, ...]]] = {
    "ratings": {
        "user_id": USER_ID,
        "movie_id": (*MOVIE_ID, *IMDB_ID, *TMDB_ID),
        "rating": (*RATING, *COUNT),
        "timestamp": TIME,
    },
    "movies": {
        "movie_id": (*MOVIE_ID, "id", *IMDB_ID, *TMDB_ID),
        "title": TITLE,
        "genres": (
            *("genres", "genre", "moviegenres", "moviegenre", "genrenames", "genrename"),
            *("listedin", "class", "categories", "category"),
            *("장르", "ジャンル", "类型", "género", "géneros", "generi"),
        ),
        "year": YEAR,
        "plot": (
            *("plot", "overview", "description", "synopsis", "summary", "storyline"),
            *("plotsummary", "plotsynopsis", "sypnopsis", "desc", "줄거리", "あらすじ", "剧情"),
        ),
        "tags": ("tags", "keywords", "plotkeywords"),
        "country": (
            *("country", "countries", "productioncountries", "productioncountry"),
            *("countryoforigin", "origincountry"),
        ),
        "runtime": (
            *("runtime", "runtimeminutes", "runtimemins", "runtimemin", "runningtime"),
            *("duration", "durationmins", "length"),
        ),
        "cast": ("cast", "actors", "starring", "topcast", "castmembers"),
        "imdb_id": IMDB_ID,
        "tmdb_id": TMDB_ID,
        "poster": ("poster", "posterfile"),
    },
    "tags": {
        "movie_id": (*MOVIE_ID, *IMDB_ID, *TMDB_ID),
        "tag": ("tag", "tags", "keyword", "keywords"),
    },
    "links": {"movie_id": MOVIE_ID, "imdb_id": IMDB_ID, "tmdb_id": TMDB_ID},
    "titles": {"movie_id": (*MOVIE_ID, "id"), "imdb_id": IMDB_ID, "tmdb_id": TMDB_ID},
}
REQUIRED_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "ratings": ("user_id", "movie_id", "rating"),
    "movies": ("movie_id", "title"),
    "tags": ("movie_id", "tag"),
    "links": ("movie_id",),
    "titles": (),
}
# Names that are a title's where another column is the id, as in "id, movie, genre".
_TITLE_OR_ID = ("movie", "film", "item")
_SEQUENCE = re.compile(r":token_seq$", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnUse:
    """ColumnUse tells of one file which of its columns were read.

    Attributes:
        file: the name of the file.
        taken: the column's name in the file for each part that was found, such as "user_id".
        unused: the names of the other columns.
    """

    file: str
    taken: dict[str, str]
    unused: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the same in one line for people."""
        taken = ", ".join(
            part if part == name else f"{part} from {one_line(name, 40)!r}"
            for part, name in self.taken.items()
        )
        unused = ", ".join(one_line(name, 40) for name in self.unused)
        return f"{self.file}: read {taken}" + (
            f"; not used: {one_line(unused, 300)}" * bool(unused)
        )


def is_sequence(name: str) -> bool:
    """Return whether a column's name says that its cells are words with spaces between them."""
    return bool(_SEQUENCE.search(name.strip()))


def match_columns(kind: Kind, found: Sequence[str]) -> dict[str, int]:
    """Map each part, such as "user_id", to the position of its column in `found`.

    Of columns with the same name the first counts, and no column is taken twice. Titles in a
    language are parts such as "title_ko".
    """
    plain = [plain_name(name) for name in found]
    matched: dict[str, int] = {}
    for part, names in COLUMN_NAMES[kind].items():
        position = next((plain.index(name) for name in names if name in plain), None)
        if position is not None and position not in matched.values():
            matched[part] = position
    if kind == "movies" and "title" not in matched and "id" in plain and "movie_id" in matched:
        position = matched["movie_id"]
        if plain[position] in _TITLE_OR_ID:
            matched |= {"movie_id": plain.index("id"), "title": position}
    for position, name in enumerate(found if kind in TITLED else ()):
        language = title_language(name)
        if language and position not in matched.values():
            matched.setdefault(TITLE_IN + language, position)
    return matched


def find_columns(place: str, kind: Kind, columns: Sequence[str]) -> dict[str, int]:
    """Map each part to the position of its column in the file `place`; see `match_columns`.

    Raises:
        DataError: there are too many of them, or one that is needed is missing.
    """
    if len(columns) > _MAX_COLUMNS:
        raise DataError(
            f"{place} has {len(columns):,} columns where {_MAX_COLUMNS:,} are the most; "
            f"check --{kind}{matrix_advice(kind, columns)}"
        )
    matched = match_columns(kind, columns)
    missing = [part for part in REQUIRED_COLUMNS[kind] if part not in matched]
    if kind == "titles":
        missing = _missing_of_titles(matched)
    if missing:
        found = one_line(", ".join(column.strip() for column in columns), 500)
        raise DataError(
            f"{place} has no column {' and no column '.join(missing)}; its header has: "
            f"{found}; rename the columns or check --{kind}{matrix_advice(kind, columns)}"
        )
    return matched


def _missing_of_titles(matched: dict[str, int]) -> list[str]:
    """Return what a file of titles lacks: one of the ids, or a title."""
    ids = COLUMN_NAMES["titles"].keys()
    titled = any(part.startswith(TITLE_IN) for part in matched)
    return [
        *([] if ids & matched.keys() else ["movie_id (or imdb_id or tmdb_id)"]),
        *([] if titled else ["title_ko (or of another language's two letters)"]),
    ]


def matrix_advice(kind: Kind, columns: Sequence[str]) -> str:
    """Return what to do where ratings may have a column for each movie; nothing where they are too
    few for that."""
    if kind != "ratings" or len(columns) < _MIN_MATRIX_COLUMNS:
        return ""
    return "; if each column is a movie, make a row of each rating: user, movie, rating"


def column_use(
    file: str, columns: Sequence[str], matched: dict[str, int], named: bool = True
) -> ColumnUse:
    """Return which of a file's `columns` are read, those that `find_columns` matched.

    Args:
        named: whether the file names its columns; if not, they are told by their number.
    """
    if not named:
        columns = [f"column {position}" for position in range(1, len(columns) + 1)]
    taken = {part: columns[position].strip() for part, position in matched.items()}
    used = set(matched.values())
    unused = (name.strip() for position, name in enumerate(columns) if position not in used)
    return ColumnUse(file, taken, tuple(name for name in unused if name))
