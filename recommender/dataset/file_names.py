"""Names of the files of a data set, and what shows that a file is what its name says."""

from __future__ import annotations

import re
from collections.abc import Iterable

from recommender.core.errors import DataError
from recommender.dataset.archives import begins_compressed

# How files begin that say of themselves what they are; Parquet ends so, too.
PARQUET = b"PAR1"
SUFFIXES = (
    *(".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".dat", ".txt", ".jsonl", ".json"),
    *(".csv.zip", ".zip", ".csv.bz2", ".csv.xz", ".csv.zst"),
)
_BEFORE_TEXT = b"\xff\xfe\xef\xbb\xbf\r\n\t "  # marks of the byte order, and blank lines
# A column of titles in a language, in a header.
_TITLE_IN = re.compile(rb"\btitle[_:](?!id)[a-z]{2}\b", re.IGNORECASE)
_TITLES_OF_ONE = re.compile(r"titles_[a-z]{2}\.csv")


def links_name(names: Iterable[str]) -> str | None:
    """Return which of the `names` in a folder is the file of IMDb and TMDB ids."""
    present = set(names)
    wanted = (kind + suffix for kind in ("links", "links_small") for suffix in SUFFIXES)
    return next((name for name in wanted if name in present), None)


def begins_links(start: bytes) -> bool:
    """Return whether a file that begins so may have IMDb or TMDB ids; text has a header of them."""
    header = _header(start).lower()
    return b"imdb" in header or b"tmdb" in header or _has_no_header(start)


def begins_titles(start: bytes) -> bool:
    """Return whether a file that begins so may have titles; text has a header of them."""
    return bool(_TITLE_IN.search(_header(start))) or _has_no_header(start)


def _header(start: bytes) -> bytes:
    """Return the first line without the NULs of UTF-16, or the one below Excel's ``sep=;``."""
    text = start.replace(b"\0", b"").lstrip(_BEFORE_TEXT)
    lines = text.splitlines()[:2] or [b""]
    return lines[-1] if b"sep=" in lines[0] else lines[0]


def _has_no_header(start: bytes) -> bool:
    return begins_compressed(start) or start.startswith(PARQUET)


def titles_name(folder: str, names: Iterable[str]) -> str | None:
    """Return which of the `names` in a folder is the file of titles in other languages.

    Raises:
        DataError: there are several, of one language each.
    """
    present = set(names)
    if name := next((one for one in map("titles{}".format, SUFFIXES) if one in present), None):
        return name
    found = sorted(filter(_TITLES_OF_ONE.fullmatch, present))
    if len(found) > 1:
        raise DataError(
            f"{folder} has {' and '.join(found)}; put them into one titles.csv, with a column for "
            "each language, or name one with --titles"
        )
    return found[0] if found else None
