"""Sizes in words: how they are written and read."""

from __future__ import annotations

import re

MB = 1024 * 1024
LIMIT_FORMAT = "a size of at least 1M, such as 256M or 1.5G"
_MAX_SIZE = 2**63  # what the system can count
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(?:I?B)?")


def format_bytes(count: int, *, signed: bool = False) -> str:
    """The count in MB of 1024 x 1024 bytes: ``"61.2 MB"``, or ``"+61.2 MB"`` when `signed`."""
    figure = f"{count / MB:{'+' if signed else ''},.1f}"
    return ("0.0" if figure in ("+0.0", "-0.0") else figure) + " MB"


def parse_size(text: str) -> int:
    """The bytes that ``"256M"``, ``"1.5G"``, ``"64kb"`` or ``"1048576"`` say; M is 1024 x 1024.

    Raises:
        ValueError: `text` is no size, less than a byte, or more than 64 bits can count.
    """
    match = _SIZE.fullmatch(text.strip().upper())
    size = float(match[1]) * 1024 ** " KMGT".index(match[2] or " ") if match else 0.0
    if not 1 <= size < _MAX_SIZE:
        raise ValueError(f"{text}: write a size such as 256M, 1.5G or bytes")
    return int(size)


def parse_limit(text: str) -> int:
    """Return the bytes of a memory limit, written as for `parse_size`.

    Raises:
        ValueError: `text` is no size, or less than 1 MB: 256 is most likely meant as 256M.
    """
    try:
        limit = parse_size(text)
    except (ValueError, OverflowError):
        limit = 0
    if limit < MB:
        raise ValueError(f"{text}: give {LIMIT_FORMAT}")
    return limit
