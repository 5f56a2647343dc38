"""Text from outside (titles, ids, errors) made safe for the two places it is shown in."""

import re
from html import escape

__all__ = ["escape", "plain"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$~:&])")


def plain(text: str) -> str:
    """`text` such that Markdown shows it as it is: no formatting, maths, icons, images or links.

    Only a bare web address still becomes a link to itself, as it should in a credit.
    """
    return _SPECIAL.sub(r"\\\1", text)
