"""Movies by what a visitor types: titles, and what a text says of them."""

from __future__ import annotations

from dataclasses import dataclass

from recommender.app.components import controls, semantic_search
from recommender.app.i18n.language import t
from recommender.app.server.guarded_action import guarded_action
from recommender.core.records import Movie
from recommender.recommender import Recommender

# Shorter than this only a genre or a decade is described yet; a title is still being typed.
_MIN_LETTERS = 4


@dataclass(frozen=True)
class Found:
    """Movies that fit a text.

    Attributes:
        by_title: those whose titles are like it, the likest first.
        described: others that it describes.
        described_by: a sentence that says by what they were found.
    """

    by_title: list[Movie]
    described: list[Movie]
    described_by: str

    def __bool__(self) -> bool:
        return bool(self.by_title or self.described)


def field(matinee: Recommender, key: str) -> str:
    """Draw the search field, and return what is typed into it."""
    label, example = "similar.search", "similar.search_placeholder"
    if semantic_search.is_offered(matinee):
        label, example = "semantic.search", "semantic.search_placeholder"
    return controls.search_field(t(label), key, t(example))


def find(matinee: Recommender, text: str, n: int) -> Found:
    """Return at most n movies of each kind; draw a sentence where search by meaning fails.

    Those of the genres, decades, tags and people that `text` names are described by it; if it says
    anything else, those that it means, or whose descriptions have its words.
    """
    label = "similar.by_facts"
    with guarded_action("action.search", matinee.max_bytes):
        by_title = matinee.search(text, n)
        found: list[Movie] = matinee.search(text, n, by="facts")
    is_described = not found and len(text) >= _MIN_LETTERS and not matinee.is_facts(text)
    if is_described and semantic_search.is_offered(matinee):
        label, found = "semantic.matches", semantic_search.search(matinee, text, n)
    if is_described and not found:
        label = "similar.by_words"
        with guarded_action("action.search", matinee.max_bytes):
            found = matinee.search(text, n, by="words")
    known = {movie.movie_id for movie in by_title}
    others = [movie for movie in found if movie.movie_id not in known]
    return Found(by_title, others, t(label))
