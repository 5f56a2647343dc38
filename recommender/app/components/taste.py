"""A visitor's taste, as their stars tell it: genres, decades, and how they rate beside others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recommender.core.records import Id, Movie

BARS = 5
_NO_GENRE = "(no genres listed)"  # MovieLens's word


@dataclass(frozen=True, slots=True)
class Bar:
    """One genre or decade.

    Attributes:
        name: the genre as the data call it, or the decade's first year.
        mean: of the stars that the visitor gave its movies.
        count: how many movies these are.
    """

    name: str
    mean: float
    count: int

    @property
    def weight(self) -> float:
        """The length of the bar: much seen and much liked."""
        return self.mean * self.count


@dataclass(frozen=True, slots=True)
class Taste:
    """The taste of one visitor.

    Attributes:
        genres: the `BARS` of most weight, the heaviest first.
        decades: the `BARS` of most weight, the earliest first.
        own_mean: of the visitor's stars, of movies that others rated too; None without any.
        others_mean: of the same movies' means in the catalogue.
    """

    genres: list[Bar]
    decades: list[Bar]
    own_mean: float | None
    others_mean: float | None


def of(movies: Iterable[Movie], given: Mapping[Id, float]) -> Taste:
    """Return the taste that the stars `given`, by movie, show."""
    genres: dict[str, list[float]] = defaultdict(list)
    decades: dict[str, list[float]] = defaultdict(list)
    pairs = []
    for movie in movies:
        stars = given[movie.movie_id]
        for genre in movie.genres:
            genres[genre].append(stars)
        if movie.year:
            decades[str(movie.year // 10 * 10)].append(stars)
        if movie.mean_rating is not None:
            pairs.append((stars, movie.mean_rating))
    genres.pop(_NO_GENRE, None)
    return Taste(
        _heaviest(genres),
        sorted(_heaviest(decades), key=lambda bar: bar.name),
        _mean([own for own, _ in pairs]) if pairs else None,
        _mean([others for _, others in pairs]) if pairs else None,
    )


def _heaviest(stars: Mapping[str, Sequence[float]]) -> list[Bar]:
    bars = [Bar(name, _mean(each), len(each)) for name, each in stars.items()]
    return sorted(bars, key=lambda bar: (-bar.weight, bar.name))[:BARS]


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
