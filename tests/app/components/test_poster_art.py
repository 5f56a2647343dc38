from __future__ import annotations

import colorsys
import re
from xml.etree import ElementTree

import pytest

from recommender.app.components.poster_art import HEIGHT, WIDTH, poster_svg
from recommender.core.records import Movie

YEARS = (None, 1925, 1944, 1955, 1967, 1972, 1985, 1999, 2004, 2015, 2024)
GENRES = (
    "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War",
    "Western", "Telenovela",
)  # fmt: skip
TITLES = (
    "Heat", "로맨틱 코미디: 그 여자 작사 그 남자 작곡", "Supercalifragilisticexpialidociousness",
    "Night of the Day of the Dawn of the Son of the Bride of the Return of the Revenge", "M", "   ",
)  # fmt: skip
LETTERS = "{http://www.w3.org/2000/svg}"


def movie(movie_id: int, title: str = "Heat", year: int | None = 1995, *genres: str) -> Movie:
    return Movie(movie_id, title, year, genres, None, 0)


def every_poster() -> list[str]:
    """One of each genre, time and title."""
    return [
        poster_svg(movie(1000 * i + j, TITLES[(i + j) % len(TITLES)], year, genre))
        for i, genre in enumerate(GENRES)
        for j, year in enumerate(YEARS)
    ]


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green and blue (0..1) of a colour as the posters write it."""
    if colour == "#fff":
        return (1.0, 1.0, 1.0)
    found = re.fullmatch(r"hsl\((\d+) (\d+)% (\d+)%\)", colour)
    assert found, colour
    hue, saturation, lightness = map(int, found.groups())
    assert saturation <= 100
    assert lightness <= 100
    return colorsys.hls_to_rgb(hue / 360, lightness / 100, saturation / 100)


def luminance(parts: tuple[float, ...]) -> float:
    """Relative luminance. Source: WCAG 2.2."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_poster_is_a_small_drawing_of_its_own() -> None:
    posters = every_poster()
    for poster in posters:
        ElementTree.fromstring(poster)
        assert len(poster.encode()) <= 2560
    assert sum(len(poster.encode()) for poster in posters) / len(posters) <= 2048
    assert len(set(posters)) == len(posters)


def test_the_same_movie_has_the_same_poster_and_neighbours_differ() -> None:
    alike = [poster_svg(movie(i, "Heat", 1995, "Drama")) for i in range(40)]
    assert alike == [poster_svg(movie(i, "Heat", 1995, "Drama")) for i in range(40)]
    assert len(set(alike)) == 40


def test_title_and_year_are_read_on_whatever_is_drawn() -> None:
    """Contrast of 4.5:1 at least, where the title begins, on the lightest colour of the poster."""
    for poster in every_poster():
        tree = ElementTree.fromstring(poster)
        stops = tree.findall(f".//{LETTERS}linearGradient[@id='t']/{LETTERS}stop")
        assert [stop.get("stop-opacity", "1") for stop in stops] == ["0", ".94", "1"]
        ink = rgb(stops[0].attrib["stop-color"])
        (shade,) = tree.findall(f"{LETTERS}path[@fill='url(#t)']")
        top = float(re.match(r"M0 (\d+)", shade.attrib["d"])[1])  # type: ignore[index]
        dark = top + float(stops[1].attrib["offset"]) * (HEIGHT - top)
        text = tree.find(f".//{LETTERS}text")
        assert text is not None
        first = text.find(f"{LETTERS}tspan")
        assert first is not None
        begins = float(first.attrib["y"]) - float(text.attrib["font-size"]) * 0.8
        opacity = 0.94 * min(1.0, (begins - top) / (dark - top))
        fills = {node.attrib["fill"] for node in tree.iter() if "hsl" in node.get("fill", "")}
        lightest = max((rgb(fill) for fill in fills), key=luminance)
        behind = tuple(opacity * i + (1 - opacity) * c for i, c in zip(ink, lightest, strict=True))
        assert 1.05 / (luminance(behind) + 0.05) >= 4.5, poster


@pytest.mark.parametrize("title", TITLES)
def test_a_title_stays_within_its_poster(title: str) -> None:
    tree = ElementTree.fromstring(poster_svg(movie(1, title, 1999, "Drama")))
    spans = tree.findall(f".//{LETTERS}tspan")
    assert 1 <= len(spans) <= 4
    for span in spans:
        assert 100 < float(span.attrib["y"]) < HEIGHT
        assert float(span.attrib["x"]) + 7 * len(span.text or "") < 2 * WIDTH


def test_what_a_title_contains_is_text() -> None:
    poster = poster_svg(movie(1, "</title><script>alert(1)</script> & \"'", 1999))
    assert "<script" not in poster
    (title,) = ElementTree.fromstring(poster).findall(f"{LETTERS}title")
    assert title.text == "</title><script>alert(1)</script> & \"'"


def test_a_poster_has_the_title_in_a_language_that_the_movie_has() -> None:
    one = Movie(1, "Heat", 1995, ("Crime",), None, 0, titles={"ko": "히트"})
    assert "히트" in poster_svg(one, "ko")
    assert "Heat" not in poster_svg(one, "ko")
    assert poster_svg(one, "fr") == poster_svg(one) == poster_svg(movie(1, "Heat", 1995, "Crime"))
