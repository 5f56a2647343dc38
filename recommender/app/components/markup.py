"""Text from outside (titles, ids, errors) made safe for the two places it is shown in."""

import re
from html import escape

__all__ = ["brief", "escape", "plain"]

_MAX_LENGTH = 60
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$~:&])")


def brief(text: str) -> str:
    """Return `text`, or its beginning where it is too long to be repeated in a sentence."""
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def plain(text: str) -> str:
    """Return `text` such that Markdown shows it as it is: no formatting, icons, images or links.

    Only a bare web address still becomes a link to itself, as it should in a credit.
    """
    return _SPECIAL.sub(r"\\\1", text)
