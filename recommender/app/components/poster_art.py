"""Posters drawn for movies that have no picture: composition by genre, colours by decade.

A poster is an SVG of one to two kilobytes, the same for the same movie at any time.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple
from unicodedata import east_asian_width
from zlib import crc32

from recommender.app.components.markup import escape
from recommender.app.components.poster_compositions import Colours, composition, lines
from recommender.core.records import Movie

WIDTH, HEIGHT = 200, 300  # units of the drawing
_MARGIN = 14
_MAX_LINES = 4
_FONT_SIZES = (27, 24, 21, 18, 16, 14)
_FONT = "Georgia,'Source Serif 4','Noto Serif','Noto Serif KR','Noto Serif CJK KR',serif"
_NARROW = frozenset(" .,:;'!|iljftI()[]-’")


class _Era(NamedTuple):
    """The colours of a time: hues of the sky, saturation and lightness in percent, and grain."""

    hues: tuple[int, ...]
    saturation: int
    lightness: int
    accent: int  # degrees from the sky's hue to the accent's
    grain: float  # opacity of the dots laid over all, 0 for none


# By the first year of an era, which ends where the next one begins.
_ERAS = {
    0: _Era((32, 40, 210), 10, 62, 0, 0.20),  # silver and sepia
    1940: _Era((28, 205, 350), 20, 50, 180, 0.17),
    1950: _Era((186, 350, 44, 12), 46, 58, 170, 0.14),  # three-strip colour
    1960: _Era((8, 44, 196, 330, 265), 66, 52, 145, 0.11),
    1970: _Era((22, 34, 84, 12, 190), 52, 44, 25, 0.13),  # brown and orange
    1980: _Era((292, 322, 252, 200, 342), 68, 44, 235, 0.07),  # neon
    1990: _Era((172, 214, 262, 348, 130, 24), 44, 40, 200, 0.05),
    2000: _Era((204, 228, 186, 30, 352, 288), 54, 38, 185, 0.03),  # teal and orange
    2010: _Era((16, 180, 236, 48, 276, 340), 50, 48, 150, 0),
    2020: _Era((338, 258, 162, 22, 212, 288), 62, 52, 120, 0),
}


def poster_svg(movie: Movie, language: str = "") -> str:
    """Return the poster of a movie as an SVG document, `WIDTH` x `HEIGHT` units.

    Genres choose the composition, the year the colours, and the movie's id where things stand.
    The title, that in `language` if the movie has one, is white on nearly black, whatever is drawn
    behind it.
    """
    seed = Random(crc32(str(movie.movie_id).encode()))
    era = _era(movie.year)
    colours = _colours(era, seed)
    compose, title = composition(movie.genres), movie.title_in(language)
    flip = ' transform="matrix(-1 0 0 1 200 0)"' if seed.random() < 0.5 else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f"<title>{escape(title)}</title>"
        f'<defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="{colours.sky}"/>'
        f'<stop offset="1" stop-color="{colours.haze}"/></linearGradient>'
        f'<linearGradient id="t" x2="0" y2="1"><stop stop-color="{colours.ink}" stop-opacity="0"/>'
        f'<stop offset=".36" stop-color="{colours.ink}" stop-opacity=".94"/>'
        f'<stop offset="1" stop-color="{colours.ink}"/></linearGradient>'
        f"{_grain_pattern(era)}</defs>"
        f'<path fill="url(#s)" d="M0 0h200v300H0z"/><g{flip}>{compose(seed, colours)}</g>'
        f"{_grain(era)}"
        f'<path fill="url(#t)" d="M0 130h200v170H0z"/>'
        f"{_lettering(title, movie.year, colours)}</svg>"
    )


def _era(year: int | None) -> _Era:
    return _ERAS[max(first for first in _ERAS if first <= max(0, year or 2015))]


def _colours(era: _Era, seed: Random) -> Colours:
    hue = seed.choice(era.hues) + seed.randrange(-9, 10)
    accent = hue + era.accent + seed.randrange(-12, 13)
    colour, light = era.saturation, era.lightness
    return Colours(
        sky=_hsl(hue, colour, light - 22),
        haze=_hsl(hue + 18, colour + 6, light + 16),
        far=_hsl(hue + 8, colour, light - 8),
        near=_hsl(hue - 8, colour, max(8, light - 34)),
        accent=_hsl(accent, min(90, colour + 22), min(76, light + 20)),
        ink=_hsl(hue, min(colour, 40), 8),
    )


def _hsl(hue: int, saturation: int, lightness: int) -> str:
    return f"hsl({hue % 360} {saturation}% {lightness}%)"


def _grain_pattern(era: _Era) -> str:
    if not era.grain:
        return ""
    return (
        '<pattern id="g" width="7" height="5" patternUnits="userSpaceOnUse">'
        '<path d="M1 1h1v1H1zM5 0h1v1H5zM3 3h1v1H3zM6 4h1v1H6z"/></pattern>'
    )


def _grain(era: _Era) -> str:
    return (
        f'<path fill="url(#g)" opacity="{era.grain:g}" d="M0 0h200v300H0z"/>' if era.grain else ""
    )


def _lettering(title: str, year: int | None, colours: Colours) -> str:
    size, texts = _set_title(title)
    bottom = HEIGHT - _MARGIN - (20 if year else 4)
    first = bottom - (len(texts) - 1) * size * 1.14
    spans = "".join(
        f'<tspan x="{_MARGIN}" y="{first + i * size * 1.14:.0f}">{escape(line)}</tspan>'
        for i, line in enumerate(texts)
    )
    below = ""
    if year:
        below = (
            f'<text x="{_MARGIN}" y="{HEIGHT - _MARGIN}" font-size="12" letter-spacing="2" '
            f'fill="#fff" opacity=".82">{year}</text>'
        )
    rule = f"M{_MARGIN} {first - size - 6:.0f}h26"
    return (
        f'{lines(rule, colours.accent, 3)}<g font-family="{_FONT}">'
        f'<text font-size="{size}" font-weight="600" fill="#fff">{spans}</text>{below}</g>'
    )


def _set_title(title: str) -> tuple[int, list[str]]:
    """Return the largest size at which the title fits, and its lines; the last may be cut."""
    width = WIDTH - 2 * _MARGIN
    lines: list[str] = []
    for size in _FONT_SIZES:
        lines = _wrapped(title, width / size)
        most = _MAX_LINES if size <= 21 else _MAX_LINES - 1
        if len(lines) <= most and all(_ems(line) <= width / size for line in lines):
            return size, lines
    if len(lines) > _MAX_LINES:
        lines = [*lines[: _MAX_LINES - 1], lines[_MAX_LINES - 1] + " …"]
    return _FONT_SIZES[-1], [_cut(line, width / _FONT_SIZES[-1]) for line in lines]


def _wrapped(title: str, ems: float) -> list[str]:
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _ems(longer) > ems:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _cut(line: str, ems: float) -> str:
    if _ems(line) <= ems:
        return line
    while line and _ems(line) > ems - 1:
        line = line[:-1]
    return line.rstrip() + "…"


def _ems(text: str) -> float:
    """Return about how wide a text is in the poster's font, in ems."""
    return sum(
        1.0
        if east_asian_width(char) in "WF"
        else 0.34
        if char in _NARROW
        else 0.8
        if char.isupper() or char in "mw"
        else 0.59
        for char in text
    )
