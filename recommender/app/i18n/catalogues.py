"""The texts of the app: gettext catalogues, ``locales/<language>/LC_MESSAGES/matinee.po``.

A message's id is its key ("card.unrated"), so English has a catalogue as every other language does,
and a further language is one further file. Placeholders are named, `str.format` style.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

# What is not translated, and what a browser without one of the languages gets.
DEFAULT = "en"
FOLDER = Path(__file__).with_name("locales")
_PATTERN = "*/LC_MESSAGES/matinee.po"
_LINE = re.compile(r'(?:(msgid|msgstr)\s+)?("(?:[^"\\]|\\.)*")')


def load(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """Return the texts by language (ISO 639-1) and key; the default language comes first.

    Raises:
        ValueError: a catalogue cannot be read; names file and line.
    """
    found = {file.parts[-3]: read_catalogue(file) for file in sorted(folder.glob(_PATTERN))}
    return {DEFAULT: found.pop(DEFAULT), **found}


def read_catalogue(file: Path) -> dict[str, str]:
    """Return the translated messages of a .po file by id, without its header.

    Contexts and plural forms are not among what the app's catalogues hold. Source: "The Format of
    PO Files" in the manual of GNU gettext.

    Raises:
        ValueError: a line is none of a catalogue, or an id stands there twice.
    """
    messages: dict[str, str] = {}
    key = part = ""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None or not (match[1] or part):
            raise ValueError(f"{file}, line {number}: write msgid, msgstr or a text in quotes")
        part, text = match[1] or part, json.loads(match[2])
        if match[1] == "msgid":
            key = text
        elif match[1] == "msgstr" and key in messages:
            raise ValueError(f"{file}, line {number}: {key} stands here twice")
        elif part == "msgid":
            key += text
        else:
            messages[key] = messages.get(key, "") + text
    messages.pop("", None)
    return {key: text for key, text in messages.items() if text}


TEXTS = load()
# Each by its own name.
LANGUAGES = {code: texts["language.name"] for code, texts in TEXTS.items()}


def lookup(key: str, language: str, /, **values: object) -> str:
    """Return the text for `key`, with its placeholders filled from `values`.

    It is in the default language where `language` does not have it.

    Raises:
        KeyError: no such text, or a placeholder without a value.
    """
    template = TEXTS[language].get(key) or TEXTS[DEFAULT][key]
    return template.format(**values) if values else template
