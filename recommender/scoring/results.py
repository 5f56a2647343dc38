"""Result records: the indices and scores of the scorer become what callers get."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from recommender.bundle.catalogue import Catalogue
from recommender.bundle.feedback import COUNTS, STARS
from recommender.bundle.links import MovieLinks
from recommender.bundle.movie_facts import MovieFacts
from recommender.core.records import Movie, Reason, Recommendation, Results
from recommender.scoring.explain import explain
from recommender.scoring.scorer import HybridScorer, Ranked, Request, UserRatings

_REASONS = 3
_TERMS = 4


class ResultBuilder:
    """Makes records of what the scorer found, with titles, predicted stars and reasons."""

    def __init__(
        self,
        catalogue: Catalogue,
        facts: MovieFacts,
        links: MovieLinks,
        scorer: HybridScorer,
        feedback: str,
    ) -> None:
        self._catalogue = catalogue
        self._facts = facts
        self._links = links
        self._scorer = scorer
        self._feedback = feedback

    def movies(self, indices: Sequence[int] | np.ndarray) -> list[Movie]:
        """The movies with these indices, in this order."""
        indices = [int(i) for i in indices]
        counts, means = self._facts.count[indices], self._facts.mean[indices]
        has_mean = self._feedback != COUNTS
        return [
            Movie(
                movie_id=text.movie_id,
                title=text.title,
                year=text.year,
                genres=text.genres,
                mean_rating=float(mean) if count and has_mean else None,
                n_ratings=int(count),
                imdb_id=self._links.imdb_id(index),
                tmdb_id=self._links.tmdb_id(index),
                titles=text.titles,
            )
            for index, text, count, mean in zip(
                indices, self._catalogue.movies(indices), counts, means, strict=True
            )
        ]

    def recommendations(
        self, ranked: Ranked, request: Request, *, reasons: bool
    ) -> Results[Recommendation]:
        """Build the recommendations for one person; with the reasons only if they are asked for."""
        parts = self._scorer.parts(ranked, request)
        stars = self._scorer.stars.clip(parts.predicted)
        by_stars = request.weight == 1 and self._scorer.by_stars(request)
        has_stars = self._feedback == STARS
        scores = parts.predicted if by_stars else ranked.scores
        return Results(
            Recommendation(
                rank=i + 1,
                movie=movie,
                score=float(scores[i]),
                stars=float(stars[i]) if has_stars else None,
                collaborative=float(parts.collaborative[i]),
                content=float(parts.content[i]),
                **(self._reasons(ranked, request, i) if reasons else {}),
            )
            for i, movie in enumerate(self.movies(ranked.movies))
        )

    def _reasons(self, ranked: Ranked, request: Request, rank: int) -> dict[str, Any]:
        """The largest parts of the score of the movie at position `rank`."""
        why = explain(self._scorer, ranked, request, rank)
        found: dict[str, Any] = {}
        found["reasons"] = self.reasons(ranked.person, why.movies, why.movie_parts)
        if request.weight < 1:
            best = np.argsort(-why.term_parts, kind="stable")[:_TERMS]
            found["terms"] = tuple(self._terms[term] for term in why.terms[best])
        return found

    def reasons(
        self, person: UserRatings, movies: np.ndarray, parts: np.ndarray
    ) -> tuple[Reason, ...]:
        """Return the largest of the `parts` that `movies`, rated by a person, brought to a score.

        A movie that the person did not like is no reason, whatever it brought.
        """
        liked = person.movies[person.liked(self._scorer.stars.scale)]
        parts = np.where(np.isin(movies, liked), parts, 0)
        order = np.argsort(-parts, kind="stable")[:_REASONS]
        order = order[parts[order] > 0]
        return tuple(map(Reason, self.movies(movies[order]), parts[order].tolist()))

    @cached_property
    def _terms(self) -> list[str]:
        return self._catalogue.terms()
