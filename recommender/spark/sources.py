"""Input files of a training on Spark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from recommender.core.errors import DataError
from recommender.dataset.columns import Kind
from recommender.dataset.file_names import (
    SUFFIXES,
    begins_links,
    begins_titles,
    links_name,
    titles_name,
)
from recommender.spark.files import FileSystem


@dataclass(frozen=True)
class SparkSource:
    """The paths or addresses of one data set; `tags`, `links` and `titles` are None without any.

    The ratings may be a file, a folder of part files or a pattern, wherever all executors can read
    them; the movies, tags, links and titles are one file each, which the driver reads.
    """

    ratings: str
    movies: str
    tags: str | None = None
    links: str | None = None
    titles: str | None = None

    @property
    def files(self) -> tuple[tuple[Kind, str], ...]:
        """The paths that there are, by kind."""
        named: tuple[tuple[Kind, str | None], ...] = (
            ("ratings", self.ratings),
            ("movies", self.movies),
            ("tags", self.tags),
            ("links", self.links),
            ("titles", self.titles),
        )
        return tuple((kind, path) for kind, path in named if path)


def in_folder(files: FileSystem, folder: str) -> SparkSource:
    """Find the data set in a folder by its names, as `dataset.from_directory` does.

    Beside files it knows a folder ``ratings`` (or ``ratings.parquet``) of part files.

    Raises:
        DataError: the folder cannot be opened, or a file is not in it.
    """
    names = set(files.names(folder))

    def find(kind: Kind, *others: str) -> str | None:
        wanted = [*(kind + suffix for suffix in SUFFIXES), kind, *others]
        found = next((name for name in wanted if name in names), None)
        return f"{folder.rstrip('/')}/{found}" if found else None

    ratings, movies = find("ratings", "u.data"), find("movies", "u.item")
    if ratings is None or movies is None:
        kind = "movies" if ratings else "ratings"
        raise DataError(
            f"{folder} has no {kind} file; check --dataset, or name the files with --ratings and "
            "--movies"
        )
    return SparkSource(ratings, movies, find("tags"), find("links"))


def with_files_beside(files: FileSystem, source: SparkSource) -> SparkSource:
    """Return `source` with the links and titles beside its movies where it names none, as
    `dataset.from_files` does.

    Raises:
        DataError: there are several files of titles.
    """
    folder = source.movies.rpartition("/")[0] or ("/" if source.movies.startswith("/") else ".")
    try:
        names = set(files.names(folder))
    except DataError:  # not every kind of address can be listed
        return source

    def beside(name: str | None, kind: Kind, is_one: Callable[[bytes], bool]) -> str | None:
        if name is None:
            return None
        path = f"{folder.rstrip('/')}/{name}"
        found = files.find(path, kind)
        return path if len(found) == 1 and is_one(files.first_bytes(found[0])) else None

    links, titles = source.links, source.titles
    if links is None:
        links = beside(links_name(names), "links", begins_links)
    if titles is None:
        titles = beside(titles_name(folder, names), "titles", begins_titles)
    return replace(source, links=links, titles=titles)
