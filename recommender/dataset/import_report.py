"""The report of an import: what it read, kept and left out."""

from __future__ import annotations

from dataclasses import dataclass

from recommender.dataset.broken_rows import BrokenRows
from recommender.dataset.columns import ColumnUse


@dataclass(frozen=True)
class ImportReport:
    """ImportReport counts what was read, kept and left out.

    `files` are the names of the files, and `columns` say of each which of its columns were read.
    `notes` say of ratings and movies that they were joined, or do not seem to belong together.
    `missing_poster` is the first of those posters that are no files.
    `titled_movies` are a language's two letters and how many movies have a title in it.
    `unreadable_time` is the first of those that cannot be read.
    """

    files: tuple[str, ...]
    columns: tuple[ColumnUse, ...]
    notes: tuple[str, ...]
    ratings_read: int
    ratings_kept: int
    duplicates_replaced: int
    unknown_movie_ratings: int
    unrated: int
    users: int
    movies: int
    movies_without_ratings: int
    movies_without_title: int
    duplicate_movies: int
    tags_read: int
    unknown_movie_tags: int
    linked_movies: int
    unknown_movie_links: int
    titled_movies: tuple[tuple[str, int], ...]
    missing_posters: int
    missing_poster: str
    unknown_movie_titles: int
    broken_rows: tuple[BrokenRows, ...]
    unreadable_times: int = 0
    unreadable_time: str = ""

    def lines(self) -> list[str]:
        """Return the report for people, one line a fact; what did not happen is left out."""
        facts = (
            (
                self.duplicates_replaced,
                "ratings replaced by a later one of the same user and movie",
            ),
            (
                self.unreadable_times,
                f"ratings whose time cannot be read (such as {self.unreadable_time!r}), and "
                "counts for none: of one user's ratings of a movie the later row is kept then",
            ),
            (self.unrated, "ratings left out: they say that there is none (--unrated)"),
            (self.unknown_movie_ratings, "ratings left out: their movie is not in the catalogue"),
            (
                self.duplicate_movies,
                "catalogue rows left out: an earlier row has the same movie id",
            ),
            (self.movies_without_title, 'movies without a title, shown as "Movie" and their id'),
            (self.movies_without_ratings, "movies that nobody has rated"),
            (self.tags_read, "tags read"),
            (self.unknown_movie_tags, "tags left out: their movie is not in the catalogue"),
            (self.linked_movies, "movies with an IMDb or TMDB id"),
            (self.unknown_movie_links, "links left out: their movie is not in the catalogue"),
            *((count, f"movies with a title in {code!r}") for code, count in self.titled_movies),
            (
                self.missing_posters,
                "posters left out: they are no files in the folder of the movies (the first is "
                f"{self.missing_poster!r})",
            ),
            (self.unknown_movie_titles, "titles left out: their movie is not in the catalogue"),
        )
        return [
            f"files: {', '.join(self.files)}",
            *(use.line() for use in self.columns),
            f"{self.ratings_kept:,} of {self.ratings_read:,} ratings kept: "
            f"{self.users:,} users, {self.movies:,} movies in the catalogue",
            *(line for broken in self.broken_rows for line in broken.lines()),
            *self.notes,
            *(f"{count:,} {fact}" for count, fact in facts if count),
        ]
