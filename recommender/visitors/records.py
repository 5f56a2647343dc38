"""Records of what visitors rate, and the interface of every store that keeps them.

A visitor is known by a secret that only their browser has. A store holds its SHA-256 and nothing
else of it, so whoever gets hold of the store cannot act as anybody. Nothing is written for somebody
who only looks.
"""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, get_args

from recommender.core.errors import ProfileError
from recommender.core.records import Id

if TYPE_CHECKING:
    from recommender.visitors.evenings import Evenings

DAY = 24 * 3600
# The browser forgets its secret after a year without a visit; then nobody can reach the ratings.
RETENTION_SECONDS = 365 * DAY
# What room for a new visitor may cost another: nothing before a month without a visit.
MIN_EVICTION_SECONDS = 30 * DAY
# What a visitor says of a movie without stars: saved for later, seen, or of no interest (hidden).
Mark = Literal["saved", "seen", "hidden"]
MARKS: tuple[Mark, ...] = get_args(Mark)
# Stars or a mark; a movie has one of them, so whichever comes replaces the other.
Opinion = float | Mark
Row = tuple[Id, Opinion, int]
# Opinion and time, by movie.
Given = Mapping[Id, tuple[Opinion, int]]


@dataclass(frozen=True, slots=True)
class OwnRating:
    """The stars a visitor gave a movie, and when (seconds since 1970, UTC)."""

    movie_id: Id
    stars: float
    given_at: int


@dataclass(frozen=True, slots=True)
class OwnMark:
    """The mark a visitor gave a movie, and when (seconds since 1970, UTC)."""

    movie_id: Id
    mark: Mark
    given_at: int


@dataclass(frozen=True)
class VisitorRatings:
    """Ratings and marks of one visitor.

    Attributes:
        ratings: the newest first.
        marks: of movies without stars, the newest first.
        unsaved: movies whose last rating, mark or removal is not in the store yet.
        erasing: whether the store still has to forget the visitor.
        read: "now" where it is read from the store, "before" where it is what was last read from
            it, "never" where the store cannot be asked and this is only what waits to be saved.
    """

    ratings: list[OwnRating] = field(default_factory=list)
    marks: list[OwnMark] = field(default_factory=list)
    unsaved: frozenset[Id] = frozenset()
    erasing: bool = False
    read: Literal["now", "before", "never"] = "now"

    @classmethod
    def of(cls, rows: Iterable[Row]) -> VisitorRatings:
        """Build from rows of movie, opinion and time, in any order."""
        ordered = sorted(rows, key=lambda row: (-row[2], isinstance(row[0], str), row[0]))
        return cls(
            [OwnRating(movie, s, at) for movie, s, at in ordered if not isinstance(s, str)],
            [OwnMark(movie, s, at) for movie, s, at in ordered if isinstance(s, str)],
        )

    @property
    def stars(self) -> dict[Id, float]:
        """The stars by movie."""
        return {rating.movie_id: rating.stars for rating in self.ratings}

    @property
    def opinions(self) -> dict[Id, Opinion]:
        """The stars or the mark by movie."""
        return {**self.stars, **{mark.movie_id: mark.mark for mark in self.marks}}

    @property
    def times(self) -> list[int]:
        """The times of all ratings and marks."""
        return [r.given_at for r in self.ratings] + [m.given_at for m in self.marks]

    def marked(self, mark: Mark) -> list[Id]:
        """Return the movies with this mark, the newest first."""
        return [one.movie_id for one in self.marks if one.mark == mark]

    def __len__(self) -> int:
        return len(self.ratings) + len(self.marks)


@dataclass(frozen=True)
class Change:
    """A change that one visitor makes: kept wholly or, with an error, not at all.

    Attributes:
        given: opinion and time, by movie.
        removed: movies whose rating or mark is taken back; none of them is in `given`.
        erase: whether all earlier ratings go first, and the visitor with it.
        made: of a change that waited, when each movie of `given` and `removed` was changed.
        erased_at: of a change that waited, when `erase` was asked for.
    """

    given: Given = field(default_factory=dict)
    removed: frozenset[Id] = frozenset()
    erase: bool = False
    made: Mapping[Id, int] = field(default_factory=dict)
    erased_at: int = 0

    def __len__(self) -> int:
        return len(self.given) + len(self.removed) + self.erase

    @property
    def waited(self) -> bool:
        """True if it was queued, so that others may have written something newer meanwhile."""
        return bool(self.made or self.erased_at)

    def waiting(self, now: int) -> Change:
        """Return the same change, made `now`, for the write-behind queue."""
        made = dict.fromkeys([*self.given, *self.removed], now)
        return replace(self, made=made, erased_at=now if self.erase else 0)

    def after(self, rows: Iterable[Row]) -> Change:
        """Return what is left of a queued change, where the store has `rows` of the visitor: of two
        changes of the same movie, the later one counts."""
        times = {movie: at for movie, _, at in rows}
        newer = {m for m, at in times.items() if at > self.made.get(m, self.erased_at)}
        given = {movie: row for movie, row in self.given.items() if movie not in newer}
        removed = self.removed
        if self.erase and newer:
            removed |= times.keys() - given.keys()
        return Change(given, removed - newer, self.erase and not newer)

    def followed_by(self, later: Change) -> Change:
        """Return the one change that does what this and then `later` do."""
        if later.erase:
            return later
        given = {m: row for m, row in self.given.items() if m not in later.removed}
        given.update(later.given)
        removed = (self.removed | later.removed) - later.given.keys()
        return Change(given, removed, self.erase, {**self.made, **later.made}, self.erased_at)

    def applied_to(self, stored: VisitorRatings) -> VisitorRatings:
        """Return `stored` with this change made."""
        rows: dict[Id, Row] = {}
        if not self.erase:
            rows = {r.movie_id: (r.movie_id, r.stars, r.given_at) for r in stored.ratings}
            rows |= {m.movie_id: (m.movie_id, m.mark, m.given_at) for m in stored.marks}
        for movie in self.removed:
            rows.pop(movie, None)
        rows.update((movie, (movie, *given)) for movie, given in self.given.items())
        new = VisitorRatings.of(rows.values())
        return replace(stored, ratings=new.ratings, marks=new.marks)


@dataclass(frozen=True)
class Limits:
    """Limits of what strangers may fill: ratings of one visitor, marks among them, visitors, and
    bytes of a file."""

    ratings: int = 2000
    visitors: int = 20_000
    size: int = 64 * 2**20


class ProfileStore(ABC):
    """Ratings and marks by visitor; safe for several threads and several processes.

    Of two who write the same at once, the last one wins; a change that waited gives way to what was
    written after it, to the second, by the clocks of the servers. When there are as many visitors
    as `Limits` allows, a newcomer takes the place of whoever was away longest, if that is a month
    at least; visitors who were away for a year are dropped in any case.

    Raises:
        ProfileError: the store cannot be used; every method raises it.
    """

    @property
    @abstractmethod
    def evenings(self) -> Evenings:
        """The evenings at which visitors choose a movie together."""

    @abstractmethod
    def ratings_of(self, secret: str) -> VisitorRatings:
        """Return what the visitor rated and marked; empty for somebody unknown."""

    @abstractmethod
    def change(self, secret: str, change: Change) -> None:
        """Keep the change, all of it or, with an error, nothing."""

    @abstractmethod
    def note_visit(self, secret: str) -> None:
        """Note that the visitor was here; written once a day at most, and never for a stranger."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file or the connections."""

    def trouble(self) -> str | None:
        """Return why nothing can be kept now, as far as is known without asking; None if all is
        well."""
        return None

    def raise_rejected(self, secret: str) -> None:
        """Raise, once, why changes of this visitor that waited were given up in the end."""
        return

    def rate(self, secret: str, stars: Mapping[Id, float]) -> None:
        """Keep the stars that the visitor gives these movies now."""
        now = int(time.time())
        self.change(secret, Change({movie: (given, now) for movie, given in stars.items()}))

    def put(self, secret: str, ratings: Iterable[OwnRating], marks: Iterable[OwnMark] = ()) -> None:
        """Keep these ratings and marks, of several for a movie the last, and stars before a mark;
        all or, with an error, none."""
        given: dict[Id, tuple[Opinion, int]] = {m.movie_id: (m.mark, m.given_at) for m in marks}
        given.update((r.movie_id, (r.stars, r.given_at)) for r in ratings)
        self.change(secret, Change(given))

    def mark(self, secret: str, movie: Id, mark: Mark) -> None:
        """Keep the mark that the visitor gives the movie now; it has no stars any more."""
        self.change(secret, Change({movie: (mark, int(time.time()))}))

    def remove(self, secret: str, movie: Id) -> None:
        """Forget the visitor's stars for the movie, or its mark."""
        self.change(secret, Change(removed=frozenset([movie])))

    def delete(self, secret: str) -> None:
        """Forget the visitor, all their ratings, and that they were at an evening."""
        self.change(secret, Change(erase=True))


class StoreUnavailableError(ProfileError):
    """The store does not answer, or takes nothing for now; it may by itself later on.

    Args:
        readable: whether it could still be read.
    """

    def __init__(self, message: str, *, readable: bool = False) -> None:
        super().__init__(message, "away")
        self.readable = readable


def too_many(place: object, limits: Limits) -> ProfileError:
    """Return the error for a visitor with more ratings than allowed."""
    return ProfileError(
        f"{place}: one visitor can keep {limits.ratings} movies; "
        "remove some, or raise MATINEE_PROFILE_RATINGS",
        "too_many",
        limit=limits.ratings,
    )


def store_full(place: object, visitors: int) -> ProfileError:
    """The error for a newcomer for whom there is no place."""
    return ProfileError(
        f"{place}: it holds the ratings of {visitors} visitors; raise MATINEE_PROFILE_VISITORS",
        "full",
    )


def hashed(secret: str) -> bytes:
    """A secret of 192 random bits cannot be guessed from its hash, so no salt is needed."""
    return hashlib.sha256(secret.encode()).digest()
