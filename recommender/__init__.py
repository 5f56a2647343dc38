"""Matinee: a movie recommender that fits into the memory it is given.

>>> from recommender import Recommender
>>> matinee = Recommender.open("bundle")
>>> matinee.recommend_for_user(42, n=5)

Training (`train`) runs in a process of its own and imports what it needs; everything else here
needs numpy only.
"""

from typing import TYPE_CHECKING, Any

from recommender.core.errors import (
    BundleError,
    DataError,
    MatineeError,
    NotFoundError,
    SettingsError,
)
from recommender.core.records import (
    Movie,
    RatedMovie,
    Recommendation,
    Results,
    SharedRecommendation,
    SimilarMovie,
    User,
)
from recommender.recommender import Recommender
from recommender.scoring.filters import Filters
from recommender.settings.environment import Settings
from recommender.visitors.ratings_matching import read_ratings

if TYPE_CHECKING:
    from recommender.training.library import train
    from recommender.training.pipeline import TrainingSettings

__version__ = "0.1.0"

__all__ = [
    "BundleError",
    "DataError",
    "Filters",
    "MatineeError",
    "Movie",
    "NotFoundError",
    "RatedMovie",
    "Recommendation",
    "Recommender",
    "Results",
    "Settings",
    "SettingsError",
    "SharedRecommendation",
    "SimilarMovie",
    "TrainingSettings",
    "User",
    "__version__",
    "read_ratings",
    "train",
]


def __getattr__(name: str) -> Any:
    # Training imports DuckDB and scikit-learn, which the serving process must not load.
    if name in ("train", "TrainingSettings"):
        from recommender.training import library

        return getattr(library, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
