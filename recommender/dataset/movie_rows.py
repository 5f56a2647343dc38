"""A movie's raw text fields, turned into the typed fields of ``movies.parquet``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from recommender.core.titles import restore_articles, split_year
from recommender.dataset.lists import distinct, is_list, is_null, split_list, unescape

MAX_TAGS = 20

_MAX_LIST_CHARACTERS = 1_000
_NO_GENRE = "unknown"
# Words in the place of a title that is not known; there are movies called "None" and "N/A".
_NO_TITLE = ("nan", "NaN", "\\N", "<NA>")
_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?=(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?!\d)|(?!\d))")
# 90, 90 min, 1h 30m, 1:30:00, PT1H30M
_RUNTIME = re.compile(
    r"(?:PT)?(?:(\d{1,2})\s*(?:h(?:ou)?r?s?\.?|시간|:))?\s*"
    r"(?:(\d{1,5})(?:\.\d+)?\s*(?:m(?:in(?:ute)?s?)?\.?|['′]|분)?)?(?::\d\d)?",
    re.IGNORECASE,
)
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
            "titles": pa.map_(pa.string(), pa.string()),
            "poster": pa.string(),
        }
    )


def movie_row(raw: dict[str, Any], delimiters: Mapping[str, str] = {}) -> dict[str, Any]:
    """Return the row of one movie, from the text fields of the file and the tags users gave it.

    The year comes from its own column where there is one, else from the end of the title; the
    movie's own tags stand before the users'. A movie without a title is called by its id. The
    number of its IMDb id is also taken from a movie id such as ``tt0114709``.
    HTML entities are read as the characters they stand for. Titles in other languages are those of
    the file of titles, its first row first, then the movie's own.

    Args:
        delimiters: what separates the items in the columns that are lists; see `split_list`.
    """
    year = _year(raw["year"])
    title = unescape(raw["title"] or "")

    def items(column: str) -> list[str]:
        return _shortened(split_list(raw[column], delimiters.get(column)))

    def joined(column: str) -> str | None:
        text = _text(raw[column]) or ""
        bars = is_list(text) or delimiters.get(column, "|") in text.replace(",", "")
        return (", ".join(items(column)) if bars else text) or None

    return {
        "movie_id": raw["movie_id"],
        "title": _title(title, year) or f"Movie {raw['movie_id']}",
        "year": year or split_year(title)[1],
        "genres": [name for name in items("genres") if name.lower() != _NO_GENRE],
        "plot": _plot(raw["plot"]),
        "tags": distinct([*items("tags"), *map(unescape, raw["user_tags"] or [])])[:MAX_TAGS],
        "country": joined("country"),
        "runtime": _minutes(raw["runtime"]),
        "cast": joined("cast"),
        "imdb_id": _number(_IMDB, raw["imdb_id"]) or _number(_IMDB_ONLY, str(raw["movie_id"])),
        "tmdb_id": _number(_TMDB, raw["tmdb_id"]),
        "titles": _titles([*(raw["given_titles"] or []), raw["titles"]], year),
        "poster": _text(raw["poster"]),
    }


def _title(text: str, year: int | None) -> str:
    if text.strip() in _NO_TITLE:
        return ""
    title, year_in_title = split_year(text)
    if year and year_in_title not in (None, year):
        title = text  # another year is part of the name, not of the release
    return restore_articles(" ".join(title.split()))


def _titles(objects: list[str | None], year: int | None) -> list[tuple[str, str]]:
    """Return language and title, sorted, of objects in JSON; in each language the first counts."""
    found: dict[str, str] = {}
    for text in filter(None, objects):
        for language, given in json.loads(text).items():
            if title := _title(unescape(given or ""), year):
                found.setdefault(language, title)
    return sorted(found.items())


def _year(text: str | None) -> int | None:
    match = _YEAR.search(text or "")
    return int(match[0]) if match else None


def _minutes(text: str | None) -> int | None:
    match = _RUNTIME.fullmatch(text or "")
    return 60 * int(match[1] or 0) + int(match[2] or 0) or None if match else None


def _number(pattern: re.Pattern[str], text: str | None) -> int | None:
    match = pattern.fullmatch(text or "")
    return int(match[1]) if match else None


def _text(text: str | None) -> str | None:
    return None if text is None or is_null(text) else unescape(text)


def _plot(text: str | None) -> str | None:
    """A plot in one text, also where the file has a list of its paragraphs."""
    plot = _text(text) or ""
    if plot.startswith('["') and plot.endswith('"]'):
        plot = " ".join(split_list(plot))
    return plot or None


def _shortened(items: list[str]) -> list[str]:
    """Those items, from the first on, that have so few characters as lists may have."""
    kept, characters = [], 0
    for item in items:
        characters += len(item)
        if characters > _MAX_LIST_CHARACTERS:
            break
        kept.append(item)
    return kept
