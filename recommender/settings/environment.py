"""Every knob, read from the environment and checked at start; docs/settings.md says what each does.

A `.env` file may stand in for the environment, see `recommender.settings.env_file`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from memory_toolkit.measure.sizes import LIMIT_FORMAT, parse_limit
from recommender.core.address import Address, parse_location
from recommender.core.errors import SettingsError


class _Kind(NamedTuple):
    """The kind of values that a variable takes.

    Attributes:
        accepts: in words that follow "give".
        parse: turns the text into the value; a ValueError says that it cannot.
        secret: whether the text must not be shown.
    """

    accepts: str
    parse: Callable[[str], Any]
    secret: bool = False


def _knob(variable: str, default: Any, kind: _Kind, help_text: str) -> Any:
    """A dataclass field that is read from the environment variable `variable`."""
    metadata = {"variable": variable, "kind": kind, "help": help_text}
    return field(default=default, metadata=metadata, repr=not kind.secret)


def _number(low: int, high: int) -> _Kind:
    def parse(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise ValueError
        return number

    return _Kind(f"a whole number from {low:,} to {high:,}", parse)


def _one_of(*names: str) -> _Kind:
    def parse(text: str) -> str:
        if text.lower() not in names:
            raise ValueError
        return text.lower()

    return _Kind(" or ".join(names), parse)


def _number_or_auto(low: int, high: int) -> _Kind:
    number = _number(low, high)

    def parse(text: str) -> int | str:
        return "auto" if text.lower() == "auto" else number.parse(text)

    return _Kind(f"{number.accepts}, or auto", parse)


def _parse_flag(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError


def _parse_token(text: str) -> str:
    # It travels in an address and in a header.
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError
    return text


def _parse_hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in text.split(","))
    if not all(map(_HOST_NAME.fullmatch, hosts)):
        raise ValueError
    return hosts


def _parse_database(text: str) -> str:
    if not (text.isprintable() and text.lower().startswith(("postgresql://", "postgres://"))):
        raise ValueError
    return text


def _parse_schema(text: str) -> str:
    if not _SCHEMA_NAME.fullmatch(text):
        raise ValueError
    return text


LIMIT_VARIABLE = "MATINEE_MEMORY_LIMIT"
# 63 is PostgreSQL's limit. Names with capitals would need quotes in whatever else reads them.
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
# "*" stands for whatever is before the first dot; neither port nor path belongs to a name.
_HOST_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)
_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_PATH = _Kind("a path", lambda text: Path(text).expanduser())
_PLACE = _Kind("a path or an address", parse_location)
_FLAG = _Kind("true or false", _parse_flag)
_HOSTS = _Kind("host names with commas between, such as movies.example,*.example", _parse_hosts)
_LIMIT = _Kind(LIMIT_FORMAT, parse_limit)
_DATABASE = _Kind("postgresql://USER:PASSWORD@HOST/DATABASE", _parse_database, secret=True)
_SCHEMA = _Kind("small letters, digits and _, no digit first", _parse_schema)
_TOKEN = _Kind("letters, digits and signs without blanks", _parse_token, secret=True)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings from outside. Each field names its environment variable and its meaning."""

    bundle: Path | Address = _knob(
        "MATINEE_BUNDLE", Path("bundle"), _PLACE, "the bundle to serve: a folder or an address"
    )
    bundle_cache: Path = _knob(
        "MATINEE_BUNDLE_CACHE",
        Path("bundle-cache"),
        _PATH,
        "the folder that a bundle at an address is fetched into",
    )
    bundle_cache_mb: int = _knob(
        "MATINEE_BUNDLE_CACHE_MB",
        512,
        _number(1, 1_000_000),
        "MB that fetched user shards may take there",
    )
    bundle_seconds: int = _knob(
        "MATINEE_BUNDLE_SECONDS",
        60,
        _number(1, 86_400),
        "seconds between two looks for a new version at the address",
    )
    recommendations: int = _knob(
        "MATINEE_RECOMMENDATIONS", 20, _number(10, 100), "movies that a visitor can ask for at most"
    )
    users_listed: int = _knob(
        "MATINEE_USERS_LISTED",
        1000,
        _number(1, 100_000),
        "users offered in the list; any other can be typed",
    )
    user_batch: int = _knob(
        "MATINEE_USER_BATCH", 128, _number(1, 4096), "users scored at once, at most"
    )
    movie_batch: int = _knob(
        "MATINEE_MOVIE_BATCH", 2048, _number(1, 1_000_000), "movies scored at once, at most"
    )
    collaborative_similarity: bool = _knob(
        "MATINEE_COLLABORATIVE_SIMILARITY",
        True,
        _FLAG,
        "similar movies by what people rated too, not by content alone",
    )
    factors: int = _knob(
        "MATINEE_FACTORS", 20, _number(1, 1000), "factors of the stars model that is trained"
    )
    features: int = _knob(
        "MATINEE_FEATURES", 2000, _number(1, 65_536), "terms of the content model that is trained"
    )
    memory_limit: int | None = _knob(
        LIMIT_VARIABLE, None, _LIMIT, "memory that the process may use; found by itself"
    )
    guard: bool = _knob("MATINEE_GUARD", True, _FLAG, "keep the process within the limit")
    actions_at_once: int = _knob(
        "MATINEE_ACTIONS_AT_ONCE",
        4,
        _number(1, 64),
        "actions that run at the same time, at most",
    )
    wait_seconds: int = _knob(
        "MATINEE_WAIT_SECONDS", 10, _number(0, 300), "seconds that an action waits for memory"
    )
    session_seconds: int = _knob(
        "MATINEE_SESSION_SECONDS",
        30,
        _number(1, 86_400),
        "seconds that a closed tab's session is kept",
    )
    idle_seconds: int = _knob(
        "MATINEE_IDLE_SECONDS",
        60,
        _number(1, 86_400),
        "seconds without anybody after which caches are given up and memory is returned",
    )
    semantic_encoder: Literal["light", "full"] = _knob(
        "MATINEE_SEMANTIC_ENCODER",
        "light",
        _one_of("light", "full"),
        "what reads the queries of search by meaning",
    )
    semantic_idle_seconds: int = _knob(
        "MATINEE_SEMANTIC_IDLE_SECONDS",
        600,
        _number(1, 86_400),
        "seconds without use after which search by meaning is unloaded",
    )
    preload: Literal["none", "semantic"] = _knob(
        "MATINEE_PRELOAD",
        "none",
        _one_of("none", "semantic"),
        "what is loaded at the start already: semantic, for search by meaning",
    )
    profiles: Path = _knob(
        "MATINEE_PROFILES",
        Path("profiles/profiles.sqlite"),
        _PATH,
        "the file of the visitors' own ratings; one for each data set",
    )
    profile_ratings: int = _knob(
        "MATINEE_PROFILE_RATINGS", 2000, _number(1, 100_000), "ratings one visitor can keep"
    )
    profile_visitors: int = _knob(
        "MATINEE_PROFILE_VISITORS",
        20_000,
        _number(1, 10_000_000),
        "visitors whose ratings are kept",
    )
    profile_mb: int = _knob(
        "MATINEE_PROFILE_MB", 64, _number(1, 65_536), "MB that the file of ratings may take"
    )
    ratings_url: str | None = _knob(
        "MATINEE_RATINGS_URL",
        None,
        _DATABASE,
        "the PostgreSQL database that keeps the ratings for several servers, instead of the file",
    )
    ratings_schema: str = _knob(
        "MATINEE_RATINGS_SCHEMA",
        "matinee",
        _SCHEMA,
        "the schema of that database to use; one for each data set",
    )
    workers: int | Literal["auto"] = _knob(
        "MATINEE_WORKERS",
        "auto",
        _number_or_auto(1, 64),
        "processes that serve; auto is one for each core and 128 MB of the limit, four at most",
    )
    connections: int = _knob(
        "MATINEE_CONNECTIONS", 400, _number(1, 10_000), "open pages at the same time, at most"
    )
    connections_per_address: int = _knob(
        "MATINEE_CONNECTIONS_PER_ADDRESS",
        100,
        _number(1, 10_000),
        "those of one address among them; this machine's own count in the total only",
    )
    allowed_hosts: tuple[str, ...] | None = _knob(
        "MATINEE_ALLOWED_HOSTS",
        None,
        _HOSTS,
        "the names under which the app may be asked for; any, if none is given",
    )
    debug_memory: bool = _knob("DEBUG_MEMORY", False, _FLAG, "show the memory panel")
    debug_memory_token: str | None = _knob(
        "DEBUG_MEMORY_TOKEN",
        None,
        _TOKEN,
        "what one must know to see the panel, or /metrics from another machine",
    )

    @property
    def bundle_folder(self) -> Path:
        """The folder on this machine with the bundle: that itself, or the copy in the cache."""
        if isinstance(self.bundle, Address):
            return self.bundle.cache_folder(self.bundle_cache)
        return self.bundle

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings that `environment` asks for; an empty value means the default.

        Raises:
            SettingsError: a value cannot be used; names the variable.
        """
        read = {knob.name: _read(knob, environment) for knob in fields(cls)}
        return cls(**{name: value for name, value in read.items() if value is not None})

    def apply_memory_limit(self, processes: int = 1) -> None:
        """Make `memory_limit` the limit that the memory toolkit finds in this process.

        Args:
            processes: that share it equally, since nothing but them enforces it.
        """
        # Imported here, as it needs psutil, which the executors of Spark do not have.
        from memory_toolkit.measure.limit import configure_memory_limit

        limit = self.memory_limit
        configure_memory_limit(None if limit is None else limit // processes, LIMIT_VARIABLE)

    def described(self) -> Iterator[tuple[str, str, str]]:
        """Each variable with its value in words, a secret one hidden, and what it sets."""
        for knob in fields(self):
            value = getattr(self, knob.name)
            if value is None:
                text = "not set"
            elif knob.metadata["kind"].secret:
                text = "set"
            else:
                value = ",".join(value) if isinstance(value, tuple) else value
                text = str(value).lower() if isinstance(value, bool) else str(value)
            yield knob.metadata["variable"], text, knob.metadata["help"]


def _read(knob: Field[Any], environment: Mapping[str, str]) -> Any:
    """Return the value that `environment` gives to the knob; None for none."""
    variable, kind = knob.metadata["variable"], knob.metadata["kind"]
    text = environment.get(variable, "").strip()
    try:
        return kind.parse(text) if text else None
    except (ValueError, OverflowError, RuntimeError):  # the last: no such home, ~name
        given = "…" if kind.secret else repr(text)[1:-1]  # in one line, whatever it is
        raise SettingsError(f"{variable}={given}: give {kind.accepts}") from None


def read_memory_limit(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the bytes that MATINEE_MEMORY_LIMIT says, whatever other variables do; None for none.

    Raises:
        SettingsError: it is not a size of at least 1M.
    """
    (knob,) = (knob for knob in fields(Settings) if knob.name == "memory_limit")
    value: int | None = _read(knob, environment)
    return value


VARIABLES: tuple[str, ...] = tuple(knob.metadata["variable"] for knob in fields(Settings))
# What run.sh and the tests know beside.
_OTHERS = (
    *("MATINEE_RUN_UNDER", "MATINEE_REQUIRE_BROWSER", "MATINEE_REQUIRE_SERVICES"),
    "DEBUG_MEMORY_FLIGHT_RECORDER",  # the memory toolkit's own, which `debug-memory run` sets
)


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """One line for each variable that looks like a knob and is none, with the nearest that is."""
    lines = []
    for name in sorted(environment):
        if name.startswith(("MATINEE_", "DEBUG_MEMORY")) and name not in (*VARIABLES, *_OTHERS):
            # Only for a typing error, so that the serving process does without it.
            from difflib import get_close_matches

            # What all of them begin with makes no name near to another.
            short = {known.removeprefix("MATINEE_"): known for known in VARIABLES}
            near = get_close_matches(name.removeprefix("MATINEE_"), short, n=1)
            advice = f"did you mean {short[near[0]]}?" if near else "docs/settings.md lists them"
            lines.append(f"{name} is no setting: {advice}")
    return lines
