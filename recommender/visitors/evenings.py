"""Evenings: two to six visitors who choose a movie together, for twelve hours at most.

A host opens an evening and makes a link for each guest. A link is a random token, of which only the
hash is kept, and works once; whoever has joined comes back by their own secret. Nothing of an
evening is kept once it is over: no list, no name, and not who was there.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, LiteralString, Protocol, TypeVar

from recommender.core.errors import ProfileError
from recommender.visitors.records import VisitorRatings, hashed

SECONDS = 12 * 3600
MAX_MEMBERS = 6
MAX_EVENINGS = 1000
MAX_NAME_LETTERS = 20
HOST = 1  # the seat of whoever opened the evening
Joined = Literal["joined", "used", "over", "elsewhere"]
Invitation = Joined | Literal["open"]
T = TypeVar("T")
# Runs a statement, with psycopg's placeholders and `{s}` for the schema; returns the rows.
Execute = Callable[[LiteralString, Mapping[str, object]], list[tuple[Any, ...]]]

_PURGE: LiteralString = "DELETE FROM {s}.evenings WHERE ends_at <= %(now)s"
# All that is kept of a visitor: the host takes the evening along.
LEAVE: tuple[LiteralString, ...] = (
    "DELETE FROM {s}.evenings WHERE number IN "
    "(SELECT evening FROM {s}.seats WHERE member = %(key)s AND seat = 1)",
    "DELETE FROM {s}.seats WHERE member = %(key)s",
)
_SEATS: LiteralString = (
    "SELECT e.number, e.ends_at, mine.seat, s.seat, s.name, s.member FROM {s}.seats mine "
    "JOIN {s}.evenings e ON e.number = mine.evening JOIN {s}.seats s ON s.evening = e.number "
    "WHERE mine.member = %(key)s AND e.ends_at > %(now)s ORDER BY s.seat"
)
_BY_TOKEN: LiteralString = (
    "SELECT s.evening, s.member FROM {s}.seats s JOIN {s}.evenings e ON e.number = s.evening "
    "WHERE s.token = %(token)s AND e.ends_at > %(now)s"
)


class Run(Protocol):
    """Calls `work` with what executes statements, in a transaction of its own.

    Transactions that `write` come one after another.
    """

    def __call__(self, work: Callable[[Execute], T], *, write: bool) -> T: ...


@dataclass(frozen=True, slots=True)
class Member:
    """A visitor at an evening.

    Attributes:
        seat: 1 is the host's.
        name: as they gave it; may be empty.
        key: the hash of their secret.
    """

    seat: int
    name: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evening:
    """An evening as one of its members sees it.

    Attributes:
        ends_at: when it ends by itself, seconds since 1970, UTC.
        seat: that of the member who asks.
        members: by seat; the host is the first.
    """

    ends_at: int
    seat: int
    members: tuple[Member, ...]

    @property
    def is_host(self) -> bool:
        """True for the member who has opened the evening."""
        return self.seat == HOST


class Evenings:
    """The evenings that a store keeps; safe for several threads and several processes.

    A visitor is at one evening at a time.

    Args:
        run: runs statements in the store.
        ratings_of: returns the ratings of the visitor with a key.

    Raises:
        ProfileError: the store cannot be used; every method raises it.
    """

    def __init__(self, run: Run, ratings_of: Callable[[bytes], VisitorRatings]) -> None:
        self._run = run
        self._ratings_of = ratings_of

    def of(self, secret: str) -> Evening | None:
        """Return the evening that the visitor is at, or None."""
        values = {"key": hashed(secret), "now": int(time.time())}
        rows = self._run(lambda execute: execute(_SEATS, values), write=False)
        if not rows:
            return None
        taken = (row[3:] for row in rows if row[5] is not None)
        return Evening(rows[0][1], rows[0][2], tuple(Member(*row) for row in taken))

    def ratings_of(self, member: Member) -> VisitorRatings:
        """Return a member's ratings, for the list alone: no member sees those of another."""
        return self._ratings_of(member.key)

    def open(self, secret: str, name: str = "") -> None:
        """Open an evening, of which the visitor is the host; nothing if they are at one.

        Raises:
            ProfileError: there are too many already; its reason is "evenings_full".
        """
        values = {"key": hashed(secret), "name": _clean(name), **_now()}

        def work(execute: Execute) -> None:
            execute(_PURGE, values)
            if execute(_SEATS, values):
                return
            ((count, last),) = execute(
                "SELECT count(*), coalesce(max(number), 0) FROM {s}.evenings", {}
            )
            if count >= MAX_EVENINGS:
                raise ProfileError(
                    f"there are {count} evenings already; another one was refused", "evenings_full"
                )
            new = {**values, "evening": last + 1}
            execute("INSERT INTO {s}.evenings (number, ends_at) VALUES (%(evening)s, %(end)s)", new)
            execute(
                "INSERT INTO {s}.seats (evening, seat, member, name) "
                "VALUES (%(evening)s, 1, %(key)s, %(name)s)",
                new,
            )

        self._run(work, write=True)

    def invite(self, secret: str) -> str | None:
        """Return a token that lets one visitor join the host's evening.

        When links that nobody has used hold all seats that are left, one of them stops working.

        Returns:
            None if every seat has a member, or the visitor is no host.
        """
        token = secrets.token_urlsafe(24)
        values = {"key": hashed(secret), "token": hashed(token), **_now()}

        def work(execute: Execute) -> bool:
            execute(_PURGE, values)
            rows = execute(_SEATS, values)
            if not rows or rows[0][2] != HOST:
                return False
            taken = {row[3]: row[5] is not None for row in rows}
            seats = range(1, MAX_MEMBERS + 1)
            free = [seat for seat in seats if seat not in taken]
            free += [seat for seat in seats if not taken.get(seat, True)]
            if not free:
                return False
            seat = {**values, "evening": rows[0][0], "seat": free[0]}
            execute("DELETE FROM {s}.seats WHERE evening = %(evening)s AND seat = %(seat)s", seat)
            execute(
                "INSERT INTO {s}.seats (evening, seat, token, name) "
                "VALUES (%(evening)s, %(seat)s, %(token)s, '')",
                seat,
            )
            return True

        return token if self._run(work, write=True) else None

    def join(self, secret: str, token: str, name: str = "") -> Joined:
        """Join the evening that the token is for; it works for nobody else afterwards.

        Returns:
            ``"joined"``, also for whoever has joined already; ``"used"``; ``"over"`` for a token
            that is of no evening; ``"elsewhere"`` for somebody who is at another evening.
        """
        values = {"key": hashed(secret), "token": hashed(token), "name": _clean(name), **_now()}

        def work(execute: Execute) -> Joined:
            execute(_PURGE, values)
            state = _state(execute, values)
            if state != "open":
                return state
            execute(
                "UPDATE {s}.seats SET member = %(key)s, name = %(name)s WHERE token = %(token)s",
                values,
            )
            return "joined"

        return self._run(work, write=True)

    def invitation(self, secret: str, token: str) -> Invitation:
        """Return what `join` would, or ``"open"`` where the visitor would join by it."""
        values = {"key": hashed(secret), "token": hashed(token), **_now()}
        return self._run(lambda execute: _state(execute, values), write=False)

    def leave(self, secret: str) -> None:
        """Leave the evening; the host's ends for everybody."""
        values = {"key": hashed(secret)}
        self._run(lambda execute: [execute(statement, values) for statement in LEAVE], write=True)

    def forget_ended(self) -> None:
        """Delete the evenings whose time is over, which nobody can see any more."""
        self._run(lambda execute: execute(_PURGE, _now()), write=True)


def _state(execute: Execute, values: Mapping[str, object]) -> Invitation:
    found, mine = execute(_BY_TOKEN, values), execute(_SEATS, values)
    if not found:
        return "over"
    if mine and mine[0][0] == found[0][0]:
        return "joined"
    if found[0][1] is not None:
        return "used"
    return "elsewhere" if mine else "open"


def _now() -> dict[str, int]:
    now = int(time.time())
    return {"now": now, "end": now + SECONDS}


def _clean(name: str) -> str:
    """Return `name` as one short line."""
    line = " ".join(name.split())
    return "".join(letter for letter in line if letter.isprintable())[:MAX_NAME_LETTERS].strip()
