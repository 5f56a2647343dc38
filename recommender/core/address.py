"""Where a bundle lies: a folder, or an address such as ``s3://bucket/bundle``."""

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
    """An address that fsspec understands. As text it is without what is secret in it.

    Attributes:
        full: with user, password and query, for whoever opens it; not to be shown.
    """

    full: str

    def __str__(self) -> str:
        return without_secrets(self.full)

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    @property
    def scheme(self) -> str:
        """What stands before ``://``, in small letters."""
        return self.full.partition("://")[0].lower()

    @property
    def on_the_web(self) -> bool:
        """Whether it is read by HTTP."""
        return self.scheme in _WEB

    @property
    def has_user(self) -> bool:
        """Whether a user, or a user and a password, stand in it."""
        return _USER.search(self.full) is not None

    def below(self, name: str) -> Address:
        """The address of the file or folder `name` in this one; a query stays at the end."""
        place, mark, query = self.full.partition("?") if self.on_the_web else (self.full, "", "")
        return Address(f"{place.rstrip('/')}/{name}{mark}{query}")

    def folder(self, cache: Path) -> Path:
        """The folder in `cache` for it: the same one when only the password or a query changes."""
        name = hashlib.sha256(str(self).rstrip("/").encode()).hexdigest()[:16]
        return cache / name


def place(text: str) -> Path | Address:
    """The address or the folder that `text` names."""
    return Address(text) if "://" in text else Path(text).expanduser()


def without_secrets(text: str) -> str:
    """`text` with "…" for the user, the password and the query of each address in it."""
    return _QUERY.sub(r"\1…", _USER.sub("…@", text))
