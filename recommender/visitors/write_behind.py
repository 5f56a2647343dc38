"""Write-behind for visitors' ratings: a queue in memory while their database is away.

After a failure no visitor waits for it again: one thread retries every few seconds until it
answers. Meanwhile visitors see a cache of what was read last, and their changes are queued here,
within bounds, until they can be written. Nothing that was taken is dropped without a word: see
`VisitorRatings.unsaved` and `raise_rejected`. What another server wrote meanwhile stays where it is
newer. Source of the idea: M. Nygard, "Release It!", Circuit Breaker.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from recommender.core.errors import ProfileError
from recommender.visitors.records import (
    Change,
    ProfileStore,
    StoreUnavailableError,
    VisitorRatings,
    too_many,
)

if TYPE_CHECKING:
    from recommender.visitors.evenings import Evenings
    from recommender.visitors.postgres_store import PostgresStore

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 2.0
# How long the database may have been left alone before `trouble` has it asked.
_ASK_SECONDS = 30.0
# Of all visitors together: what waits, and what was read last. Each takes 100 to 300 bytes.
_MAX_PENDING = 10_000
_MAX_CACHED = 10_000
_MAX_REJECTED = 1000


class WriteBehindStore(ProfileStore):
    """`ProfileStore` over a database that may be away; no method waits for it long, or fails.

    Args:
        store: the database's own.
        retry_seconds: between two questions whether it is back.
        max_pending: changes of all visitors that may wait; more are refused with a ProfileError
            of the reason "away".
    """

    def __init__(
        self,
        store: PostgresStore,
        retry_seconds: float = _RETRY_SECONDS,
        max_pending: int = _MAX_PENDING,
    ) -> None:
        self._store = store
        self._retry_seconds = retry_seconds
        self._max_pending = max_pending
        self._lock = threading.Lock()  # never held while the database is asked
        self._writing = threading.Lock()  # one thread at a time writes what waits
        self._away: StoreUnavailableError | None = None
        self._answered_at = time.monotonic()
        self._waiting: dict[str, Change] = {}
        self._known: OrderedDict[str, VisitorRatings] = OrderedDict()  # the one read last is last
        self._n_known = 0
        self._refused: dict[str, ProfileError] = {}
        self._healer: threading.Thread | None = None
        self._closed = threading.Event()
        self._look()

    def ratings_of(self, secret: str) -> VisitorRatings:
        """Return the ratings of the visitor, with those that wait to be saved; never fails."""
        # What waits is asked for before and after, since it may be written in between.
        before = self._waiting.get(secret, Change())
        stored = self._read(secret)
        with self._lock:
            if stored is None:
                known = self._known.get(secret)
                stored = (
                    VisitorRatings(read="never") if known is None else replace(known, read="before")
                )
            waiting = self._waiting.get(secret, Change())
        return replace(
            before.followed_by(waiting).applied_to(stored),
            unsaved=waiting.removed | waiting.given.keys(),
            erasing=waiting.erase,
        )

    @property
    def evenings(self) -> Evenings:
        """The database's own; there are none while it is away.

        Raises:
            StoreUnavailableError: it is.
        """
        if self._away is not None:
            raise self._away
        return self._store.evenings

    def change(self, secret: str, change: Change) -> None:
        """Keep the change in the database or, while that is away, here."""
        if self._away is None and secret not in self._waiting:
            try:
                self._store.change(secret, change)
            except StoreUnavailableError as error:
                self._lost(error)
            else:
                self._has_answered()
                self._remember_change(secret, change)
                return
        self._keep(secret, change)

    def note_visit(self, secret: str) -> None:
        """Note the visit, unless the database is away; never fails for that."""
        if self._away is None:
            try:
                self._store.note_visit(secret)
            except StoreUnavailableError as error:
                self._lost(error)

    def raise_rejected(self, secret: str) -> None:
        """Raise, once, the error for which this visitor's queued changes were given up."""
        with self._lock:
            refusal = self._refused.pop(secret, None)
        if refusal is not None:
            raise refusal

    def trouble(self) -> str | None:
        """Return why the database is away, and how many changes wait for it; None if it answers."""
        if time.monotonic() - self._answered_at > _ASK_SECONDS:
            self._look()
        away = self._away
        if away is None:
            return None
        with self._lock:
            count = sum(map(len, self._waiting.values()))
        return f"{away}; changes that wait for it: {count}"

    def close(self) -> None:
        """End; what still waits is tried once more, and counted in the log if that fails."""
        self._closed.set()
        if self._waiting and not self._write_waiting():
            count = sum(map(len, self._waiting.values()))
            _log.error("ratings in %s: changes not saved: %d", self._store.place, count)
        self._store.close()

    def _read(self, secret: str) -> VisitorRatings | None:
        away = self._away
        if away is not None and not away.readable:
            return None
        try:
            stored = self._store.ratings_of(secret)
        except StoreUnavailableError as error:
            self._lost(error)
            return None
        self._has_answered()
        with self._lock:
            self._remember(secret, stored)
        return stored

    def _remember(self, secret: str, stored: VisitorRatings) -> None:
        # A visitor without ratings takes room, too.
        if (old := self._known.pop(secret, None)) is not None:
            self._n_known -= 1 + len(old)
        self._known[secret] = stored
        self._n_known += 1 + len(stored)
        while self._n_known > _MAX_CACHED and len(self._known) > 1:
            self._n_known -= 1 + len(self._known.popitem(last=False)[1])

    def _remember_change(self, secret: str, change: Change) -> None:
        with self._lock:
            if secret in self._known:
                self._remember(secret, change.applied_to(self._known[secret]))

    def _keep(self, secret: str, change: Change) -> None:
        """Let the change wait."""
        with self._lock:
            before = self._waiting.get(secret, Change())
            known = self._known.get(secret, VisitorRatings())
            # It comes after what the visitor saw, whatever the clock of the server that had that.
            now = max([int(time.time()), *known.times])
            merged = before.followed_by(change.waiting(now))
            limits = self._store.limits
            if change.given and len(merged.applied_to(known)) > limits.ratings:
                raise too_many(self._store.place, limits)
            others = sum(map(len, self._waiting.values())) - len(before)
            if others + len(merged) > self._max_pending:
                raise StoreUnavailableError(
                    f"{self._away}; no more can wait for it than do already"
                )
            if merged:
                self._waiting[secret] = merged
        self._look()

    def _lost(self, error: StoreUnavailableError) -> None:
        with self._lock:
            new, self._away = self._away is None, error
        if new:
            _log.warning("%s", error)
        self._look()

    def _has_answered(self) -> None:
        self._answered_at = time.monotonic()

    def _look(self) -> None:
        """Have a thread ask the database until it answers and nothing waits any more."""
        with self._lock:
            if self._healer is None and not self._closed.is_set():
                self._healer = threading.Thread(target=self._heal, name="ratings", daemon=True)
                self._healer.start()

    def _heal(self) -> None:
        while not self._closed.is_set():
            try:
                healed = self._write_waiting()
            except Exception:  # whatever it is, this thread must not end
                _log.exception("ratings in %s", self._store.place)
                healed = False
            with self._lock:
                if healed and not self._waiting:
                    self._healer = None
                    return
            if not healed:
                self._closed.wait(self._retry_seconds)

    def _write_waiting(self) -> bool:
        """Write the queue; True if the database answers, and took or refused all of it."""
        try:
            with self._writing:
                self._store.check()
                written = sum(self._write(secret) for secret in list(self._waiting))
        except StoreUnavailableError as error:
            with self._lock:
                new, self._away = self._away is None, error
            if new:
                _log.warning("%s", error)
            return False
        self._has_answered()
        with self._lock:
            back, self._away = self._away is not None, None
        if back:
            _log.warning("ratings in %s: back; changes saved: %d", self._store.place, written)
        return True

    def _write(self, secret: str) -> int:
        """Write what waits of one visitor; return how many changes the database took."""
        change = self._waiting[secret]
        refusal = None
        try:
            self._store.change(secret, change)
        except StoreUnavailableError:
            raise
        except ProfileError as error:
            given_up = f"{error}; changes given up: {len(change)}"
            _log.warning("%s", given_up)
            refusal = ProfileError(given_up, "given_up", count=len(change))
        else:
            self._remember_change(secret, change)
        with self._lock:
            # What came meanwhile holds this change, too; it is written again with the rest.
            if self._waiting[secret] is change:
                del self._waiting[secret]
                if refusal is not None:
                    self._refused[secret] = refusal
                    if len(self._refused) > _MAX_REJECTED:
                        del self._refused[next(iter(self._refused))]
        return 0 if refusal else len(change)
