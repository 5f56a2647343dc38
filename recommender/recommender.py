"""The recommender: one object that answers every request about a bundle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, overload

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.catalogue import FILE as CATALOGUE_FILE
from recommender.bundle.catalogue import Catalogue
from recommender.bundle.history import History
from recommender.bundle.links import MovieLinks
from recommender.bundle.movie_facts import MovieFacts
from recommender.bundle.soundness import check_contents
from recommender.core.address import Address
from recommender.core.records import (
    Id,
    Movie,
    Reason,
    Recommendation,
    Results,
    SharedRecommendation,
    SimilarMovie,
)
from recommender.models.content import ContentModel
from recommender.models.registry import ORDERING
from recommender.remote.opening import open_bundle
from recommender.scoring.everybody import RankEverybody, on_every_core
from recommender.scoring.filters import Filters
from recommender.scoring.lookups import Lookups
from recommender.scoring.requests import RequestParser, as_number
from recommender.scoring.results import ResultBuilder
from recommender.scoring.scorer import HybridScorer, Ranked, Request, UserRatings
from recommender.scoring.similar import (
    DEFAULT_METHOD,
    METHODS,
    Method,
    check_method,
    most_similar,
)
from recommender.scoring.together import recommend_together
from recommender.scoring.well_known import most_divisive, most_rated
from recommender.search.finder import SEARCH_BY, Finder, SearchBy
from recommender.search.lazy_semantic import LazySemanticSearch
from recommender.search.titles import TitleIndex
from recommender.settings.environment import Settings

# Chosen on a validation split: as good as 1 there, and with a little more of the catalogue.
DEFAULT_WEIGHT = 0.9
# The weight where nobody asks for a hybrid: the ranking model alone, which knows the content too.
RANKING_WEIGHT = 1.0


class Recommender(Lookups):
    """Answers every request about one opened bundle; safe to share between threads.

    Memory: the bundle's arrays are mapped, so a request costs what one batch needs and what the
    operating system keeps cached of the files, which it takes back whenever memory is short.

    Args:
        batch_size_for: returns how many rows of a batch to take at once, see `HybridScorer`.

    Attributes:
        scale: lowest and highest rating.
        has_stars: whether ratings are stars, and not counts, likes, or all equal.
        genres: all genres, the most frequent first.
        methods: what `find_similar_movies` can compare; content alone where
            MATINEE_COLLABORATIVE_SIMILARITY is false.
        semantic: search by meaning, which takes memory only while it is used.
    """

    def __init__(
        self,
        bundle: Bundle,
        settings: Settings | None = None,
        batch_size_for: Callable[[int, int], int] | None = None,
    ) -> None:
        settings = settings or Settings()
        check_contents(bundle)
        data = bundle.training.data
        self.scale: tuple[float, float] = data.scale
        self.has_stars = data.has_stars
        catalogue = Catalogue(bundle.file(CATALOGUE_FILE))
        catalogue.check(data.movies, data.users, int(bundle.numbers("content")["n_terms"]))
        facts, history = MovieFacts.from_bundle(bundle), History.from_bundle(bundle)
        links = MovieLinks.from_bundle(bundle)
        self._content = ContentModel.load(bundle)
        self._scorer = HybridScorer(
            {model.name: model.load(bundle) for model in ORDERING},
            self._content,
            history,
            settings.user_batch,
            settings.movie_batch,
            **({} if batch_size_for is None else {"batch_size_for": batch_size_for}),
        )
        requests = RequestParser(catalogue, facts, self._scorer)
        results = ResultBuilder(catalogue, facts, links, self._scorer, data.feedback)
        super().__init__(bundle, catalogue, facts, history, links, requests, results)
        titles = TitleIndex.from_bundle(bundle)
        self._finder = Finder(catalogue, titles, facts, self._content)
        self.semantic = LazySemanticSearch(
            bundle.path, settings.semantic_encoder, settings.semantic_idle_seconds
        )
        self.genres = self._facts.genre_names
        self.methods: tuple[Method, ...] = (
            METHODS if settings.collaborative_similarity else ("content",)
        )

    def __repr__(self) -> str:
        data = self.statistics
        return (
            f"Recommender({str(self.bundle.path)!r}: {data.movies:,} movies, {data.users:,} users, "
            f"{data.ratings:,} ratings, written {self.bundle.created[:10]})"
        )

    @property
    def default_method(self) -> Method:
        """The method of similar movies where none is named: the best of those that are on."""
        return DEFAULT_METHOD if DEFAULT_METHOD in self.methods else self.methods[0]

    @classmethod
    def open(
        cls,
        path: str | Path | Address,
        settings: Settings | None = None,
        batch_size_for: Callable[[int, int], int] | None = None,
    ) -> Recommender:
        """Open the bundle in the folder `path`, or the newest at an address (`remote.opening`).

        Raises:
            BundleError: it is missing, of another format version, truncated or altered, or cannot
                be fetched from its address.
            SettingsError: it has an address, and fsspec is not installed.
        """
        return cls(open_bundle(path, settings or Settings()), settings, batch_size_for)

    @property
    def max_bytes(self) -> int:
        """Bytes that one request takes at most."""
        return self._scorer.max_bytes

    def recommend_for_user(
        self,
        user_id: Id,
        n: int = 10,
        filters: Filters | None = None,
        rank_by: str = "ranking",
        *,
        variety: float = 0.0,
        obscurity: float = 0.0,
    ) -> Results[Recommendation]:
        """The n movies that suit a user of the data best, of those the user has not rated.

        Args:
            rank_by: the model that orders, one of `models.registry.RANK_BY`: ``"ranking"`` predicts
                what somebody would pick; ``"stars"`` orders by predicted stars, among the movies
                the stars model knows.
            variety: 0..1, see `scoring.scorer.most_various`.
            obscurity: 0..1, prefers the less well known (with ``"ranking"``).

        Raises:
            NotFoundError: no such user, or a genre that does not exist.
            ValueError: `rank_by`, `variety` or `obscurity` cannot be used.
        """
        person = self._scorer.user(self._requests.user(user_id))
        request = self._requests.request(n, RANKING_WEIGHT, filters, rank_by, variety, obscurity)
        return self._answer(person, request)

    def hybrid_recommend(
        self,
        user_id: Id,
        n: int = 10,
        cf_weight: float = DEFAULT_WEIGHT,
        filters: Filters | None = None,
        rank_by: str = "ranking",
        *,
        variety: float = 0.0,
        obscurity: float = 0.0,
    ) -> Results[Recommendation]:
        """Return the n best of cf_weight · collaborative + (1 − cf_weight) · content.

        Every movie is a candidate, rated by others or not. The other arguments are those of
        `recommend_for_user`.

        Raises:
            NotFoundError: no such user, or a genre that does not exist.
            ValueError: an argument cannot be used.
        """
        person = self._scorer.user(self._requests.user(user_id))
        request = self._requests.request(n, cf_weight, filters, rank_by, variety, obscurity)
        return self._answer(person, request)

    def recommend(
        self,
        ratings: Mapping[Id, float],
        n: int = 10,
        filters: Filters | None = None,
        rank_by: str = "ranking",
        *,
        cf_weight: float = RANKING_WEIGHT,
        variety: float = 0.0,
        obscurity: float = 0.0,
        hidden: Collection[Id] = (),
        seen: Collection[Id] = (),
    ) -> Results[Recommendation]:
        """The n movies that suit somebody best who is not in the data, from their own ratings.

        Nothing is trained: the ratings fold into the models (`RankingModel.profile`,
        `StarsModel.fold_in`). Movies that do not exist are passed over and listed in
        `Results.unknown`; without any rating the most popular movies come.

        Args:
            ratings: stars by movie id, or for a count c, log2(1 + c).
            cf_weight: the weight of the collaborative part, as in `hybrid_recommend`.
            hidden: movies that must not come; each also speaks against its like, as a lowest
                rating would, but says nothing about the stars somebody gives.
            seen: movies that must not come, and say nothing of anybody's taste.

        Raises:
            NotFoundError: none of the movies that are rated exists, or a genre does not.
            ValueError: stars outside the scale, or an argument that cannot be used.
        """
        person = self._requests.visitor(ratings)
        known, unknown = len(person.movies) > 0, self._requests.unknown_of(ratings, person)
        person = self._requests.with_hidden(person, hidden)
        request = self._requests.request(n, cf_weight, filters, rank_by, variety, obscurity)
        request = self._requests.without(request, seen)
        found = self._answer(person, request) if known else self._most_popular(person, request)
        return Results(found, unknown)

    def recommend_together(
        self,
        ratings: Sequence[Mapping[Id, float]],
        n: int = 10,
        filters: Filters | None = None,
        rank_by: str = "ranking",
        *,
        hidden: Sequence[Collection[Id]] = (),
        seen: Collection[Id] = (),
    ) -> Results[SharedRecommendation]:
        """The n movies for people who watch one together, so that the least happy one is as happy
        as can be.

        The candidates are the movies that none of them has rated, seen or hidden. Each one's own
        list orders all of these, and a movie counts as its worst place in any of the lists; of
        equal ones the lower sum of places comes first. The order of the people does not matter, and
        for one person the list is that of `recommend`. Whoever has rated nothing has no say; where
        that is everybody, the list is empty.

        Memory: at most `max_bytes` for each of the people.

        Args:
            ratings: each one's stars by movie id.
            hidden: movies that each one turned away, in the same order, see `recommend`.
            seen: movies that must not come.

        Raises:
            NotFoundError: a genre that does not exist.
            ValueError: nobody's ratings, stars outside the scale, `hidden` of another number of
                people, or an argument that cannot be used.
        """
        request = self._requests.request(n, RANKING_WEIGHT, filters, rank_by, 0.0, 0.0)
        request = self._requests.without(request, seen)
        parts = self._scorer, self._requests, self._results
        return recommend_together(*parts, ratings, request, hidden)

    def recommend_all(
        self,
        n: int = 10,
        cf_weight: float = RANKING_WEIGHT,
        rank_by: str = "ranking",
        rank: RankEverybody = on_every_core,
    ) -> Iterator[tuple[Id, list[Id], np.ndarray]]:
        """Recommend to every user: yields user id, movie ids best first, and their scores.

        Each list is that of `recommend_for_user`, or with another weight of `hybrid_recommend`.

        Memory follows the batches, one for each core, not the number of users.

        Args:
            rank: what ranks everybody's movies: this process, or a cluster
                (`recommender.spark.bulk`).
        """
        movie_ids = self._catalogue.movie_ids()
        users = self._catalogue.each_user_id()
        request = self._requests.request(n, cf_weight, None, rank_by, 0.0, 0.0)
        for user_id, best in zip(users, rank(self._scorer, request), strict=True):
            yield user_id, [movie_ids[m] for m in best[0]], best[1]

    def find_similar_movies(
        self,
        movie_id: Id,
        n: int = 10,
        method: Method | None = None,
        filters: Filters | None = None,
    ) -> Results[SimilarMovie]:
        """Return the n movies most similar to one.

        Args:
            method: what is compared, see `similar.most_similar`; `default_method` by default.

        Raises:
            NotFoundError: no such movie, a genre that does not exist, or a movie with too few
                ratings for ``"predicted"``.
            SettingsError: MATINEE_COLLABORATIVE_SIMILARITY is false, and the method needs it.
            ValueError: an unknown method.
        """
        method = method or self.default_method
        check_method(method, self.methods)
        movie, allowed = self._requests.movie(movie_id), self._requests.allowed(filters)
        n = self._requests.top_n(n)
        found, similarities = most_similar(self._scorer, movie, n, method, allowed)
        movies = zip(self._results.movies(found), similarities.tolist(), strict=True)
        return Results(SimilarMovie(rank, *pair) for rank, pair in enumerate(movies, start=1))

    def search(self, text: str, n: int = 10, by: SearchBy = "title") -> Results[Movie]:
        """The n movies that fit `text` best.

        Args:
            by: ``"title"`` looks for titles, misspelt ones too (`TitleIndex.search`);
                ``"facts"`` for genres, decades, tags and people, all that `text` names
                (`FactSearch`); ``"words"`` for words of plots and tags as well, most of them;
                ``"semantic"`` for what is said of the movies (`semantic.SemanticSearch`), which
                `matinee embed` must have prepared.

        Raises:
            BundleError: ``"semantic"`` is not prepared, or damaged.
            SettingsError: MATINEE_SEMANTIC_ENCODER is full, and the model is not installed.
            ValueError: `by` cannot be used.
        """
        if by not in SEARCH_BY:
            raise ValueError(f"by is {by!r}; it must be one of {', '.join(SEARCH_BY)}")
        n = self._requests.top_n(n)
        if by == "semantic":
            return self.movies(self.semantic.search(text, n, self._finder.fame))
        return Results(self._results.movies(self._finder.search(text, n, by)))

    def is_facts(self, text: str) -> bool:
        """Return whether `text` names genres, decades, tags and people of the data, and says
        nothing else: if ``"facts"`` finds no movie for it, no movie fits."""
        return self._finder.is_facts(text)

    @property
    def has_descriptions(self) -> bool:
        """Says that the movies have plots or tags, which search by words and by meaning needs."""
        return self._finder.has_descriptions

    @overload
    def predict(
        self, pairs: Sequence[tuple[Id, Id]], *, return_unknown: Literal[False] = False
    ) -> np.ndarray: ...

    @overload
    def predict(
        self, pairs: Sequence[tuple[Id, Id]], *, return_unknown: Literal[True]
    ) -> tuple[np.ndarray, np.ndarray]: ...

    def predict(
        self, pairs: Sequence[tuple[Id, Id]], *, return_unknown: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predicted ratings, clipped, for (user id, movie id) pairs; float64, shape (pairs,).

        They are on the scale of the data: stars if `has_stars`, shares of likes, or logarithms of
        counts.

        An unknown user or movie counts as an average one, as in Surprise.

        Args:
            return_unknown: return also which ids are unknown: bool, shape (pairs, 2), the user in
                the first column and the movie in the second.
        """
        users, movies = self._requests.pairs(pairs)
        stars = self._scorer.stars.predict_pairs(users, movies)
        if not return_unknown:
            return stars
        return stars, np.column_stack([users < 0, movies < 0])

    def find_title(self, title: str, year: int | None = None) -> Movie | None:
        """The movie that is called so, in this catalogue's spelling or another's, or None.

        Case, accents, articles, "&", kinds of numerals, and what is in brackets do not matter
        (`search.same_title`). Of several the one nearest to `year` comes, at most one year away, or
        without a year the most rated one. A title that differs in its subtitle is the same where
        the year is and no other movie fits.
        """
        if year is not None and not as_number("year", year).is_integer():
            raise ValueError(f"year is {year}; it must be a whole number")
        found = self._finder.of_title(title, year)
        return None if found is None else self.movie(found)

    def why(self, ratings: Mapping[Id, float], movie_id: Id) -> tuple[Reason, ...]:
        """The movies that would be the reasons to recommend a movie to somebody with `ratings`.

        They are those of `recommend`, the largest part first; `part` is in the ranking model's own
        units.

        Raises:
            NotFoundError: no such movie.
            ValueError: stars outside the scale.
        """
        movie, person = self._requests.movie(movie_id), self._requests.visitor(ratings)
        shares = self._scorer.ranking.explain(person.movies, person.ratings, movie)
        return self._results.reasons(person, shares.indices, shares.parts)

    def quick_start(self, n: int = 10, skip: Collection[Id] = ()) -> Results[Movie]:
        """Well-known movies that split opinions, unlike each other: what to ask somebody new."""
        inputs, left_out = self._scorer.ranking.inputs, self._requests.known(skip)
        found = most_divisive(self._facts, inputs, self._requests.top_n(n), left_out)
        return Results(self._results.movies(found))

    def popular(self, n: int = 10, filters: Filters | None = None) -> Results[Movie]:
        """The most often rated movies."""
        allowed = self._requests.allowed(filters)
        found = most_rated(self._facts, self._requests.top_n(n), allowed)
        return Results(self._results.movies(found))

    def _most_popular(self, person: UserRatings, request: Request) -> Results[Recommendation]:
        """Rank movies for somebody of whom nothing is known: the most rated ones."""
        movies = most_rated(self._facts, request.n, request.allowed, person.movies)
        ranked = Ranked(person, movies, self._facts.count[movies].astype(np.float64), 0.0, 0.0)
        return self._results.recommendations(ranked, request, reasons=False)

    def _answer(self, person: UserRatings, request: Request) -> Results[Recommendation]:
        ranked = next(self._scorer.rank([person], request))
        return self._results.recommendations(ranked, request, reasons=True)
