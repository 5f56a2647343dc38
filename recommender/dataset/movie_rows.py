"""A movie's raw text fields, turned into the typed fields of ``movies.parquet``."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from recommender.core.titles import restore_articles, split_year

MAX_TAGS = 20

_NO_GENRE = ("(no genres listed)", "unknown")
_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)")
_RUNTIME = re.compile(r"(\d{1,5})(?:\.\d+)?(?:\s*min(?:ute)?s?\.?)?", re.IGNORECASE)
# Of up to nine digits, which 32 bits hold.
_TMDB = re.compile(r"0*([1-9]\d{0,8})", re.ASCII)
_IMDB = re.compile(r"(?:tt)?" + _TMDB.pattern, re.ASCII)
_IMDB_ONLY = re.compile(r"(?=tt\d{7})" + _IMDB.pattern, re.ASCII)


def movie_schema(id_type: pa.DataType) -> pa.Schema:
    """Return the columns of ``movies.parquet``; a row's position is the movie's index."""
    return pa.schema(
        {
            "movie_id": id_type,
            "title": pa.string(),
            "year": pa.int16(),
            "genres": pa.list_(pa.string()),
            "plot": pa.string(),
            "tags": pa.list_(pa.string()),
            "country": pa.string(),
            "runtime": pa.int32(),
            "cast": pa.string(),
            "imdb_id": pa.int32(),
            "tmdb_id": pa.int32(),
        }
    )


def movie_row(raw: dict[str, Any]) -> dict[str, Any]:
    """Return the row of one movie, from the text fields of the file and the tags users gave it.

    The year comes from its own column where there is one, else from the end of the title; the
    movie's own tags stand before the users'. A movie without a title is called by its id. The
    number of its IMDb id is also taken from a movie id such as ``tt0114709``.
    """
    year = _year(raw["year"])
    return {
        "movie_id": raw["movie_id"],
        "title": _title(raw["title"], year) or f"Movie {raw['movie_id']}",
        "year": year or split_year(raw["title"] or "")[1],
        "genres": [name for name in split_list(raw["genres"]) if name.lower() not in _NO_GENRE],
        "plot": raw["plot"],
        "tags": _distinct(split_list(raw["tags"]) + (raw["user_tags"] or []))[:MAX_TAGS],
        "country": _joined(raw["country"]),
        "runtime": _minutes(raw["runtime"]),
        "cast": _joined(raw["cast"]),
        "imdb_id": _number(_IMDB, raw["imdb_id"]) or _number(_IMDB_ONLY, str(raw["movie_id"])),
        "tmdb_id": _number(_TMDB, raw["tmdb_id"]),
    }


def split_list(text: str | None) -> list[str]:
    """Return the distinct items of a list, split at the first of ``|``, ``;`` and ``,`` in it."""
    text = text or ""
    delimiter = next((mark for mark in "|;" if mark in text), ",")
    return _distinct([item.strip() for item in text.split(delimiter) if item.strip()])


def _distinct(items: list[str]) -> list[str]:
    """The items without those that differ from an earlier one in letter case only."""
    found: dict[str, str] = {}
    for item in items:
        found.setdefault(item.lower(), item)
    return list(found.values())


def _title(text: str | None, year: int | None) -> str:
    title, year_in_title = split_year(text or "")
    if year and year_in_title not in (None, year):
        title = text or ""  # another year is part of the name, not of the release
    return restore_articles(" ".join(title.split()))


def _year(text: str | None) -> int | None:
    match = _YEAR.search(text or "")
    return int(match[0]) if match else None


def _minutes(text: str | None) -> int | None:
    match = _RUNTIME.fullmatch(text or "")
    return int(match[1]) or None if match else None


def _number(pattern: re.Pattern[str], text: str | None) -> int | None:
    match = pattern.fullmatch(text or "")
    return int(match[1]) if match else None


def _joined(text: str | None) -> str | None:
    return ", ".join(split_list(text)) if text and "|" in text else text
