"""The catalogues against each other and against the sources: nothing missing, nothing left over."""

import ast
import gettext
import re
import shutil
import string
import subprocess
from pathlib import Path

import pytest

from recommender.app.i18n import catalogues
from recommender.app.i18n.catalogues import FOLDER, LANGUAGES, TEXTS, load, lookup
from recommender.models.registry import RANK_BY
from recommender.scoring.similar import METHODS
from tests.support.services import need

APP = Path(catalogues.__file__).parents[1]
TREES = [ast.parse(f.read_text("utf-8")) for f in APP.rglob("*.py") if f.name != "footprint.py"]
KEYS = set(TEXTS["en"])
# Keys that are put together while the app runs, by how they begin.
BUILT = {
    "genre.": [key.removeprefix("genre.") for key in KEYS if key.startswith("genre.")],
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
    """Return what the calls of `t`, `measured` and `action` name."""
    return [
        node.args[0]
        for tree in TREES
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"t", "measured", "action"}
        and node.args
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_with_the_same_placeholders(language: str) -> None:
    texts = TEXTS[language]
    assert set(texts) == KEYS
    wrong = [key for key in KEYS if placeholders(texts[key]) != placeholders(TEXTS["en"][key])]
    assert wrong == []


@pytest.mark.parametrize("key", sorted(KEYS))
def test_each_text_is_in_its_language(key: str) -> None:
    assert not HANGUL.search(TEXTS["en"][key])
    assert bool(HANGUL.search(TEXTS["ko"][key])) == (key not in SAME)


def test_no_korean_particle_depends_on_what_is_filled_in() -> None:
    # Which of the two it would be depends on the last letter before it.
    particle = re.compile(
        r"\(\w{1,2}\)(?=[ .])|\}[”’]?(?:을|를|이|가|은|는|과|와|으?로)(?![가-힣])"
    )
    assert [key for key in KEYS if particle.search(TEXTS["ko"][key])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_gettext_reads_the_same(language: str, tmp_path: Path) -> None:
    msgfmt = need("msgfmt", "gettext")
    compiled = tmp_path / "matinee.mo"
    source = FOLDER / language / "LC_MESSAGES" / "matinee.po"
    subprocess.run([msgfmt, "--check-format", "-o", compiled, source], check=True)
    with open(compiled, "rb") as file:
        translations = gettext.GNUTranslations(file)
    assert {key: translations.gettext(key) for key in KEYS} == TEXTS[language]
    assert translations.info()["language"] == language


def test_a_further_language_is_one_file(tmp_path: Path) -> None:
    locales = tmp_path / "locales"
    shutil.copytree(FOLDER, locales)
    (locales / "de" / "LC_MESSAGES").mkdir(parents=True)
    catalogue = locales / "de" / "LC_MESSAGES" / "matinee.po"
    catalogue.write_text(
        'msgid ""\nmsgstr "Language: de\\n"\n\n#. the switch\nmsgid "language.name"\n'
        'msgstr ""\n"Deut"\n"sch"\n\nmsgid "filter.on"\nmsgstr "Filter (\\"{count}\\")"\n'
        '\n# not yet translated\nmsgid "tonight.menu"\nmsgstr ""\n',
        "utf-8",
    )
    found = load(locales)
    assert list(found) == ["en", "de", "ko"]
    assert found["de"] == {"language.name": "Deutsch", "filter.on": 'Filter ("{count}")'}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("msgid 'a'", "line 1: write msgid"),
        ('\n"a"', "line 2: write msgid"),
        ('msgid "a"\nmsgstr "b"\nmsgid "a"\nmsgstr "c"', "line 4: a stands here twice"),
        ('msgid "a"\nmsgstr "b" "c"', "line 2: write msgid"),
        ('msgid "a"\nmsgid_plural "b"', "line 2: write msgid"),
    ],
)
def test_what_is_no_catalogue(lines: str, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "en" / "LC_MESSAGES" / "matinee.po"
    file.parent.mkdir(parents=True)
    file.write_text(lines, "utf-8")
    with pytest.raises(ValueError, match=problem):
        load(tmp_path)


def test_every_key_that_is_asked_for_exists() -> None:
    named = [node.value for node in first_arguments() if isinstance(node, ast.Constant)]
    assert len(named) > 50
    assert [key for key in named if key not in KEYS] == []


def test_every_key_that_is_put_together_exists() -> None:
    begun = {
        node.values[0].value  # type: ignore[attr-defined]
        for node in first_arguments()
        if isinstance(node, ast.JoinedStr)
    }
    assert begun <= set(BUILT)
    missing = [b + end for b, ends in BUILT.items() for end in ends if b + end not in KEYS]
    assert missing == []


def test_every_text_is_used() -> None:
    used = {begin + end for begin, ends in BUILT.items() for end in ends}
    for tree in TREES:
        constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
        used |= {node.value for node in constants if isinstance(node.value, str)}
    assert sorted(KEYS - used) == []


def test_lookup_fills_in_and_keeps_what_it_is_given() -> None:
    assert lookup("filter.on", "en", count=2) == "Filters (2)"
    assert lookup("filter.on", "ko", count=2) == "필터 (2)"
    assert "{0}" in lookup("similar.no_match", "en", text="{0}")


def test_what_a_language_lacks_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TEXTS["ko"], "filter.on")
    assert lookup("filter.on", "ko", count=2) == "Filters (2)"


def test_lookup_of_what_is_not_there() -> None:
    with pytest.raises(KeyError, match="no_such"):
        lookup("no_such", "en")
    with pytest.raises(KeyError, match="count"):
        lookup("filter.on", "en", other=1)


def test_each_language_calls_itself_by_its_own_name() -> None:
    assert LANGUAGES == {"en": "English", "ko": "한국어"}
