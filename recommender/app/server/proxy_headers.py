"""Facts of a request that a proxy in front of the server knows better than the server."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope


def is_encrypted(scope: Scope) -> bool:
    """Return whether the browser speaks https, with this server or with a proxy in front of it.

    Of several proxies the first in X-Forwarded-Proto is the one that the browser speaks with.
    """
    protocol = _header(scope, b"x-forwarded-proto").split(",")[0].strip().lower()
    return scope["scheme"] in ("https", "wss") or protocol in ("https", "wss")


def client_address(scope: Scope) -> str:
    """Return the address that a request comes from; empty if nobody knows.

    Of those in X-Forwarded-For the last one counts, since the proxy next to this server has written
    it; whoever asks this server directly can write what they like, and gains no more than another
    address would give.
    """
    client = scope.get("client")
    return passed_on(_header(scope, b"x-forwarded-for")) or (client[0] if client else "")


def is_loopback(address: str) -> bool:
    """Return whether an address is this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def passed_on(forwarded_for: str) -> str:
    """Return the last address of X-Forwarded-For, which may have come in several lines."""
    return forwarded_for.split(",")[-1].strip()


def _header(scope: Scope, name: bytes) -> str:
    """The values of a header as one list, as if a single line had named them."""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return b",".join(values).decode("latin-1")
