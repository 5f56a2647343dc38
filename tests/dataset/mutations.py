"""Small valid data sets in every format that is read, and what can be done to them.

Everything follows from the random numbers given, so that a data set can be made again.
"""

from __future__ import annotations

import csv
import datetime
import decimal
import gzip
import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

Table = dict[str, list[object]]

# Fields that somebody's file will have one day.
HOSTILE = (
    *("", " ", "\t", '"', '""', '"""', "'", ",", ";", "|", "::", "\\", "\0", "\r", "\n", "\r\n"),
    *(
        "\ufeff",
        "\u200b",
        "\u2028",
        "\x1b[2J",
        "\x85",
        "é",
        "기생충",
        "𝒳",
        "a\nb",
        '"a\nb"',
        '"a"b',
    ),
    *("0", "-0", "01", "1.0", "+1", "1e0", "1_0", "0x1", "١", "nan", "NaN", "inf", "-inf", "NULL"),
    *(
        "-1",
        "1e308",
        "1e309",
        "-1e300",
        "1e-400",
        "9" * 40,
        str(2**63 - 1),
        str(2**63),
        str(-(2**63)),
    ),
    *(
        str(2**31),
        str(2**64),
        "3,5",
        "true",
        "None",
        "1970-01-01",
        "infinity",
        "99999-12-31",
        "epoch",
    ),
    *("(1995)", "Title, The (19", "A" * 600, "A" * 3_000, "'; DROP TABLE ratings; --", "%s{}$x$"),
)
BYTES = (
    *(
        b"\0",
        b"\xff",
        b"\xfe\xff",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xc3",
        b"\x1a",
        b"\r",
        b"\n",
    ),
    *(b'"', b'""', b",", b"::", b"\t", b"|", b"PAR1", b"PK\x03\x04", b"\x1f\x8b", b"\\", b"\n\n\n"),
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp949", "latin-1", "utf-7", "cp037")
HEADERS = ("userId", "movieId", "rating", "timestamp", "title", "id", "", "user_id", "USERID", "c0")


def write_valid(folder: Path, random: Random) -> None:
    """A small data set in `folder`, in one of the formats or in two."""
    folder.mkdir()
    n_movies = random.randrange(1, 12)
    ids = [random.choice([n, n, 10 * n + 7]) for n in range(1, n_movies + 1)]
    ratings: Table = {"userId": [], "movieId": [], "rating": [], "timestamp": []}
    for _ in range(random.randrange(1, 60)):
        values = (random.randrange(1, 9), random.choice(ids), random.randrange(1, 11) / 2)
        for column, value in zip(ratings, (*values, random.randrange(10**9)), strict=True):
            ratings[column].append(value)
    movies: Table = {
        "movieId": list(ids),
        "title": [random.choice(["Heat", "기생충", "Léon, The", "a, b"]) + " (1995)" for _ in ids],
        "genres": [random.choice(["Drama|War", "Comedy", "(no genres listed)"]) for _ in ids],
    }
    tags: Table = {
        "userId": [1] * n_movies,
        "movieId": list(ids),
        "tag": [random.choice(["slow", "Heist", 'so "good"']) for _ in ids],
        "timestamp": [1] * n_movies,
    }
    if random.random() < 0.1:
        _write_100k(folder, ratings, movies)
        return
    style = random.choice(["csv", "csv", "csv.gz", "tsv", "dat", "parquet", "parquet"])
    for name, table in (("ratings", ratings), ("movies", movies), ("tags", tags)):
        if name == "tags" and random.random() < 0.6:
            continue
        chosen = random.choice(["csv", "parquet"]) if random.random() < 0.1 else style
        _write(folder / f"{name}.{chosen}", table)


def _write(path: Path, table: Table) -> None:
    style = path.name.partition(".")[2]
    rows = list(zip(*table.values(), strict=True))
    if style == "parquet":
        pq.write_table(pa.table(table), path, compression="zstd", row_group_size=20)
    elif style == "dat":
        path.write_text("".join("::".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    else:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter="\t" if style == "tsv" else ",", lineterminator="\n")
        writer.writerows([list(table), *rows])
        data = text.getvalue().encode()
        path.write_bytes(gzip.compress(data) if style == "csv.gz" else data)


def _write_100k(folder: Path, ratings: Table, movies: Table) -> None:
    rows = zip(*ratings.values(), strict=True)
    (folder / "u.data").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    (folder / "u.genre").write_text("unknown|0\nAction|1\nDrama|2\n")
    lines = [f"{m}|{t}|01-Jan-1995||url|0|1|1\n" for m, t, _ in zip(*movies.values(), strict=True)]
    (folder / "u.item").write_bytes("".join(lines).encode("latin-1", "replace"))


def mutate(folder: Path, random: Random) -> list[str]:
    """Do up to four things to the files in `folder`; says what."""
    done = []
    for _ in range(random.choice([0, 1, 1, 1, 2, 2, 3, 4])):
        path = random.choice(sorted(folder.iterdir()))
        if not path.is_file():
            continue
        kinds: list[Callable[[Path, Random], None]] = [_bytes, _bytes]
        kinds += [_parquet_types] * 3 if path.suffix == ".parquet" else [_fields, _fields, _lines]
        kind = random.choices([*kinds, _encoding, _structure], [*[4] * len(kinds), 1, 1])[0]
        kind(path, random)
        done.append(f"{kind.__name__[1:]} of {path.name}")
    return done


def _bytes(path: Path, random: Random) -> None:
    plain, pack = _unpacked(path) if random.random() < 0.7 else (path.read_bytes(), bytes)
    data = bytearray(plain)
    at = random.randrange(len(data) + 1)
    length = random.choice([1, 1, 2, 8, 100])
    what = random.randrange(7)
    if what == 0 and at < len(data):
        data[at] ^= 1 << random.randrange(8)
    elif what == 1:
        data[at : at + length] = random.randbytes(length)
    elif what == 2:
        del data[at:]
    elif what == 3:
        del data[at : at + length]
    elif what == 4:
        data[at:at] = data[max(0, at - length) : at] * random.choice([1, 1, 1000])
    elif what == 5:
        data[at:at] = random.choice(BYTES) * random.choice([1, 1, 2, 5000])
    else:
        data[at : at + length] = bytes(length)
    path.write_bytes(pack(bytes(data)))


def _lines(path: Path, random: Random) -> None:
    lines, pack = _text(path)
    at = random.randrange(len(lines) + 1)
    line = random.choice(lines or [b""])
    what = random.randrange(7)
    if what == 0:
        lines.insert(at, line)
    elif what == 1:
        del lines[at : at + random.choice([1, 2, 50])]
    elif what == 2:
        lines[:1] = []
    elif what == 3:
        lines[at : at + 2] = [b"".join(one.rstrip(b"\n") for one in lines[at : at + 2]) + b"\n"]
    elif what == 4:
        ending = random.choice([b"\r\n", b"\r", b"\n\n", b"\n \n", b",\n", b""])
        one = random.random() < 0.3
        lines = [
            text.replace(b"\n", ending) if not one or n == at else text
            for n, text in enumerate(lines)
        ]
    elif what == 5:
        random.shuffle(lines)
    else:
        lines.insert(at, line.rstrip(b"\n") * random.choice([2, 100, 30_000]) + b"\n")
    path.write_bytes(pack(b"".join(lines)))


def _fields(path: Path, random: Random) -> None:
    lines, pack = _text(path)
    start = lines[0] if lines else b""
    mark = max((b"::", b"\t", b"|", b","), key=lambda one: (start.count(one), len(one)))
    at = random.randrange(len(lines) + 1)
    value = random.choice(HOSTILE).encode()
    if random.random() < 0.3:
        value = b'"' + value.replace(b'"', b'""') + b'"'
    where = range(len(lines)) if random.random() < 0.2 else [min(at, len(lines) - 1)]
    position, what = random.randrange(5), random.randrange(8)
    for n in where if lines else ():
        fields = lines[n].rstrip(b"\n").split(mark)
        if what == 0:
            fields.insert(position, value)
        elif what == 1:
            del fields[position : position + 1]
        elif what == 2 and n == 0:
            fields[position : position + 1] = [random.choice(HEADERS).encode()]
        elif what == 3 and n == 0:
            fields += [b"x"] * random.choice([1, 100, 2_000, 100_000])
        else:
            fields[position : position + 1] = [value]
        lines[n] = mark.join(fields) + b"\n"
    path.write_bytes(pack(b"".join(lines)))


def _text(path: Path) -> tuple[list[bytes], Callable[[bytes], bytes]]:
    data, pack = _unpacked(path)
    return data.splitlines(keepends=True), pack


def _unpacked(path: Path) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Return the content of a file, gzip undone, and the function that compresses again."""
    data = path.read_bytes()
    try:
        return gzip.decompress(data), gzip.compress
    except (OSError, EOFError, zlib.error):
        return data, bytes


def _encoding(path: Path, random: Random) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    path.write_bytes(text.encode(random.choice(ENCODINGS), "replace"))


def _structure(path: Path, random: Random) -> None:
    data = path.read_bytes()
    others = [other for other in path.parent.iterdir() if other.is_file() and other != path]
    what = random.randrange(10)
    if what == 0 and others:
        path.write_bytes(random.choice(others).read_bytes())
    elif what == 1:
        path.write_bytes(b"")
    elif what == 2:
        path.write_bytes(gzip.compress(data))
    elif what == 3 and others:
        path.rename(path.with_name("else"))
        path.with_name("else").rename(random.choice(others))
    else:
        path.unlink()
        if what == 4:
            path.mkdir()
        elif what == 5:
            path.symlink_to(path.name)
        elif what == 6:
            path.symlink_to("nowhere")
        elif what == 7:
            os.mkfifo(path)
        elif what == 8:
            path.with_suffix(random.choice([".parquet", ".csv", ".tsv", ".dat"])).write_bytes(data)


def _parquet_types(path: Path, random: Random) -> None:
    """Write one column of a Parquet file as another type, under another name, or twice."""
    try:
        table = pq.read_table(path)
        names = table.column_names
    except (pa.ArrowException, OSError, UnicodeError):  # damaged by an earlier mutation
        return
    n = table.num_rows
    text = pa.array([random.choice([*HOSTILE, None]).__str__() for _ in range(n)])
    column: pa.Array = random.choice(
        [
            text,
            text.dictionary_encode(),
            text.cast(pa.binary()),
            pa.array([random.randbytes(3) for _ in range(n)]),
            pa.nulls(n),
            pa.array(
                [random.choice([1.5, 2.0, float("nan"), float("inf"), 1e300]) for _ in range(n)]
            ),
            pa.array([random.choice([0, 2**63, 2**64 - 1]) for _ in range(n)], pa.uint64()),
            pa.array([random.choice([-(2**63), None, 1]) for _ in range(n)], pa.int64()),
            pa.array(
                [decimal.Decimal(random.choice(["1.00", "9" * 30])) for _ in range(n)],
                pa.decimal128(38, 2),
            ),
            pa.array([datetime.datetime(1995, 1, 1 + k % 28) for k in range(n)]),
            pa.array([datetime.timedelta(k) for k in range(n)]),
            pa.array([random.random() < 0.5 for _ in range(n)]),
            pa.array([[["x"], None, []] for _ in range(n)]),
            pa.array([{"a": 1, "b": [None]} for _ in range(n)]),
            pa.array([[("k", "v")] for _ in range(n)], pa.map_(pa.string(), pa.string())),
        ]
    )
    at = random.randrange(table.num_columns)
    name = random.choice([names[at]] * 3 + [*HEADERS, "a\nb", 'q"q'])
    if random.random() < 0.8:
        table = table.set_column(at, name, column)
    else:
        table = table.append_column(name, column)
    pq.write_table(table, path, compression=random.choice(["zstd", "snappy", "none"]))
