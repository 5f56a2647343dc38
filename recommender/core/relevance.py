"""Relevance: which ratings count, and NDCG, the figure by which lists of movies are judged.

Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002, with a
gain of 1 for each relevant movie.
"""

from __future__ import annotations

import math

import numpy as np

from recommender.core.errors import SettingsError

# "liked", "any", or the stars from which on a rating counts.
Relevant = str | float
LIKED, ANY = "liked", "any"
NDCG_AT = 10
_DISCOUNTS = 1 / np.log2(np.arange(2, NDCG_AT + 2))


def parse_relevant(text: str) -> Relevant:
    """Return what the option ``--relevant`` says.

    Raises:
        SettingsError: it is neither liked, nor any, nor a finite number.
    """
    if text in (LIKED, ANY):
        return text
    try:
        stars = float(text)
    except ValueError:
        stars = math.nan
    if not math.isfinite(stars):
        raise SettingsError(f"--relevant {text}: give liked, any or a number of stars")
    return stars


def relevant_from(scale: tuple[float, float], relevant: Relevant = LIKED) -> float:
    """Return the stars from which on a rating counts as relevant.

    A movie is liked from three quarters of the way up the scale: with half stars from 0.5 to 5,
    and with whole ones from 1 to 5, these are 4 stars and more.

    Raises:
        SettingsError: a number of stars that is not on the scale.
    """
    low, high = scale
    if relevant == ANY:
        return low
    if relevant == LIKED:
        return low + 0.75 * (high - low)
    if not low <= float(relevant) <= high:
        raise SettingsError(
            f"--relevant {relevant:g}: the ratings go from {low:g} to {high:g}; give a number "
            "among them, liked or any"
        )
    return float(relevant)


def ndcg(top: np.ndarray, relevant: np.ndarray) -> float:
    """Return NDCG@10 of one list, 0..1.

    Args:
        top: movies, best first, shape (n,).
        relevant: movies, at least one, shape (m,).
    """
    hits = np.isin(top[:NDCG_AT], relevant)
    best = _DISCOUNTS[: len(relevant)].sum()
    return float(_DISCOUNTS[: len(hits)][hits].sum() / best)
