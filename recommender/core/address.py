"""Place of a bundle: a folder, or an address such as ``s3://bucket/bundle``."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_WEB = ("http", "https")
# Up to the last @ before a slash: a password may hold one.
_USER = re.compile(r"(?<=://)[^/\s]*@")
_QUERY = re.compile(r"(https?://[^\s'\"?]*\?)[^\s'\")]*")


@dataclass(frozen=True, repr=False)
class Address:
    """A URL that fsspec understands; as text, without the secrets in it.

    Attributes:
        full: with user, password and query, for whoever opens it; not to be shown.
    """

    full: str

    def __str__(self) -> str:
        return redact(self.full)

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    @property
    def scheme(self) -> str:
        """The scheme, which stands before ``://``, in lower case."""
        return self.full.partition("://")[0].lower()

    @property
    def is_http(self) -> bool:
        """True if it is read by HTTP."""
        return self.scheme in _WEB

    @property
    def has_user(self) -> bool:
        """True if a user, or a user and a password, stand in it."""
        return _USER.search(self.full) is not None

    def joinpath(self, name: str) -> Address:
        """Return the address of the file or folder `name` in this one; a query stays at the end."""
        place, mark, query = self.full.partition("?") if self.is_http else (self.full, "", "")
        return Address(f"{place.rstrip('/')}/{name}{mark}{query}")

    def cache_folder(self, cache: Path) -> Path:
        """Return its folder in `cache`: the same one when only the password or a query changes."""
        name = hashlib.sha256(str(self).rstrip("/").encode()).hexdigest()[:16]
        return cache / name


def parse_location(text: str) -> Path | Address:
    """Return the address (with ``://`` in it) or the folder that `text` names."""
    return Address(text) if "://" in text else Path(text).expanduser()


def redact(text: str) -> str:
    """Return `text` with "…" for the user, the password and the query of each address in it."""
    return _QUERY.sub(r"\1…", _USER.sub("…@", text))
