"""The two text formats of the Netflix Prize, rewritten as tables that any reader knows.

Source: the README of the Netflix Prize data set. Ratings stand in blocks: a line ``1:`` with the
movie's id, then a line ``user,rating,date`` each. Movies are lines ``id,year,title`` whose titles
may hold commas, without quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from recommender.dataset.archives import open_bytes

RATINGS_COLUMNS = ("movie_id", "user_id", "rating", "timestamp")
MOVIES_COLUMNS = ("movie_id", "year", "title")
_CHUNK = 1 << 20
_MOVIE = re.compile(rb"^(\d{1,9}):[ \t]*$", re.MULTILINE)
_FIRST_MOVIE = re.compile(r"\d{1,9}:\s*")
_TITLE = re.compile(r"\d{1,9},(?:\d{4}|NULL),\S.*")


def is_ratings(lines: Sequence[str]) -> bool:
    """Return whether ratings that begin with these lines are blocks of a movie each."""
    return bool(lines) and bool(_FIRST_MOVIE.fullmatch(lines[0]))


def is_movies(lines: Sequence[str]) -> bool:
    """Return whether these lines are ids, years, and titles without quotes."""
    return (
        bool(lines)
        and all(map(_TITLE.fullmatch, lines))
        and not any('"' in line for line in lines)
        and min(line.count(",") for line in lines) == MOVIES_COLUMNS.index("title")
    )


def rewrite_ratings(texts: Iterable[Path], copy: Path) -> None:
    """Write the ratings of the files `texts` into `copy`: `RATINGS_COLUMNS`, with commas.

    Each row stays in its line; the movies' own lines become blank. Memory: a few MB.
    """
    with copy.open("wb") as out:
        for text in texts:
            rest, movie = b"", b""
            with open_bytes(text) as file:
                while chunk := file.read(_CHUNK):
                    whole, _, rest = (rest + chunk).rpartition(b"\n")
                    whole = whole.replace(b"\r\n", b"\n").removesuffix(b"\r")
                    movie = _write_blocks(whole, movie, out)
                if rest.strip():
                    _write_blocks(rest.removesuffix(b"\r"), movie, out)


def rewrite_movies(text: Path, copy: Path) -> None:
    """Write the movies of the file `text`, UTF-8, into `copy`: `MOVIES_COLUMNS`, with tabs."""
    with open_bytes(text) as file, copy.open("w", encoding="utf-8", newline="\n") as out:
        for line in file:
            fields = line.decode().rstrip("\r\n").replace("\t", " ").split(",", 2)
            out.write("\t".join(fields) + "\n")


def _write_blocks(lines: bytes, movie: bytes, out: IO[bytes]) -> bytes:
    """Write `lines` with the movie's id before each, from `movie` on; return the last movie."""
    first, *others = _MOVIE.split(lines)
    _write_rows(first, movie, out)
    for movie, rows in zip(others[::2], others[1::2], strict=True):
        out.write(b"\n")
        _write_rows(rows.removeprefix(b"\n"), movie, out)
    return movie


def _write_rows(rows: bytes, movie: bytes, out: IO[bytes]) -> None:
    if rows:
        start = movie + b","
        out.write(start + rows.removesuffix(b"\n").replace(b"\n", b"\n" + start) + b"\n")
