"""Input files: which of them hold the ratings, movies, tags and links, and each one's layout."""

from __future__ import annotations

import codecs
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from recommender.core.errors import DataError, one_line
from recommender.dataset.archives import begins_compressed, members, open_bytes, reading
from recommender.dataset.broken_rows import BrokenRows
from recommender.dataset.columns import Kind
from recommender.dataset.file_names import (
    PARQUET,
    SUFFIXES,
    begins_links,
    begins_titles,
    links_name,
    titles_name,
)

# A column of 0 and 1 that stands for one genre is called GENRE_FLAG followed by the genre.
GENRE_FLAG = "genre:"
GENRES_100K = (
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
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_START = 4096
# Formats that hold tables and are not read, by how their files begin, and what to do.
_OTHER_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV",
    b"SQLite format 3": "an SQLite database; export its tables as CSV",
    b"ARROW1": "an Arrow (Feather) file; save it as Parquet",
    b"\x89HDF": "an HDF5 file; save it as Parquet",
    b"\x93NUMPY": "a numpy array; save it as CSV",
    b"\x80\x03": "a pickle; save it as Parquet",
    b"\x80\x04": "a pickle; save it as Parquet",
    b"\x80\x05": "a pickle; save it as Parquet",
    b"ORC": "an ORC file; save it as Parquet",
    b"Obj\x01": "an Avro file; save it as Parquet",
    b"%PDF": "a PDF; save the table as CSV",
    b"Rar!": "a RAR archive; unpack it",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"<!doctype": "a web page; download the file itself",
    b"<html": "a web page; download the file itself",
    b"<?xml": "XML; save it as CSV",
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself with git lfs pull",
}
# Within archives: these workbooks are ZIP archives themselves.
_WORKBOOKS = {
    "xl/workbook.xml": "an Excel workbook; save it as CSV",
    "xl/workbook.bin": "an Excel workbook; save it as CSV",
    "content.xml": "an OpenDocument spreadsheet; save it as CSV",
}
# Other names than the kind's, of MovieLens 100K and of Kaggle's The Movies Dataset.
_OTHER_NAMES: dict[Kind, list[str]] = {
    "ratings": ["u.data", "ratings_small.csv"],
    "movies": ["u.item", "movies_metadata.csv"],
}
# The files of the Netflix Prize's ratings, as they are usually handed on.
NETFLIX_RATINGS, NETFLIX_PARTS = "combined_data_{}.txt", 4
_NETFLIX_MOVIE = re.compile(rb"\d{1,9},(\d{4}|NULL),")


@dataclass(frozen=True)
class TableFile:
    """One input file and its layout.

    Attributes:
        path: the file.
        kind: what it holds; also the command-line option that names it.
        parquet: whether it is Parquet; the other attributes are about text files.
        json: None, or whether it is JSON of objects a "line" or in one "array".
        member: the file's name in the archive that `path` is; None where it is none.
        folder: where the files that it names lie; None where they lie beside it.
        more: the other files where the table is in several, as the Netflix Prize's ratings are.
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
    json: Literal["line", "array"] | None = None
    member: str | None = None
    folder: Path | None = None
    more: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return str(self.path if self.member is None else self.path / self.member)

    @property
    def name(self) -> str:
        """The name of the file, or of the member of an archive, without its folder."""
        name = self.path.name if self.member is None else PurePosixPath(self.member).name
        return f"{name} and {len(self.more)} more" if self.more else name

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file, and the others where there are several."""
        return self.path, *self.more

    @property
    def option(self) -> str:
        """The command-line option that names this file."""
        return f"--{self.kind}"


@dataclass(frozen=True)
class Source:
    """The files of one data set.

    `tags`, `links` (IMDb and TMDB ids) and `titles` (in other languages) are None without any.
    `broken_rows` are those that were left out when the files were made of others.
    """

    ratings: TableFile
    movies: TableFile
    tags: TableFile | None = None
    links: TableFile | None = None
    titles: TableFile | None = None
    broken_rows: tuple[BrokenRows, ...] = ()

    @property
    def files(self) -> tuple[TableFile, ...]:
        """The files that the data set has: two to five."""
        every = (self.ratings, self.movies, self.tags, self.links, self.titles)
        return tuple(file for file in every if file)


def from_files(
    ratings: Path,
    movies: Path,
    tags: Path | None = None,
    links: Path | None = None,
    titles: Path | None = None,
) -> Source:
    """Find the layout of a data set's files: text, JSON or Parquet, plain or compressed.

    Where no `links` are named, ``links.csv`` (or another ending of `from_directory`) beside the
    movies is taken if its header says that it has IMDb or TMDB ids. In the same way `titles` are
    those of ``titles.csv`` or the only ``titles_ko.csv`` (or another language's), if its header
    has a column such as ``title_ko``.

    Each file is known by its content, apart from MovieLens 100K's ``u.data`` and ``u.item``. One
    that is compressed is read as it is; of an archive of several files the one named as its kind.

    Raises:
        DataError: a file is missing, is a directory or cannot be opened.
    """
    found = Source(
        table_file(Path(ratings), "ratings"),
        table_file(Path(movies), "movies"),
        table_file(Path(tags), "tags") if tags is not None else None,
    )
    beside = found.movies.path.parent
    links = Path(links) if links is not None else _links_in(beside)
    titles = Path(titles) if titles is not None else _titles_in(beside)
    return replace(
        found,
        links=table_file(links, "links") if links is not None else None,
        titles=table_file(titles, "titles") if titles is not None else None,
    )


def from_directory(folder: Path, titles: Path | None = None) -> Source:
    """Find the data set in a directory, or an archive, by the names of the files.

    Looks for ``ratings``, ``movies`` and (optional) ``tags`` and ``links`` with one of the endings
    `SUFFIXES`, the first of them that exists; then for MovieLens 100K's ``u.data`` and ``u.item``,
    The Movies Dataset's ``ratings_small.csv`` and ``movies_metadata.csv``, and the Netflix Prize's
    ``combined_data_1.txt`` to ``_4.txt`` and ``movie_titles.csv``.
    In an archive they may be in a folder. Titles in other languages are those of `from_files`.

    Raises:
        DataError: no such directory, or a file is not in it; names what was looked for.
    """
    folder = Path(folder)
    try:
        if folder.is_file() and members(folder) is not None:
            return _from_archive(folder, titles)
        if not folder.is_dir():
            problem = "is a file, not a directory" if folder.exists() else "does not exist"
            raise DataError(f"{folder} {problem}; check --dataset")
        ratings = _find(folder, "ratings", NETFLIX_RATINGS.format(1))
        movies = _find(folder, "movies", "movie_titles.csv", "movie_titles.txt")
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
    found = from_files(ratings, movies, tags, titles=titles)
    if ratings.name != NETFLIX_RATINGS.format(1):
        return found
    more = (folder / NETFLIX_RATINGS.format(part) for part in range(2, NETFLIX_PARTS + 1))
    return replace(found, ratings=replace(found.ratings, more=tuple(filter(Path.is_file, more))))


def _from_archive(path: Path, titles: Path | None) -> Source:
    """The data set in the archive `path`: the files in it that are called as the kinds."""
    names = members(path) or []
    tags, links = (path if _named(names, kind) else None for kind in ("tags", "links"))
    return from_files(path, path, tags, links, titles)


def _find(folder: Path, kind: Kind, *others: str) -> Path | None:
    names = [*(kind + suffix for suffix in SUFFIXES), *_OTHER_NAMES.get(kind, []), *others]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _links_in(folder: Path) -> Path | None:
    """The file of links in a folder; not one that is called so and is another."""
    try:
        path = _child(folder, links_name(_file_names(folder)))
        known = path and (path.suffix == ".dat" or begins_links(_first_bytes(path, "--links")))
        return path if known else None
    except OSError:
        return None


def _titles_in(folder: Path) -> Path | None:
    """The file of titles in a folder; not one that is called so and is another.

    Raises:
        DataError: there are several, of one language each.
    """
    try:
        path = _child(folder, titles_name(str(folder), _file_names(folder)))
        return path if path and begins_titles(_first_bytes(path, "--titles")) else None
    except OSError:
        return None


def _file_names(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if path.is_file())


def _child(folder: Path, name: str | None) -> Path | None:
    return None if name is None else folder / name


def table_file(path: Path, kind: Kind) -> TableFile:
    """Find the layout of a file of this machine; see `from_files`.

    Raises:
        DataError: it is missing, is a directory or cannot be opened.
    """
    option = f"--{kind}"
    start = _first_bytes(path, option)
    if not begins_compressed(start):
        return layout(path, kind, start)
    member = _member(path, kind)
    with reading(path), open_bytes(path, member) as file:
        start = file.read(_START)
    name = PurePosixPath(member).name if member else path.name
    found = layout(path.with_name(name), kind, start)
    return replace(found, path=path, member=member)


def layout(path: Path, kind: Kind, start: bytes) -> TableFile:
    """Find the layout of a file by its name and its first bytes, `start`; see `from_files`."""
    if start.startswith(_UTF_16) and not start.startswith(codecs.BOM_UTF32_LE):
        text = start[: len(start) // 2 * 2].decode("utf-16", "replace")
        return replace(layout(path, kind, text.encode()), fallback_encoding="utf-16")
    if path.suffix == ".parquet" or start.startswith(PARQUET):
        return TableFile(path, kind, parquet=True)
    content = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, what in _OTHER_FORMATS.items():
        if start.startswith(magic) or content.lower().startswith(magic):
            raise DataError(f"{path} is {what}, and check --{kind}")
    first = content.partition(b"\n")[0]
    if content.startswith((b"{", b"[")) and content[1:].lstrip()[:1] in b"{\"'":
        return TableFile(path, kind, json="line" if content.startswith(b"{") else "array")
    if path.name == "u.data":
        return TableFile(path, kind, False, "\t", False, _DAT_COLUMNS["ratings"], "latin-1")
    if path.name == "u.item":
        flags = tuple(GENRE_FLAG + name for name in _genre_names(path.with_name("u.genre")))
        columns = ("movie_id", "title", "release", "video_release", "url", *flags)
        return TableFile(path, kind, False, "|", False, columns, "latin-1")
    if b"::" in first:
        return TableFile(path, kind, False, "::", False, _DAT_COLUMNS.get(kind), "latin-1")
    if first.count(b"|") >= len(GENRES_100K):
        return TableFile(path, kind, False, "|", False, fallback_encoding="latin-1")
    fallback = "latin-1" if kind == "movies" and _NETFLIX_MOVIE.match(first) else None
    return TableFile(path, kind, fallback_encoding=fallback)


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


def _member(path: Path, kind: Kind) -> str | None:
    """The file of the archive `path` that holds the kind; None if it is no archive.

    Raises:
        DataError: none or several may, or the archive is a workbook or damaged.
    """
    names = members(path)
    if names is None:
        return None
    for name, what in _WORKBOOKS.items():
        if name in names:
            raise DataError(f"{path} is {what}, and check --{kind}")
    if len(names) == 1:
        return names[0]
    found = _named(names, kind)
    if found is None:
        shown = one_line(", ".join(names), 200)
        raise DataError(
            f"{path} holds {len(names)} files, none of them called {kind}: {shown}; unpack the "
            f"one that is meant, and check --{kind}"
        )
    return found


def _named(names: Sequence[str], kind: Kind) -> str | None:
    """The file in an archive that is called as the kind, in the folder nearest to the top."""
    by_depth = sorted(names, key=lambda name: (name.count("/"), name))
    wanted = [kind + suffix for suffix in SUFFIXES] + _OTHER_NAMES.get(kind, [])
    return next(
        (name for want in wanted for name in by_depth if PurePosixPath(name).name == want), None
    )


def _genre_names(path: Path) -> tuple[str, ...]:
    """The genres of ``u.item``'s flags: those that ``u.genre`` lists, else the published ones."""
    if not path.exists():
        return GENRES_100K
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
