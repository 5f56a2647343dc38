"""Access to the metrics of an app: from the machine itself, or with a token."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

TOKEN_VARIABLE = "DEBUG_MEMORY_TOKEN"
# What a proxy adds to a request that it passes on.
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def may_read(token: str | None, host: str | None, headers: Mapping[str, str], given: str) -> bool:
    """Return whether a request comes from this machine itself, or knows the token if there is one.

    Args:
        host: the address that it came from.
        headers: by name in lower case; ``Authorization: Bearer …`` may name the token.
        given: the token that its own address names, ``?token=…``.
    """
    if token is None or _is_local(host, headers):
        return True
    scheme, _, named = headers.get("authorization", "").partition(" ")
    found = named if scheme.lower() == "bearer" else given
    return hmac.compare_digest(found.strip().encode(), token.encode())


def _is_local(host: str | None, headers: Mapping[str, str]) -> bool:
    if host is None or any(header in headers for header in _PASSED_ON):
        return False
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback
