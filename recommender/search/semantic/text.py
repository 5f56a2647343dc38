"""Texts that are encoded of a movie: one of its facts, and its plot as another.

They are encoded apart and then averaged, because one text of both is dominated by what comes first
(`benchmarks/semantic.py` says what that is worth), and a long plot would push the tags out.
"""

from __future__ import annotations

import hashlib

from recommender.bundle.catalogue import MovieText

# The plot's share in a movie's vector, chosen on the first half of the benchmark's queries.
PLOT_SHARE = 0.6
_MAX_TAGS = 20


def movie_texts(movie: MovieText) -> tuple[str, ...]:
    """The facts (title, year, genres, tags), and the plot where it is known."""
    name = movie.title if movie.year is None else f"{movie.title} ({movie.year})"
    parts = (name, ", ".join(movie.genres), ", ".join(movie.tags[:_MAX_TAGS]))
    facts = " ".join(f"{part}." for part in parts if part)
    plot = (movie.plot or "").strip()
    return (facts, plot) if plot else (facts,)


def text_key(model: str, text: str) -> bytes:
    """16 bytes that identify `text` as encoded by the model with the fingerprint `model`."""
    return hashlib.blake2b(f"{model}\0{text}".encode(), digest_size=16).digest()
