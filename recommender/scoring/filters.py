"""Filters of a list: genres, years, and how often a movie was rated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.bundle.movie_facts import MovieFacts


@dataclass(frozen=True)
class Filters:
    """Conditions on the movies of a list; each part that is left out lets everything through.

    Attributes:
        genres: a movie needs one of these.
        years: first and last year; movies without a known year are kept out.
        min_ratings: a movie needs this many ratings.
        max_ratings: a movie has at most this many ratings.
    """

    genres: tuple[str, ...] = ()
    years: tuple[int, int] | None = None
    min_ratings: int = 0
    max_ratings: int | None = None


def allowed_movies(facts: MovieFacts, filters: Filters) -> np.ndarray | None:
    """Return which movies pass the filters, bool, shape (movies,); None when all do.

    Raises:
        NotFoundError: a genre that no movie has.
    """
    masks = []
    if filters.genres:
        masks.append(np.any([facts.has_genre(genre) for genre in filters.genres], axis=0))
    if filters.years is not None:
        first, last = filters.years
        masks.append((facts.year >= first) & (facts.year <= last) & (facts.year > 0))
    if filters.min_ratings > 0:
        masks.append(facts.count >= filters.min_ratings)
    if filters.max_ratings is not None:
        masks.append(facts.count <= filters.max_ratings)
    return np.all(masks, axis=0) if masks else None
