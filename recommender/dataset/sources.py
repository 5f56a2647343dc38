"""Input files: which of them hold the ratings, movies, tags and links, and each one's layout."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from recommender.core.errors import DataError

Kind = Literal["ratings", "movies", "tags", "links"]

# What a column may be called, best name first; compared without case, spaces, "_" and "-".
COLUMN_NAMES: dict[Kind, dict[str, tuple[str, ...]]] = {
    "ratings": {
        "user_id": ("userid", "user"),
        "movie_id": ("movieid", "movie", "itemid", "item"),
        "rating": ("rating", "score", "stars"),
        "timestamp": ("timestamp", "time", "ratedat", "date"),
    },
    "movies": {
        "movie_id": ("movieid", "itemid", "movie", "item", "id"),
        "title": ("title", "movietitle", "name"),
        "genres": ("genres", "genre"),
        "year": ("year", "releaseyear", "releasedate"),
        "plot": ("plot", "overview", "description", "synopsis", "summary"),
        "tags": ("tags", "keywords"),
        "country": ("country", "countries"),
        "runtime": ("runtime", "runtimeminutes", "duration"),
        "cast": ("cast", "actors"),
        "imdb_id": ("imdbid", "imdb"),
        "tmdb_id": ("tmdbid", "tmdb"),
    },
    "tags": {
        "movie_id": ("movieid", "movie", "itemid", "item"),
        "tag": ("tag", "tags"),
    },
    "links": {
        "movie_id": ("movieid", "movie", "itemid", "item"),
        "imdb_id": ("imdbid", "imdb", "tconst"),
        "tmdb_id": ("tmdbid", "tmdb"),
    },
}
REQUIRED_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "ratings": ("user_id", "movie_id", "rating"),
    "movies": ("movie_id", "title"),
    "tags": ("movie_id", "tag"),
    "links": ("movie_id",),
}

# A column of 0 and 1 that stands for one genre is called GENRE_FLAG followed by the genre.
GENRE_FLAG = "genre:"
_GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
_DAT_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "ratings": ("user_id", "movie_id", "rating", "timestamp"),
    "movies": ("movie_id", "title", "genres"),
    "tags": ("user_id", "movie_id", "tag", "timestamp"),
    "links": ("movie_id", "imdb_id", "tmdb_id"),
}
# How files begin that say of themselves what they are; Parquet ends so, too.
PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_START = 4096
SUFFIXES = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".dat")


@dataclass(frozen=True)
class TableFile:
    """One input file and its layout.

    Attributes:
        path: the file.
        kind: what it holds; also the command-line option that names it.
        parquet: whether it is Parquet; the other attributes are about text files.
        delimiter: None where it is to be read off the header.
        quoted: whether fields may stand in double quotes.
        columns: the column names of a file without a header; None where it has one.
        fallback_encoding: what the file is in when it is not UTF-8; None where nobody knows.
    """

    path: Path
    kind: Kind
    parquet: bool = False
    delimiter: str | None = None
    quoted: bool = True
    columns: tuple[str, ...] | None = None
    fallback_encoding: str | None = None

    @property
    def option(self) -> str:
        """The command-line option that names this file."""
        return f"--{self.kind}"


@dataclass(frozen=True)
class Source:
    """The files of one data set; `tags` and `links` (IMDb and TMDB ids) are None without any."""

    ratings: TableFile
    movies: TableFile
    tags: TableFile | None = None
    links: TableFile | None = None

    @property
    def files(self) -> tuple[TableFile, ...]:
        """The files that the data set has: two to four."""
        return tuple(file for file in (self.ratings, self.movies, self.tags, self.links) if file)


def from_files(
    ratings: Path, movies: Path, tags: Path | None = None, links: Path | None = None
) -> Source:
    """Find the layout of a data set's files: CSV, Parquet, or one of MovieLens's own formats.

    Where no `links` are named, ``links.csv`` (or another ending of `from_directory`) beside the
    movies is taken if its header says that it has IMDb or TMDB ids.

    A MovieLens 100K file is known by its name (``u.data``, ``u.item``), a 1M or 10M file by the
    ending ``.dat`` and the delimiter ``::``. All else but ``.parquet`` is text with a header.

    Raises:
        DataError: a file is missing, is a directory or cannot be opened.
    """
    found = Source(
        table_file(Path(ratings), "ratings"),
        table_file(Path(movies), "movies"),
        table_file(Path(tags), "tags") if tags is not None else None,
    )
    links = Path(links) if links is not None else _links_beside(found.movies.path)
    return replace(found, links=table_file(links, "links")) if links is not None else found


def from_directory(folder: Path) -> Source:
    """Find the data set in a directory by the names of the files.

    Looks for ``ratings``, ``movies`` and (optional) ``tags`` and ``links`` with the endings
    ``.parquet``, ``.csv``, ``.csv.gz``, ``.tsv``, ``.tsv.gz`` or ``.dat``, the first of them that
    exists; then for MovieLens 100K's ``u.data`` and ``u.item``.

    Raises:
        DataError: no such directory, or a file is not in it; names what was looked for.
    """
    folder = Path(folder)
    try:
        if not folder.is_dir():
            problem = "is a file, not a directory" if folder.exists() else "does not exist"
            raise DataError(f"{folder} {problem}; check --dataset")
        ratings = _find(folder, "ratings", "u.data")
        movies = _find(folder, "movies", "u.item")
        tags = _find(folder, "tags")
    except OSError as error:
        raise DataError(f"{folder} cannot be opened: {error.strerror}; check --dataset") from None
    if not ratings or not movies:
        kind, other = ("movies", "u.item") if ratings else ("ratings", "u.data")
        names = ", ".join(kind + suffix for suffix in SUFFIXES)
        raise DataError(
            f"{folder} has no {kind} file: looked for {names} and {other}; "
            "check --dataset, or name the files with --ratings and --movies"
        )
    return from_files(ratings, movies, tags)


def match_columns(kind: Kind, found: Sequence[str]) -> dict[str, int]:
    """Map each part, such as "user_id", to the position of its column in `found`.

    Of columns with the same name the first counts.
    """
    plain = [re.sub(r"[\s_-]+", "", name).lower() for name in found]
    matched = {}
    for part, names in COLUMN_NAMES[kind].items():
        position = next((plain.index(name) for name in names if name in plain), None)
        if position is not None:
            matched[part] = position
    return matched


def _find(folder: Path, kind: str, other: str | None = None) -> Path | None:
    names = [kind + suffix for suffix in SUFFIXES] + ([other] if other else [])
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _links_beside(movies: Path) -> Path | None:
    """The file of links in the folder of `movies`; not one that is called so and is another."""
    try:
        path = _find(movies.parent, "links") or _find(movies.parent, "links_small")
        if path is None or path.suffix in (".parquet", ".gz", ".dat"):
            return path
        header = _first_bytes(path, "--links").partition(b"\n")[0].lower()
    except OSError:
        return None
    return path if b"imdb" in header or b"tmdb" in header else None


def table_file(path: Path, kind: Kind) -> TableFile:
    """Find the layout of a file of this machine; see `from_files`.

    Raises:
        DataError: it is missing, is a directory or cannot be opened.
    """
    return layout(path, kind, _first_bytes(path, f"--{kind}"))


def layout(path: Path, kind: Kind, start: bytes) -> TableFile:
    """Find the layout of a file by its name and its first bytes, `start`; see `from_files`."""
    if path.suffix == ".parquet" or start.startswith(PARQUET):
        return TableFile(path, kind, parquet=True)
    if start.startswith(_ZIP):
        raise DataError(f"{path} is a ZIP archive; unpack it, and check --{kind}")
    if path.suffix == ".dat" and b"::" in start.partition(b"\n")[0]:
        return TableFile(path, kind, False, "::", False, _DAT_COLUMNS[kind], "latin-1")
    if path.name == "u.data":
        return TableFile(path, kind, False, "\t", False, _DAT_COLUMNS["ratings"], "latin-1")
    if path.name == "u.item":
        flags = tuple(GENRE_FLAG + name for name in _genre_names(path.with_name("u.genre")))
        columns = ("movie_id", "title", "release", "video_release", "url", *flags)
        return TableFile(path, kind, False, "|", False, columns, "latin-1")
    return TableFile(path, kind)


def _first_bytes(path: Path, option: str) -> bytes:
    """Read a file's first bytes, and check that it is one that can be read more than once."""
    try:
        str(path).encode()
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise DataError(
                f"{path} is a directory; {option} needs a file (--dataset takes a directory)"
            )
        if not stat.S_ISREG(mode):
            raise DataError(f"{path} is a pipe or a device; {option} needs a file")
        with path.open("rb") as file:
            return file.read(_START)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check {option}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror}; check {option}") from None
    except UnicodeEncodeError:
        raise DataError(f"{path} has a name that is not UTF-8; rename it") from None
    except ValueError as error:  # a NUL in the name
        raise DataError(f"{path} cannot be opened: {error}; check {option}") from None


def _genre_names(path: Path) -> tuple[str, ...]:
    """The genres of ``u.item``'s flags: those that ``u.genre`` lists, else the published ones."""
    if not path.exists():
        return _GENRES_100K
    start = _first_bytes(path, "--movies")
    if len(start) == _START:
        raise DataError(f"{path} is too long for a list of genres; mend or remove it")
    names = []
    for number, line in enumerate(start.decode("latin-1").splitlines(), 1):
        name, bar, _ = line.partition("|")
        if line.strip() and not bar:
            raise DataError(
                f"{path}, line {number}: {line!r} is not NAME|NUMBER; mend or remove it"
            )
        if bar:
            names.append(name)
    return tuple(names)
