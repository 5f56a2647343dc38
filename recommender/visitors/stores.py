"""Opens the store of visitors' ratings that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.core.errors import SettingsError
from recommender.core.optional_packages import install_command
from recommender.settings.environment import Settings
from recommender.visitors.records import Limits, ProfileStore

if TYPE_CHECKING:
    from recommender.visitors.postgres_store import PostgresStore


def open_store(settings: Settings) -> ProfileStore:
    """Open the file of MATINEE_PROFILES, or the database of MATINEE_RATINGS_URL if that is set.

    A database is not asked for anything yet; psycopg is imported for it alone.

    Raises:
        SettingsError: psycopg is not installed, or the address cannot be read.
        ProfileError: the file cannot be used.
    """
    if settings.ratings_url is None:
        from recommender.visitors.sqlite_store import SqliteStore

        return SqliteStore(settings.profiles, limits(settings))
    from recommender.visitors.write_behind import WriteBehindStore

    return WriteBehindStore(open_database(settings))


def open_database(settings: Settings) -> PostgresStore:
    """Open the database of MATINEE_RATINGS_URL, and nothing to fall back on while that is away.

    Raises:
        SettingsError: the variable is not set; else as `open_store`.
    """
    if settings.ratings_url is None:
        raise SettingsError("MATINEE_RATINGS_URL is not set: give the database for the ratings")
    try:
        from recommender.visitors.postgres_store import PostgresStore
    except ImportError:
        raise SettingsError(
            "MATINEE_RATINGS_URL needs psycopg, which is not installed: "
            f"{install_command('postgres')}"
        ) from None
    return PostgresStore(settings.ratings_url, settings.ratings_schema, limits(settings))


def limits(settings: Settings) -> Limits:
    """Return the limits of what strangers may fill, as the settings have them."""
    size = settings.profile_mb * 2**20
    return Limits(settings.profile_ratings, settings.profile_visitors, size)
