"""Checks that what a bundle holds fits together: kinds, lengths, numbers within their range.

A checksum says that a file is what its writer made. These say that it can be used: an index that
leads beyond the last movie would give wrong figures, or end a request in an error of numpy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from recommender.bundle.bundle import Bundle
from recommender.bundle.files import TRAIN_AGAIN
from recommender.core.errors import BundleError

# Kind and lengths of each array, by the name of its file. Equal names of lengths are equal lengths;
# "movies", "users" and "ratings" are the manifest's, and "+" is one more.
_ARRAYS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "history_offsets": ("int64", ("users+",)),
    "movie_year": ("int16", ("movies",)),
    "movie_genres": ("uint8", ("movies", "genres")),
    "movie_count": ("int32", ("movies",)),
    "movie_mean": ("float32", ("movies",)),
    "movie_deviation": ("float32", ("movies",)),
    "movie_imdb": ("int32", ("movies",)),
    "movie_tmdb": ("int32", ("movies",)),
    "content_offsets": ("int64", ("movies+",)),
    "content_terms": ("uint16", ("contents",)),
    "content_weights": ("float32", ("contents",)),
    "ranking_popularity": ("float32", ("movies",)),
    "ranking_inputs": ("float32", ("movies", "ranking rank")),
    "ranking_outputs": ("float32", ("movies", "ranking rank")),
    "stars_movie_bias": ("float64", ("movies",)),
    "stars_movie_factors": ("float64", ("movies", "stars factors")),
    "stars_movie_known": ("bool", ("movies",)),
    "stars_gram": ("float64", ("stars gram", "stars gram")),
    "titles_movies": ("int32", ("movies",)),
    "titles_lengths": ("uint8", ("movies",)),
    "titles_names": ("uint8", ("letters of names",)),
    "titles_name_starts": ("int32", ("names+",)),
    "titles_name_movies": ("int32", ("names",)),
    "titles_words": ("uint8", ("letters of words",)),
    "titles_word_starts": ("int32", ("words+",)),
    "titles_signatures": ("uint64", ("words",)),
    "titles_holder_starts": ("int32", ("words+",)),
    "titles_holders": ("int32", ("holders",)),
}
# What rises from 0 to a length.
_OFFSETS = {
    "history_offsets": "ratings",
    "content_offsets": "contents",
    "titles_name_starts": "letters of names",
    "titles_word_starts": "letters of words",
    "titles_holder_starts": "holders",
}
# What lies below a length.
_INDICES = {
    "content_terms": "terms",
    "titles_movies": "movies",
    "titles_name_movies": "movies",
    "titles_holders": "movies",
}
_SHARDS = {
    "history_movies": ("int32", 1),
    "history_ratings": ("float32", 1),
    "stars_user_bias": ("float64", 1),
    "stars_user_factors": ("float64", 2),
}
_BY_RATING = ("history_movies", "history_ratings")
_MAX_TERMS = 65_536


def check_contents(bundle: Bundle) -> None:
    """Check everything that a recommender reads of `bundle` but its text; shards that are fetched
    later are checked then.

    Memory: a byte for each offset. Every index is read once, some 4 bytes a rating.

    Raises:
        BundleError: something does not fit; says what.
    """
    lengths = _lengths(bundle)
    for name, (kind, names) in _ARRAYS.items():
        if f"{name}.npy" in bundle.files:
            _check_shape(bundle, name, kind, names, lengths)
    for name, end in _OFFSETS.items():
        offsets = bundle.array(name)
        rises = len(offsets) > 0 and offsets[0] == 0 and bool((offsets[1:] >= offsets[:-1]).all())
        if not rises or offsets[-1] != lengths[end]:
            raise _unfit(bundle.path, f"{name} does not rise from 0 to {lengths[end]}")
    for name, limit in _INDICES.items():
        _check_below(bundle.path, name, bundle.array(name), lengths[limit])
    if 8 * lengths["genres"] < len(bundle.training.data.genres):
        raise _unfit(bundle.path, "movie_genres has too few bits")
    _check_shards(bundle, lengths)


def _lengths(bundle: Bundle) -> dict[str, int]:
    """Return the lengths that the manifest gives."""
    data, n_terms = bundle.training.data, bundle.numbers("content")["n_terms"]
    lengths = {"movies": data.movies, "users": data.users, "ratings": data.ratings}
    if min(lengths.values()) < 0:
        raise _unfit(bundle.path, f"info.data counts {min(lengths.values())}")
    if not (0 <= n_terms <= _MAX_TERMS and n_terms == int(n_terms)):
        raise _unfit(bundle.path, f"the content model has {n_terms} terms")
    low, high = data.scale
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise _unfit(bundle.path, f"the scale goes from {low} to {high}")
    for model in ("stars", "ranking"):
        if _scale(bundle, model) != data.scale:
            raise _unfit(bundle.path, f"the scale of the model {model!r} is not that of the data")
    numbers = [bundle.numbers("stars")["global_mean"], data.mean_rating]
    numbers += [bundle.numbers("ranking")[name] for name in ("neutral", "popularity_exponent")]
    if not all(map(math.isfinite, numbers)):
        raise _unfit(bundle.path, "a number is not finite")
    return lengths | {"terms": int(n_terms)}


def _scale(bundle: Bundle, model: str) -> tuple[float, float]:
    numbers = bundle.numbers(model)
    return numbers["low"], numbers["high"]


def _check_shape(
    bundle: Bundle, name: str, kind: str, names: tuple[str, ...], lengths: dict[str, int]
) -> None:
    array = bundle.array(name)
    if array.dtype != kind or array.ndim != len(names):
        raise _unfit(bundle.path, f"{name} is {array.dtype} in {array.ndim} dimensions, no {kind}")
    for length, known in zip(array.shape, names, strict=True):
        more = known.endswith("+")
        if length - more != lengths.setdefault(known.rstrip("+"), length - more):
            raise _unfit(bundle.path, f"{name} has {length} rows or columns, its like have others")


def _check_below(path: Path, name: str, indices: np.ndarray, limit: int) -> None:
    if len(indices) and not (indices.min() >= 0 and indices.max() < limit):
        raise _unfit(path, f"{name} leads from {indices.min()} to {indices.max()}, of {limit}")


def _check_shards(bundle: Bundle, lengths: Mapping[str, int]) -> None:
    # Not the bundle itself: its shards keep the check, and in a circle neither would ever go.
    path, firsts, users = bundle.path, bundle.first_users, lengths["users"]
    bounds = [*firsts, users]
    rise = all(first < last for first, last in pairwise(bounds))
    if len(firsts) != len(bundle.shards.files) or not rise or bounds[0] != 0:
        raise _unfit(path, f"info.shards divides {users} users by {len(firsts)} numbers")
    starts = bundle.array("history_offsets")[bounds].tolist()

    def check(number: int, arrays: Mapping[str, np.ndarray]) -> None:
        for name, (kind, dimensions) in _SHARDS.items():
            rows = starts if name in _BY_RATING else bounds
            length = rows[number + 1] - rows[number]
            array = arrays.get(name)
            if array is None or array.dtype != kind or array.ndim != dimensions:
                raise _unfit(path, f"{name} of shard {number} is missing or of another kind")
            width = array.shape[1] if dimensions == 2 else lengths["stars factors"]
            if len(array) != length or width != lengths["stars factors"]:
                raise _unfit(path, f"{name} of shard {number} has another length")
        _check_below(path, "history_movies", arrays["history_movies"], lengths["movies"])

    bundle.shards.check_with(check)


def _unfit(path: Path, what: str) -> BundleError:
    return BundleError(f"{path}: {what}; {TRAIN_AGAIN}")
