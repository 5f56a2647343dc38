"""The texts against the sources that use them: nothing missing, nothing left over."""

import ast
import re
import string
from pathlib import Path

import pytest

from recommender.app.i18n import texts
from recommender.app.i18n.texts import LANGUAGES, TEXTS, lookup
from recommender.scoring.requests import RANK_BY
from recommender.scoring.similar import METHODS

FOLDER = Path(texts.__file__).parents[1]
TREES = [
    ast.parse(f.read_text("utf-8"))
    for f in FOLDER.rglob("*.py")
    if f.name not in {"texts.py", "footprint.py"}
]
# Keys that are put together while the app runs, by how they begin.
BUILT = {
    "genre.": [key.removeprefix("genre.") for key in TEXTS if key.startswith("genre.")],
    "method.": METHODS,
    "similar.explain_": METHODS,
    "action.similar_": METHODS,
    "rank_by.": RANK_BY,
    "filter.": ("variety", "obscurity", "variety_help", "obscurity_help"),
}
# What Korean writes in Latin letters too.
SAME = {"genre.IMAX", "genre.Sci-Fi"}
HANGUL = re.compile("[가-힣]")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def first_arguments() -> list[ast.expr]:
    """What the calls of `t`, `measured` and `action` name."""
    return [
        node.args[0]
        for tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"t", "measured", "action"}
        and node.args
    ]


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_it_with_the_same_placeholders(key: str) -> None:
    english, korean = TEXTS[key]
    assert english
    assert not HANGUL.search(english)
    assert placeholders(english) == placeholders(korean)
    assert bool(HANGUL.search(korean)) == (key not in SAME)


def test_every_key_that_is_asked_for_exists() -> None:
    named = [node.value for node in first_arguments() if isinstance(node, ast.Constant)]
    assert len(named) > 50
    assert [key for key in named if key not in TEXTS] == []


def test_every_key_that_is_put_together_exists() -> None:
    begun = {
        node.values[0].value  # type: ignore[attr-defined]
        for node in first_arguments()
        if isinstance(node, ast.JoinedStr)
    }
    assert begun <= set(BUILT)
    missing = [b + end for b, ends in BUILT.items() for end in ends if b + end not in TEXTS]
    assert missing == []


def test_every_text_is_used() -> None:
    used = {begin + end for begin, ends in BUILT.items() for end in ends}
    for tree in TREES:
        constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
        used |= {node.value for node in constants if isinstance(node.value, str)}
    assert sorted(set(TEXTS) - used) == []


def test_lookup_fills_in_and_keeps_what_it_is_given() -> None:
    assert lookup("filter.on", "en", count=2) == "Filters (2)"
    assert lookup("filter.on", "ko", count=2) == "필터 (2)"
    assert "{0}" in lookup("similar.no_match", "en", text="{0}")


def test_lookup_of_what_is_not_there() -> None:
    with pytest.raises(KeyError, match="no_such"):
        lookup("no_such", "en")
    with pytest.raises(KeyError, match="count"):
        lookup("filter.on", "en", other=1)


def test_each_language_calls_itself_by_its_own_name() -> None:
    assert LANGUAGES == {"en": "English", "ko": "한국어"}
