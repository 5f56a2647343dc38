"""Rate limit of wrong tokens: who guesses the token of the metrics waits longer each time."""

from __future__ import annotations

import time
from collections import OrderedDict
from ipaddress import ip_address

from starlette.requests import HTTPConnection

from recommender.app.server.proxy_headers import client_address

# So many wrong ones of an address are answered at once: somebody may mistype.
MAX_FREE = 3
MIN_PAUSE, MAX_PAUSE = 1.0, 60.0
# Of more addresses those that guessed least recently are forgotten.
MAX_ADDRESSES = 1000


class TokenLimit:
    """Counts wrong tokens by address; of one that has given too many none is looked at for a pause,
    which is doubled by each further one. A right one lets it begin anew."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, until when

    def left(self, address: str) -> float:
        """Return the seconds until a token from `address` is looked at again; 0 if it is now."""
        return max(0.0, self._wrong.get(address, (0, 0.0))[1] - time.monotonic())

    def note(self, address: str, *, right: bool) -> None:
        """Note a token that was looked at."""
        wrong, _ = self._wrong.pop(address, (0, 0.0))
        if right:
            return
        wrong += 1
        pause = min(MAX_PAUSE, MIN_PAUSE * 2 ** min(30, wrong - MAX_FREE))
        self._wrong[address] = wrong, time.monotonic() + (pause if wrong > MAX_FREE else 0.0)
        if len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)


def guesser(request: HTTPConnection) -> str:
    """Return the address that guesses are counted for: what a proxy names is believed from private
    networks alone, since whoever asks directly could name another one for each guess."""
    host = request.client.host if request.client else ""
    try:
        behind_a_proxy = ip_address(host).is_private
    except ValueError:
        behind_a_proxy = False
    return client_address(request.scope) if behind_a_proxy else host
