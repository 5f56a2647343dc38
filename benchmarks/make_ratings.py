"""A made-up data set of any size in the shape of MovieLens-32M, to train at full size on.

    .venv/bin/python -m benchmarks.make_ratings --ratings 32M --out /tmp/ratings-32M

writes ratings.csv, movies.csv and tags.csv in MovieLens's format: at 32M some 200,948 users, 87,585
movies and two million tags. Users grow with the ratings, movies with their square root. Both have
the long tails of the original: half of the movies have next to no ratings, and the busiest users
rate thousands. There is something to find for a model: movies are of kinds, which share genres and
words, and users differ in the kinds they pick, in what they like and in how strictly they judge.

The same options give the same bytes. Memory: about 140 MB, and 10 bytes for each user and movie.
"""

from __future__ import annotations

import argparse
import csv
import errno
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from recommender.core.atomic_write import atomic_write

FULL_RATINGS, FULL_USERS, FULL_MOVIES = 32_000_204, 200_948, 87_585
SMALLEST, LARGEST = 10_000, 1_000_000_000
MIN_RATINGS_PER_USER = 20
N_KINDS, N_TASTES = 24, 6
# One rating in so many has a tag.
TAG_EVERY = 16
_BLOCK = 300_000
_STARS = pa.array([f"{half / 2:.1f}" for half in range(11)])
_GENRES = (
    *("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller"),
    *("War", "Western"),
)
_SYLLABLES = (
    *("ba", "cor", "del", "fen", "gar", "hil", "jun", "kel", "lom", "mar"),
    *("nor", "pel", "quin", "ros", "sal", "tor", "ul", "ver", "wyn", "zan"),
)


@dataclass(frozen=True)
class Catalogue:
    """The movies, those of a kind beside each other and the most popular first.

    Attributes:
        ids: MovieLens's ids have gaps, and popularity does not follow them; int32.
        starts: where each kind begins; shape (kinds + 1,).
        quality: stars above the mean; float32.
        tastes: what a movie is like; float32, shape (movies, tastes).
    """

    ids: np.ndarray
    starts: np.ndarray
    quality: np.ndarray
    tastes: np.ndarray


def main() -> None:
    """Write the made-up data set that the command line describes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--ratings", type=count, default=FULL_RATINGS, metavar="N", help="10k to 1B"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    options = parser.parse_args()
    try:
        make(options.out, options.ratings, options.seed)
    except OSError as error:
        sys.exit(f"make_ratings: {options.out} cannot be written: {error.strerror}; choose --out")


def count(text: str) -> int:
    """The number that ``"32M"``, ``"1B"``, ``"10k"`` or ``"1000000"`` says."""
    digits, factor = text.upper(), 1
    if digits[-1:] in ("K", "M", "B"):
        factor = {"K": 10**3, "M": 10**6, "B": 10**9}[digits[-1]]
        digits = digits[:-1]
    if not digits.isdecimal() or not SMALLEST <= int(digits) * factor <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 10k to 1B, such as 32M")
    return int(digits) * factor


def make(out: Path, n_ratings: int, seed: int = 0) -> None:
    """Write the data set into the folder `out`, which appears when it is whole.

    Raises:
        OSError: `out` is there already and holds something, or the disk is full.
    """
    if out.is_dir() and any(out.iterdir()):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as part:
        part.mkdir()
        rng = np.random.default_rng(seed)
        n_movies = max(500, round(FULL_MOVIES * (n_ratings / FULL_RATINGS) ** 0.5))
        movies = make_movies(part / "movies.csv", n_movies, rng)
        counts = ratings_per_user(n_ratings, n_movies, rng)
        started, done = time.monotonic(), 0
        with (
            CsvFile(part / "ratings.csv", "userId,movieId,rating,timestamp") as ratings,
            CsvFile(part / "tags.csv", "userId,movieId,tag,timestamp") as tags,
        ):
            for users in blocks(counts):
                block = rate(users.start, counts[users], movies, rng)
                ratings.write(block.set_column(2, "rating", _STARS.take(block["rating"])))
                tags.write(tag(block, movies, rng))
                done += len(block)
                left = (time.monotonic() - started) * (n_ratings / done - 1)
                show(f"{done:,} ratings, {max(0.0, left):.0f} s left")
    show(f"{done:,} ratings by {len(counts):,} users of {n_movies:,} movies in {out}", end="\n")


def make_movies(path: Path, n_movies: int, rng: np.random.Generator) -> Catalogue:
    """Make up the movies and write ``movies.csv``, in the order of the ids."""
    sizes = rng.multinomial(n_movies - N_KINDS, np.full(N_KINDS, 1 / N_KINDS)) + 1
    kinds = np.repeat(np.arange(N_KINDS), sizes)
    ids = np.sort(rng.choice(3 * n_movies, n_movies, replace=False)) + 1
    rng.shuffle(ids)
    centres = rng.normal(0, 0.22, (N_KINDS, N_TASTES))
    catalogue = Catalogue(
        ids.astype(np.int32),
        np.concatenate([[0], np.cumsum(sizes)]),
        rng.normal(0, 0.35, n_movies).astype(np.float32),
        (centres[kinds] + rng.normal(0, 0.15, (n_movies, N_TASTES))).astype(np.float32),
    )
    genres = [rng.choice(_GENRES, rng.integers(1, 4), replace=False) for _ in range(N_KINDS)]
    years = 2024 - np.minimum(rng.exponential(22, n_movies), 100).astype(int)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["movieId", "title", "genres"])
        for row in np.argsort(ids).tolist():
            words = [word(kinds[row], number) for number in rng.integers(0, 40, 2)]
            name = f"{words[0]} {words[1]} {word(N_KINDS, row)}".title()
            title = f"{name}, The" if rng.random() < 0.2 else name
            chosen = [*genres[kinds[row]], str(rng.choice(_GENRES))][rng.integers(0, 2) :]
            listed = "|".join(dict.fromkeys(chosen))
            writer.writerow([ids[row], f"{title} ({years[row]})", listed])
    return catalogue


def word(kind: int, number: int) -> str:
    """The word of that number that movies of a kind have in their titles and tags."""
    number = 1 + int(number) + 1000 * int(kind)
    found = ""
    while number:
        number, digit = divmod(number, len(_SYLLABLES))
        found += _SYLLABLES[digit]
    return found


def ratings_per_user(n_ratings: int, n_movies: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the number of ratings of each user: 20 and more, log-normal above that; int32."""
    n_users = max(50, round(FULL_USERS * n_ratings / FULL_RATINGS))
    beyond = rng.standard_normal(n_users, dtype=np.float32)
    np.exp(np.multiply(beyond, np.float32(1.4), out=beyond), out=beyond)
    beyond *= (n_ratings / n_users - MIN_RATINGS_PER_USER) / beyond.mean(dtype=np.float64)
    return np.minimum(MIN_RATINGS_PER_USER + beyond, n_movies // 4).astype(np.int32)


def blocks(counts: np.ndarray) -> Iterator[slice]:
    """The users in portions of about `_BLOCK` ratings."""
    start, ratings = 0, 0
    for stop in range(0, len(counts), 256):
        ratings += int(counts[stop : stop + 256].sum())
        if ratings >= _BLOCK or stop + 256 >= len(counts):
            yield slice(start, min(stop + 256, len(counts)))
            start, ratings = stop + 256, 0


def rate(first: int, counts: np.ndarray, movies: Catalogue, rng: np.random.Generator) -> pa.Table:
    """The ratings of some users: userId, movieId, rating in halves, timestamp; and the movie's row.

    Args:
        first: the number of the first of them.
        counts: how many ratings each of them gives.
    """
    liking = rng.standard_normal((len(counts), N_KINDS), dtype=np.float32)
    shares = np.exp(1.2 * liking - 0.1 * np.arange(N_KINDS))
    per_kind = rng.multinomial(counts, shares / shares.sum(axis=1, keepdims=True)).ravel()
    group = np.repeat(np.arange(len(per_kind)), per_kind)
    kinds, sizes = group % N_KINDS, np.diff(movies.starts)
    # The chance of a movie falls with e to the root of its rank; who rates much digs deeper.
    depth = np.clip(17 * (counts / 160) ** -0.15, 6, 24).astype(np.float32)
    drawn = rng.standard_gamma(2.0, len(group), dtype=np.float32) / depth[group // N_KINDS]
    ranks = np.minimum((drawn**2 * sizes[kinds]).astype(np.int64), sizes[kinds])
    ranks = distinct(ranks, group)
    taken = ranks < sizes[kinds]
    rows, users = (movies.starts[kinds] + ranks)[taken], (group // N_KINDS)[taken]

    order = np.lexsort((movies.ids[rows], users))
    rows, users, kinds = rows[order], users[order], kinds[taken][order]
    tastes = rng.standard_normal((len(counts), N_TASTES), dtype=np.float32)
    strictness = rng.normal(0, 0.45, len(counts)).astype(np.float32)
    stars = rng.normal(3.5, 0.7, len(rows)).astype(np.float32)
    stars += strictness[users] + movies.quality[rows] + 0.2 * liking[users, kinds]
    stars += np.einsum("nk,nk->n", tastes[users], movies.tastes[rows])
    joined = rng.integers(820_000_000, 1_690_000_000, len(counts))
    return pa.table(
        {
            "userId": (users + first + 1).astype(np.int32),
            "movieId": movies.ids[rows],
            "rating": np.clip(np.rint(2 * stars), 1, 10).astype(np.int8),
            "timestamp": joined[users] + rng.integers(0, 5_000_000, len(users)),
            "row": rows,
        }
    )


def distinct(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The values of each group, sorted, and equal ones moved to the next that is free.

    Args:
        values: at least 0, int64, shape (n,).
        group: ascending, shape (n,).
    """
    step = int(values.max(initial=0)) + len(values) + 1
    places = np.arange(len(values))
    keys = np.sort(group * step + values)
    # Strictly ascending once the place is added again, and a group cannot reach into the next.
    return np.maximum.accumulate(keys - places) + places - group * step


def tag(block: pa.Table, movies: Catalogue, rng: np.random.Generator) -> pa.Table:
    """Tags for some of the ratings in `block`, with words of the movie's kind."""
    chosen = block.take(rng.permutation(len(block))[: len(block) // TAG_EVERY])
    kinds = np.searchsorted(movies.starts, chosen["row"].to_numpy(), side="right") - 1
    numbers = np.minimum(rng.exponential(8, len(kinds)), 59).astype(int)
    words = [word(*pair) for pair in zip(kinds.tolist(), numbers.tolist(), strict=True)]
    return chosen.set_column(2, "tag", pa.array(words, pa.string()))


class CsvFile:
    """A CSV file that grows by tables; the column ``row`` is left out, and nothing is quoted."""

    def __init__(self, path: Path, header: str) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(f"{header}\n".encode())
        self._options = pa_csv.WriteOptions(include_header=False, quoting_style="none")

    def __enter__(self) -> CsvFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, table: pa.Table) -> None:
        """Append the rows of `table`, without its column ``row``."""
        pa_csv.write_csv(table.drop_columns("row"), self._file, self._options)


def show(text: str, end: str = "") -> None:
    """Write `text` over the present line of standard error."""
    print(f"\r{text}\x1b[K", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
