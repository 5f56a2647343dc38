"""Text from outside (titles, ids, errors) made safe for the two places it is shown in."""

import re
from html import escape

__all__ = ["brief", "escape", "plain", "with_links"]

_MAX_LENGTH = 60
# Where GitHub's Markdown, which the page reads, knows a bare address: there stands a word joiner,
# which nobody sees. Source: GitHub Flavored Markdown Spec, 6.9.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$~:&])")


def brief(text: str) -> str:
    """Return `text`, or its beginning where it is too long to be repeated in a sentence."""
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def plain(text: str) -> str:
    """Return `text` such that Markdown shows it as it is: no formatting, icons, images or links."""
    return with_links(_ADDRESS.sub("\u2060", text))


def with_links(text: str) -> str:
    """Return `text` as `plain` does, but a bare web address in it becomes a link to itself."""
    return _SPECIAL.sub(r"\\\1", text)
