"""Whatever the files hold: the import that a few lines of plain Python expect, or a clear error."""

import csv
import gzip
import io
import math
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from recommender.core.errors import MatineeError
from recommender.core.records import NO_IDS
from recommender.dataset import Dataset, ImportOptions, from_directory, import_dataset
from recommender.settings.memory_budget import MIN_BYTES
from tests.dataset.mutations import mutate, write_valid
from tests.dataset.test_importing import movies_of, users_of

OPTIONS = ImportOptions(scale=(0, 5), memory_limit=MIN_BYTES, allow_unmatched=True)
Id = int | str

letters = st.characters(exclude_categories=["Cs"], exclude_characters="\r\n:")
ODD_IDS = (
    *("1", "01", "1.0", "+1", "-1", "-0", "1e0", "0", "NULL", "nan", '"', "a,b", "'", "\t1", "\0"),
    *(str(2**63 - 1), str(2**63), str(-(2**63)), "9" * 40, "\ufeff1", "é", "가", "𝒳", "x" * 400),
)
odd_ids = st.sampled_from(ODD_IDS)
ids = st.integers(0, 5).map(str) | odd_ids | st.text(letters, min_size=1, max_size=5)
ids = ids.filter(lambda name: trimmed(name) not in NO_IDS)
stars = st.sampled_from(["0", "0.5", ".5", "3", "3.0", "+3", "3e0", "03", "4.25", "5.", "5"])
# What may stand under "timestamp", and the seconds that it says.
TIMES: dict[str, float | None] = dict.fromkeys(["", "x", "nan", "inf", "-inf", "1e300"])
TIMES |= {"0": 0.0, "-1": -1.0, "17": 17.0, "17.5": 17.5, "1970-01-02": 86400.0}
times = st.sampled_from(list(TIMES))
titles = st.text(letters.filter(lambda c: c not in "(),"), max_size=8)


@dataclass
class Files:
    """Some rows and how they are written down."""

    ratings: list[tuple[str, str, str, str]]
    movies: list[tuple[str, str]]
    style: str


def ratings_of(dataset: Dataset) -> list[tuple[Id, Id, float]]:
    users = [user for user, count in users_of(dataset) for _ in range(count)]
    titles = [movie["movie_id"] for movie in movies_of(dataset)]
    movies, stars = (np.load(dataset.folder / f"history_{n}.npy") for n in ("movies", "ratings"))
    return list(zip(users, [titles[m] for m in movies], stars.tolist(), strict=True))


def trimmed(text: str) -> str:
    """Without the spaces around it, as Unicode calls spaces."""
    while text and unicodedata.category(text[0]) == "Zs":
        text = text[1:]
    while text and unicodedata.category(text[-1]) == "Zs":
        text = text[:-1]
    return text


def plain(name: str) -> str:
    """The id `name` without the spaces around it, and without the ".0" of a float."""
    name = trimmed(name)
    return name.partition(".")[0] if re.fullmatch(r"-?[0-9]+\.0+", name) else name


def as_read(files: Files) -> Files:
    """What `files` say: text is read without tabs around its ids, too."""

    def bare(name: str) -> str:
        return name if files.style == "parquet" else name.strip(" \t")

    ratings = [(bare(user), bare(movie), *rest) for user, movie, *rest in files.ratings]
    return Files(ratings, [(bare(movie), title) for movie, title in files.movies], files.style)


def write(folder: Path, files: Files) -> None:
    for name, columns, rows in (
        ("ratings", ["userId", "movieId", "rating", "timestamp"], files.ratings),
        ("movies", ["movieId", "title"], files.movies),
    ):
        if files.style == "parquet":
            table = dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
            pq.write_table(pa.table(table), folder / f"{name}.parquet")
        elif files.style == "dat":
            tail = ["genres"] if name == "movies" else []
            lines = ["::".join([*row, *tail]) + "\n" for row in rows]
            (folder / f"{name}.dat").write_bytes("".join(lines).encode())
        else:
            _, delimiter, ending, encoding = files.style.split(" ")
            text = io.StringIO(newline="")
            ends = {"crlf": "\r\n", "lf": "\n", "cr": "\r"}[ending]
            writer = csv.writer(text, delimiter=delimiter, lineterminator=ends)
            writer.writerows([columns, *rows])
            data = text.getvalue().encode(encoding.removesuffix("+gzip"))
            data = gzip.compress(data) if encoding.endswith("+gzip") else data
            (folder / f"{name}.csv").write_bytes(data)


def typed(names: set[str]) -> dict[str, Id]:
    """The ids as they are to come out: numbers if all of them are written as such."""

    def is_number(name: str) -> bool:
        try:
            return str(int(name)) == name and -(2**63) <= int(name) < 2**63
        except ValueError:
            return False

    return {name: int(name) if all(map(is_number, names)) else name for name in names}


def expected(files: Files) -> tuple[list[Id], list[tuple[Id, Id, float]]]:
    """The movies in order and the ratings in order."""
    movies = typed({plain(movie) for movie, _ in files.movies})
    rated: dict[tuple[str, str], list[tuple[float | None, float]]] = {}
    for user, movie, rating, time in files.ratings:
        if plain(movie) in movies:
            given_at = -math.inf if time == "" else TIMES[time]
            rated.setdefault((plain(user), plain(movie)), []).append((given_at, float(rating)))
    users = typed({user for user, _ in rated})
    ratings = [
        (users[user], movies[movie], latest(given)) for (user, movie), given in rated.items()
    ]
    return sorted(movies.values()), sorted(ratings)  # type: ignore[type-var]


def latest(rated: list[tuple[float | None, float]]) -> float:
    """The rating that counts of these, in the order of rows: the last if a time is unreadable."""
    times = [time for time, _ in rated if time is not None]
    last = max(times) if len(times) == len(rated) else None
    return [rating for time, rating in rated if last in (None, time)][-1]


def any_joined(files: Files) -> bool:
    """Return whether an id of the ratings may be joined to another spelling, or to a title."""
    listed = {plain(movie) for movie, _ in files.movies}
    numbers = {movie.lstrip("0") for movie in listed if re.fullmatch("[0-9]+", movie)}
    unmatched = {plain(movie) for _, movie, *_ in files.ratings} - listed
    return not unmatched.isdisjoint(trimmed(title) for _, title in files.movies) or any(
        re.fullmatch("[0-9]+", movie) and movie.lstrip("0") in numbers for movie in unmatched
    )


csv_styles = st.tuples(
    st.sampled_from(",;|"),
    st.sampled_from(["lf", "crlf", "cr"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-8+gzip"]),
).map(lambda parts: " ".join(["csv", *parts]))


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.builds(
        Files,
        st.lists(st.tuples(ids, ids, stars, times), min_size=1, max_size=12),
        st.lists(st.tuples(ids, titles), min_size=1, max_size=6),
        csv_styles | st.sampled_from(["parquet", "dat"]),
    )
)
@example(Files([("1", "1", "3", ""), ("01", "1", "4", "")], [("1", "a"), ("01", "b")], "parquet"))
@example(Files([("1", "1", "3", ""), ("1.0", "1", "4", "")], [("1", "a")], "csv , lf utf-8"))
@example(Files([("0", "0", "0", "")], [("0", ""), ("\t1", "")], "csv , lf utf-8"))
def test_a_valid_import_is_what_plain_python_makes_of_it(files: Files) -> None:
    read = as_read(files)
    assume(all(trimmed(user) and trimmed(movie) for user, movie, *_ in read.ratings))
    assume(all(trimmed(movie) for movie, _ in read.movies))
    # Before the first line, which may be data in a .dat file, this is no character of the text.
    assume(not any(rows[0][0].startswith("\ufeff") for rows in (files.ratings, files.movies)))
    movies, ratings = expected(read)
    assume(ratings)
    assume(not any_joined(read))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, files)
        dataset = import_dataset(from_directory(folder), folder / "out", OPTIONS)
        assert [movie["movie_id"] for movie in movies_of(dataset)] == movies
        assert ratings_of(dataset) == ratings


def outcome(folder: Path) -> str:
    """The refusal of the data set in `folder`, "" if it came in."""
    try:
        import_dataset(from_directory(folder), folder / "out", OPTIONS)
    except MatineeError as error:
        message = str(error)
        assert message.isprintable()
        assert str(folder) in message
        assert "cannot be written" not in message
        return message
    return ""


PIECES = (
    *(b"userId,movieId,rating\n", b"userId", b"movieId", b"rating", b",", b"\n", b"\r", b"\r\n"),
    *(
        b'"',
        b"1",
        b"2",
        b"3,1,4\n",
        b"1,1,5\n",
        b"::",
        b"\t",
        b";",
        b"|",
        b"\0",
        b"\xff",
        b" ",
        b"-",
    ),
    *(b"1::1::5::9\n", b"PAR1", b"\x1f\x8b", b'"a\nb"', b"\xea\xb0\x80", b"\xef\xbb\xbf", b"nan"),
)
pieces = st.sampled_from(PIECES)


@settings(deadline=None, max_examples=70)
@given(
    st.lists(pieces | st.binary(max_size=3), max_size=25).map(b"".join),
    st.booleans(),
    st.sampled_from(["csv", "csv.gz", "tsv", "dat", "parquet"]),
)
def test_any_ratings_come_in_or_are_refused_in_a_line(
    data: bytes, headed: bool, ending: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "movies.csv").write_text("movieId,title\n1,a\n2,b\n")
        header = b"userId,movieId,rating\n" if headed else b""
        (folder / f"ratings.{ending}").write_bytes(header + data)
        outcome(folder)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.randoms(use_true_random=False))
def test_a_mutated_data_set_comes_in_or_is_refused_in_a_line(random: Random) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "data")
        write_valid(folder, random)
        mutate(folder, random)
        outcome(folder)


# One of each type that Parquet has, under each of the columns.
parquet_columns = st.sampled_from(
    [
        pa.array([1, None]),
        pa.array([1.0, float("nan")]),
        pa.array([float("inf"), 1e300]),
        pa.array(["1", "\0"]),
        pa.array(["1", "x"]).dictionary_encode(),
        pa.array([b"1", b"\xff"]),
        pa.array([Decimal("1.00"), Decimal("2.50")]),
        pa.array([Decimal("9" * 38), None], pa.decimal128(38, 0)),
        pa.array([2**64 - 1, 0], pa.uint64()),
        pa.array([True, False]),
        pa.array([0, 1], pa.timestamp("ns", "UTC")),
        pa.array([0, 1], pa.date32()),
        pa.array([0, 1], pa.time64("us")),
        pa.array([0, 1], pa.duration("s")),
        pa.array([[1], None]),
        pa.array([[["1"]], [[]]]),
        pa.array([{"a": 1}, None]),
        pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int8())),
        pa.nulls(2),
        pa.array([1.5, 2.0], pa.float16()),
    ]
)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(parquet_columns, parquet_columns, parquet_columns, parquet_columns)
def test_parquet_of_any_types_comes_in_or_is_refused_in_a_line(
    user: pa.Array, movie: pa.Array, rating: pa.Array, time: pa.Array
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = {"user_id": user, "movie_id": movie, "rating": rating, "timestamp": time}
        pq.write_table(pa.table(table), folder / "ratings.parquet")
        pq.write_table(pa.table({"movie_id": movie, "title": user}), folder / "movies.parquet")
        outcome(folder)
