"""The check of a data set as one page of HTML that loads nothing."""

from __future__ import annotations

from html import escape

from recommender.training.data_check import Bars, DataCheck

_ROW, _LABEL, _BAR, _NUMBER = 22, 110, 420, 110
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
svg { width: 100%; height: auto; } text { fill: currentColor; font-size: 13px; }
rect { fill: #b3541e; }
"""


def data_page(check: DataCheck, title: str) -> str:
    """Return the page: the findings as a list, then a bar chart of each histogram.

    Args:
        title: names the data.
    """
    charts = (
        ("Ratings", check.ratings),
        ("Users by their number of ratings", check.ratings_of_users),
        ("Movies by their number of ratings", check.ratings_of_movies),
        ("Movies by decade", check.decades),
    )
    findings = "".join(f"<li>{escape(line)}</li>" for line in check.lines())
    drawn = "".join(f"<h2>{heading}</h2>{_chart(heading, bars)}" for heading, bars in charts)
    heading = escape(title)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{heading}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{heading}</h1><ul>{findings}</ul>{drawn}</body></html>\n"
    )


def _chart(heading: str, bars: Bars) -> str:
    """A horizontal bar for each value, with its label before it and its number behind it."""
    most = max((count for _, count in bars), default=1) or 1
    rows = []
    for position, (label, count) in enumerate(bars):
        top = position * _ROW
        width = count / most * _BAR
        middle = top + _ROW - 7
        rows.append(
            f'<text x="{_LABEL - 8}" y="{middle}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{_LABEL}" y="{top + 3}" width="{width:.1f}" height="{_ROW - 6}"/>'
            f'<text x="{_LABEL + width + 6:.1f}" y="{middle}">{count:,}</text>'
        )
    size = f"0 0 {_LABEL + _BAR + _NUMBER} {_ROW * max(1, len(bars))}"
    return f'<svg role="img" aria-label="{heading}" viewBox="{size}">{"".join(rows)}</svg>'
