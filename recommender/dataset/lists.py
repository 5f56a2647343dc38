"""Cells that hold lists: JSON, Python literals, arrays of databases, or words and delimiters."""

from __future__ import annotations

import ast
import html
import json
import re
import warnings
from collections.abc import Callable, Iterable

# What files write where they have nothing; compared in lower case.
NULL_WORDS = frozenset(
    [
        *("", "nan", "none", "null", "nil", "na", "n/a", "<na>", "#n/a", "\\n", "-", "--"),
        *("[]", "{}", "()", "set()", "(no genres listed)", "no genres listed"),
    ]
)
DELIMITERS = "|;\n,、，/"
# In a column, a delimiter counts that stands in so large a share of the cells that have any.
MIN_SHARE = 0.1
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# Of an object's values the first of these is its name.
_NAMES = ("name", "title", "label", "genre", "tag", "keyword")
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<mark>[\[\]{}(),:])"""
    r"""|(?P<word>[^\[\]{}(),:"'\s][^\[\]{}(),:]*)|.)""",
    re.DOTALL,
)


def unescape(text: str) -> str:
    """Return `text` with the characters that its HTML entities, such as ``&amp;``, stand for."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text


def is_null(text: str) -> bool:
    """Return whether `text` is a word that stands for nothing."""
    return text.strip().lower() in NULL_WORDS


def choose_delimiter(cells_with: Callable[[str], int]) -> str:
    """Return what separates the items of a column: a bar, semicolon, line break, comma (also of
    Chinese and Japanese) or slash.

    The first of them that is not rare counts, a comma where there is none.

    Args:
        cells_with: how many cells have a delimiter in them.
    """
    counts = {mark: cells_with(mark) for mark in DELIMITERS}
    enough = MIN_SHARE * max(counts.values())
    return next((mark for mark, count in counts.items() if count and count >= enough), ",")


def split_list(text: str | None, delimiter: str | None = None) -> list[str]:
    """Return the distinct items of a cell, without words that stand for nothing.

    Of objects, as in JSON, the name is taken. A list that was cut off gives its whole items.

    Args:
        delimiter: of the column, from `choose_delimiter`; None: what the cell itself shows.
    """
    text = unescape(text or "").strip()
    if is_null(text):
        return []
    if is_list(text):
        return distinct(item for item in _items(text) if not is_null(item))
    if delimiter is None:
        delimiter = choose_delimiter(text.count)
    items = (item.strip() for item in text.split(delimiter))
    return distinct(item for item in items if not is_null(item))


def is_list(text: str) -> bool:
    """Return whether a cell says of itself that it is a list, as JSON and Python's literals do."""
    return text.lstrip().startswith(("[", "{", "('", '("'))


def distinct(items: Iterable[str]) -> list[str]:
    """Return the items without those that differ from an earlier one in letter case only."""
    found: dict[str, str] = {}
    for item in items:
        found.setdefault(item.lower(), item)
    return list(found.values())


def _items(text: str) -> list[str]:
    """The items of a list in JSON or alike, read leniently: quotes of either kind or none."""
    items: list[str] = []
    objects: list[dict[str, str]] = []  # those that are open
    key = value = ""

    def take() -> None:
        nonlocal key, value
        if value and objects:
            objects[-1].setdefault(key.lower() or value, value)
        elif value:
            items.append(value)
        key = value = ""

    for match in _TOKEN.finditer(text):
        mark = match["mark"]
        if match["text"] or match["word"]:
            if value:  # numpy writes no commas
                take()
            value = _unquoted(match["text"]) if match["text"] else match["word"].strip()
        elif mark == ":":
            key, value = value, ""
        elif mark == "{":
            key = value = ""
            objects.append({})
        elif mark:
            take()
            if mark == "}" and objects:
                found = objects.pop()
                named = next((found[name] for name in _NAMES if name in found), None)
                items += [named] if named is not None else found.values()
    return [" ".join(item.split()) for item in items]


def _unquoted(token: str) -> str:
    """A string in the quotes of JSON or Python; raw where it is in neither's."""
    try:
        if token[0] == '"':
            text = json.loads(token, strict=False)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                text = ast.literal_eval(token)
    except (ValueError, SyntaxError):
        text = token[1:-1]
    # Escapes may make halves of characters.
    return str(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
