"""Rate limit of new profiles: how many visitors of one address begin to keep ratings in an hour."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from recommender.app.server import worker
from recommender.core.errors import ProfileError
from recommender.visitors.evenings import Evenings
from recommender.visitors.records import Change, ProfileStore, VisitorRatings, hashed

MAX_NEWCOMERS = 200
SECONDS = 3600.0
# Of more addresses those that were seen least recently are forgotten.
MAX_ADDRESSES = 1000


class NewcomerLimit:
    """Counts newcomers by address; safe to share between threads.

    Memory: 150 bytes for each newcomer of the last hour.

    Args:
        most: newcomers of one address in an hour, of all workers together.
        did: what they did, for the log.
    """

    def __init__(self, most: int = MAX_NEWCOMERS, did: str = "began to keep ratings") -> None:
        self._most, self._did = most, did
        self._lock = threading.Lock()
        self._came: OrderedDict[str, dict[bytes, float]] = OrderedDict()

    def admit(self, address: str, secret: str) -> None:
        """Count the newcomer with this secret, once.

        Raises:
            ProfileError: too many others came from the address within the hour.
        """
        now, key = time.monotonic(), hashed(secret)
        with self._lock:
            came = self._came.setdefault(address, {})
            self._came.move_to_end(address)
            if len(self._came) > MAX_ADDRESSES:
                self._came.popitem(last=False)
            for known in [one for one, at in came.items() if now - at >= SECONDS]:
                del came[known]
            if key not in came and len(came) >= worker.share(self._most):
                raise ProfileError(
                    f"{len(came)} visitors from {address} {self._did} within an hour; "
                    "another one was refused",
                    "crowded",
                )
            came.setdefault(key, now)


class RateLimitedStore(ProfileStore):
    """`ProfileStore` of whoever asks from one address: newcomers from there are limited.

    Args:
        store: keeps the ratings.
        address: where the visitor is; empty where nobody knows, which is not limited.
    """

    def __init__(self, store: ProfileStore, limit: NewcomerLimit, address: str) -> None:
        self._store, self._limit, self._address = store, limit, address

    @property
    def evenings(self) -> Evenings:
        """The store's own."""
        return self._store.evenings

    def ratings_of(self, secret: str) -> VisitorRatings:
        """Return what the store has of the visitor."""
        return self._store.ratings_of(secret)

    def change(self, secret: str, change: Change) -> None:
        """Keep the change, or raise a ProfileError for one newcomer too many."""
        if change.given and self._address:
            before = self._store.ratings_of(secret)
            if not before and before.read != "never":  # who cannot be looked up may be known
                self._limit.admit(self._address, secret)
        self._store.change(secret, change)

    def note_visit(self, secret: str) -> None:
        """Note in the store that the visitor was here."""
        self._store.note_visit(secret)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def trouble(self) -> str | None:
        """Return why the store can keep nothing now, as far as is known."""
        return self._store.trouble()

    def raise_rejected(self, secret: str) -> None:
        """Raise, once, why the store gave up changes of this visitor."""
        self._store.raise_rejected(secret)
