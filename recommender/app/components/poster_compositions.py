"""Compositions of posters: what is drawn for a genre, above the title.

Each takes a random generator, seeded for the movie, and the poster's colours, and returns elements
of SVG within 200 x 300 units.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random
from typing import NamedTuple


class Colours(NamedTuple):
    """The colours of a poster, as CSS writes them."""

    sky: str
    haze: str
    far: str
    near: str
    accent: str
    ink: str


def composition(genres: Collection[str]) -> Callable[[Random, Colours], str]:
    """Return what draws a movie of these genres; `_arcs` where none of them is known."""
    return next((_COMPOSITIONS[genre] for genre in _COMPOSITIONS if genre in genres), _arcs)


def _circle(x: float, y: float, r: float, fill: str, more: str = "") -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{fill}"{more}/>'


def _path(d: str, fill: str, more: str = "") -> str:
    return f'<path d="{d}" fill="{fill}"{more}/>'


def lines(d: str, stroke: str, width: float, more: str = "") -> str:
    """Return a path that is drawn as a line."""
    return f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:g}"{more}/>'


def _ridge(seed: Random, y: float, rough: float, step: int = 40) -> str:
    """A line of hills from edge to edge, closed below the drawing."""
    points = " ".join(f"{x} {y + seed.uniform(-rough, rough):.0f}" for x in range(0, 201, step))
    return f"M0 300L{points}V300z"


def _mountains(seed: Random, c: Colours) -> str:
    sun = _circle(seed.randrange(50, 150), seed.randrange(50, 95), seed.randrange(20, 36), c.accent)
    return sun + _path(_ridge(seed, 118, 34), c.far) + _path(_ridge(seed, 158, 22, 25), c.near)


def _mesas(seed: Random, c: Colours) -> str:
    x, y = seed.randrange(80, 140), seed.randrange(84, 116)
    mesa = f"M-10 160h30l8-{160 - y}h{x - 60}l6 20h18l6 {140 - y}h160v150H-10z"
    return (
        _circle(seed.randrange(110, 170), seed.randrange(56, 90), seed.randrange(30, 46), c.accent)
        + _path(mesa, c.far)
        + _path(_ridge(seed, 172, 8, 50), c.near)
    )


def _planets(seed: Random, c: Colours) -> str:
    stars = "".join(
        f"M{seed.randrange(200)} {seed.randrange(150)}h1.6v1.6h-1.6z" for _ in range(22)
    )
    x, y, r = seed.randrange(40, 160), seed.randrange(80, 150), seed.randrange(34, 66)
    ring = (
        f'<ellipse cx="{x}" cy="{y}" rx="{r * 1.6:.0f}" ry="{r * 0.3:.0f}" fill="none" '
        f'stroke="{c.accent}" stroke-width="3" '
        f'transform="rotate({seed.randrange(-28, 28)} {x} {y})"/>'
    )
    moon = _circle(seed.randrange(20, 180), seed.randrange(24, 60), seed.randrange(6, 13), c.accent)
    return (
        _path(stars, "#fff")
        + _circle(x, y, r, c.far)
        + _circle(x - r * 0.22, y - r * 0.18, r * 0.74, c.haze, ' opacity=".35"')
        + ring
        + moon
    )


def _blinds(seed: Random, c: Colours) -> str:
    tilt = seed.randrange(-14, -5)
    slats = "".join(f"M-40 {y}h280v{seed.randrange(5, 9)}H-40z" for y in range(0, 190, 17))
    x = seed.randrange(70, 130)
    figure = (
        f"M{x - 34} 300l8-96q4-16 22-20v-12h-26q6-8 10-9l3-20h34l3 20"
        "q8 1 10 9h-26v12q18 4 22 20l8 96z"
    )
    return _path(slats, c.accent, f' opacity=".6" transform="rotate({tilt} 100 100)"') + _path(
        figure, c.ink
    )


def _trees(seed: Random, c: Colours) -> str:
    trunks = "".join(
        f"M{x} 300l{seed.randrange(-5, 6)}-{seed.randrange(210, 300)}"
        f"l{seed.randrange(5, 11)} {seed.randrange(190, 290)}z"
        for x in range(4, 200, seed.randrange(21, 29))
    )
    moon = _circle(
        seed.randrange(60, 140), seed.randrange(60, 110), seed.randrange(30, 44), c.accent
    )
    return moon + _path(_ridge(seed, 160, 10), c.far) + _path(trunks, c.ink)


def _hearts(seed: Random, c: Colours) -> str:
    r, y, gap = seed.randrange(40, 58), seed.randrange(88, 116), seed.randrange(20, 36)
    return (
        _circle(100 - gap, y, r, c.accent, ' opacity=".9"')
        + _circle(100 + gap, y + 8, r, c.haze, ' opacity=".72"')
        + _path(_ridge(seed, 178, 7, 50), c.near)
    )


def _shards(seed: Random, c: Colours) -> str:
    x, y = seed.randrange(60, 140), seed.randrange(70, 130)
    rays = ""
    edge = 0
    while edge < 400:
        wide = seed.randrange(12, 30)
        rays += f"M{x} {y}L{edge - 100} -20h{wide}zM{x} {y}L{edge - 100} 320h{wide}z"
        edge += wide + seed.randrange(18, 40)
    return (
        _path(rays, c.far, ' opacity=".8"')
        + _circle(x, y, seed.randrange(24, 38), c.accent)
        + _path(f"M-10 {y + 90}L210 {y + 40}V300H-10z", c.near)
    )


def _skyline(seed: Random, c: Colours) -> str:
    def row(base: int, tallest: int, step: int) -> str:
        tops = "".join(f"V{base - seed.randrange(10, tallest)}h{step}" for _ in range(0, 200, step))
        return f"M0 300{tops}V300z"

    windows = "".join(
        f"M{seed.randrange(6, 194)} {seed.randrange(150, 200)}h3v4h-3z" for _ in range(14)
    )
    return (
        _circle(seed.randrange(50, 150), seed.randrange(50, 80), seed.randrange(16, 28), c.accent)
        + _path(row(170, 76, 20), c.far)
        + _path(row(190, 62, 25), c.near)
        + _path(windows, c.accent)
    )


def _rings(seed: Random, c: Colours) -> str:
    x, y = seed.randrange(70, 130), seed.randrange(80, 120)
    rings = "".join(
        f'<circle cx="{x}" cy="{y}" r="{r}"/>' for r in range(14, 190, seed.randrange(15, 23))
    )
    return (
        f'<g fill="none" stroke="{c.near}" stroke-width="{seed.randrange(5, 9)}">{rings}</g>'
        + _circle(x, y, seed.randrange(7, 12), c.accent)
    )


def _waves(seed: Random, c: Colours) -> str:
    bars = "".join(
        f"M{x} 180v-{seed.randrange(20, 150)}h9v150h-9z"
        for x in range(seed.randrange(3, 9), 200, 14)
    )
    return _circle(100, 96, seed.randrange(50, 70), c.accent, ' opacity=".85"') + _path(
        bars, c.near
    )


def _confetti(seed: Random, c: Colours) -> str:
    pieces = "".join(
        f'<path d="M0 0h{seed.randrange(7, 20)}v6H0z" '
        f'fill="{seed.choice((c.accent, c.haze, c.near))}" '
        f'transform="translate({x + seed.randrange(-12, 12)} {seed.randrange(0, 180)}) '
        f'rotate({seed.randrange(180)})"/>'
        for x in range(10, 200, 21)
    )
    r = seed.randrange(46, 70)
    x, y = seed.randrange(60, 140), seed.randrange(120, 160)
    return _path(f"M{x - r} {y}a{r} {r} 0 0 1 {2 * r} 0z", c.accent) + pieces


def _balloons(seed: Random, c: Colours) -> str:
    drawn = ""
    for x in (46, 102, 156):
        y, r = seed.randrange(44, 116), seed.randrange(19, 31)
        fill = seed.choice((c.accent, c.far, c.haze))
        drawn += lines(f"M{x} {y}Q{x + 14} {y + 70} {100} 240", c.near, 1.5) + _circle(
            x, y, r, fill
        )
    return drawn + _path(_ridge(seed, 176, 8, 50), c.near)


def _castle(seed: Random, c: Colours) -> str:
    x, y = seed.randrange(60, 120), seed.randrange(90, 120)
    towers = "".join(
        f"M{x + dx} 300V{y + dy}l11-{seed.randrange(22, 38)} 11 {seed.randrange(22, 38)}V300z"
        for dx, dy in ((-26, 40), (0, 0), (26, 26), (54, 52))
    )
    stars = "".join(f"M{seed.randrange(200)} {seed.randrange(110)}h2v2h-2z" for _ in range(14))
    moon = _circle(
        seed.randrange(30, 170), seed.randrange(36, 70), seed.randrange(14, 26), c.accent
    )
    return _path(stars, c.haze) + moon + _path(_ridge(seed, 150, 24), c.far) + _path(towers, c.near)


def _keyhole(seed: Random, c: Colours) -> str:
    x, y, r = seed.randrange(80, 120), seed.randrange(76, 104), seed.randrange(24, 34)
    half, low = r // 2, y + r // 2
    hole = f"M{x - half} {low}L{x - r} 230h{2 * r}L{x + half} {low}z"
    beam = _path(
        f"M{x} {y}L{seed.randrange(-60, 20)} 300h{seed.randrange(170, 240)}z",
        c.haze,
        ' opacity=".3"',
    )
    return (
        _circle(x, y, r + 34, c.near, ' opacity=".7"')
        + beam
        + _circle(x, y, r, c.accent)
        + _path(hole, c.accent)
    )


def _lens(seed: Random, c: Colours) -> str:
    columns = "".join(f"M{x} 0V200M0 {x}H200" for x in range(seed.randrange(8, 20), 200, 24))
    x, y, r = seed.randrange(76, 124), seed.randrange(84, 112), seed.randrange(36, 52)
    return (
        lines(columns, c.far, 1)
        + _circle(x, y, r, c.near)
        + _circle(x, y, r * 0.66, c.accent)
        + _circle(x - r * 0.2, y - r * 0.2, r * 0.2, "#fff", ' opacity=".8"')
    )


def _flags(seed: Random, c: Colours) -> str:
    smoke = "".join(
        _circle(x, seed.randrange(60, 130), seed.randrange(22, 46), c.haze, ' opacity=".4"')
        for x in range(10, 200, 38)
    )
    posts = "".join(
        f"M{x} 190l{seed.randrange(-4, 5)}-{seed.randrange(30, 60)}h4v60z"
        for x in range(12, 200, 26)
    )
    wire = f"M0 {seed.randrange(150, 160)}Q50 {seed.randrange(160, 176)} 100 156T200 152"
    return (
        smoke + _path(_ridge(seed, 172, 12), c.near) + _path(posts, c.ink) + lines(wire, c.ink, 2)
    )


def _arcs(seed: Random, c: Colours) -> str:
    x, drawn = seed.choice((0, 40, 100)), ""
    for r, fill in ((150, c.far), (112, c.haze), (76, c.accent), (40, c.near)):
        drawn += _circle(x, 190, r + seed.randrange(-10, 11), fill)
    return drawn


def _window(seed: Random, c: Colours) -> str:
    x, y, wide = seed.randrange(40, 84), seed.randrange(30, 56), seed.randrange(70, 92)
    arch = f"M{x} 220V{y + wide // 2}a{wide // 2} {wide // 2} 0 0 1 {wide} 0V220z"
    return (
        _path(arch, c.haze)
        + _circle(x + wide * seed.uniform(0.3, 0.7), y + 52, seed.randrange(12, 20), c.accent)
        + _path(_ridge(seed, 168, 10, 50), c.near)
        + lines(f"M{x + wide // 2} {y}V220M{x} {y + 74}h{wide}", c.sky, 4)
    )


# The first genre of a movie in this order chooses: those that say most about it come first.
_COMPOSITIONS: dict[str, Callable[[Random, Colours], str]] = {
    "Film-Noir": _blinds, "Western": _mesas, "War": _flags, "Musical": _waves,
    "Animation": _balloons, "Documentary": _lens, "Horror": _trees, "Sci-Fi": _planets,
    "Fantasy": _castle, "Children": _balloons, "Mystery": _keyhole, "Crime": _skyline,
    "Romance": _hearts, "Adventure": _mountains, "Action": _shards, "Thriller": _rings,
    "Comedy": _confetti, "Drama": _window,
}  # fmt: skip
