"""A small data set, written in any mixture of the spellings that the importer reads.

The plain spelling is CSV with commas, whole ids, seconds and genres between bars. Every choice goes
through `Choose`, so hypothesis or a random number generator may make it.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recommender.dataset.columns import COLUMN_NAMES, Kind
from recommender.dataset.sources import GENRES_100K

# Returns one of the options; the label says of what.
Choose = Callable[[str, Sequence[Any]], Any]
Columns = dict[str, list[Any]]

_TITLES = (
    *("The Matrix", "Heat", "기생충", "Léon", 'Say "Yes", Now', "Tiger & Co", "[REC]", "1984"),
    *("2001: A Space Odyssey", "L'Atalante", "M", "Se7en; or Not", "A|B", "N/A", "Los Olvidados"),
)
_NAMES = ("Al Pacino", "Val Kilmer", "Song Kang-ho", "Jean Reno", "Carrie-Anne Moss")
_COUNTRIES = ("USA", "France", "South Korea", "UK")
_TAGS = ("slow", "heist", "class struggle", "based on a book")
_PLOTS = (
    "Cops & robbers, again.",
    "A man\twaits.",
    "물이 흐른다",
    "It says \"no\"; he says 'yes'.",
)
_SECONDS_A_DAY = 86_400
_LAST_DAY_OF_1999 = 10_956
_LISTS = ("genres", "cast", "country", "tags")


@dataclass(frozen=True)
class Data:
    """A data set: `ratings` are users, movies, stars and seconds; `movies` columns of typed values.

    No two ratings are of one day, and some days tell the order of day, month and year.
    """

    ratings: tuple[tuple[int, int, float, int], ...]
    movies: Mapping[str, list[Any]]


def sample(random: Random) -> Data:
    """Return a data set of a few movies, with one rating of them all again on some later day."""
    n = random.randrange(3, 9)
    ids = random.sample(range(1, 60), n)
    titles = random.sample(_TITLES, n)
    movies: Columns = {
        "movie_id": ids,
        "title": titles,
        "year": [random.randrange(1920, 2020) for _ in ids],
        "genres": [_some(random, GENRES_100K[1:], 1 if at < 2 else 0) for at in range(n)],
    }
    if random.random() < 0.5:
        movies |= {
            "cast": [_some(random, _NAMES) for _ in ids],
            "country": [_some(random, _COUNTRIES) for _ in ids],
            "tags": [_some(random, _TAGS) for _ in ids],
            "runtime": [random.randrange(60, 200) for _ in ids],
            "plot": [random.choice([None, *_PLOTS]) for _ in ids],
        }
    days = random.sample(range(9_000, 18_000), 30)
    days[:2] = _LAST_DAY_OF_1999, _LAST_DAY_OF_1999 + 60
    random.shuffle(days)
    ratings = tuple(
        (
            random.randrange(1, 9),
            ids[at % n],
            random.randrange(2, 11) / 2,
            day * _SECONDS_A_DAY + 60 * random.randrange(24 * 60),
        )
        for at, day in enumerate(days)
    )
    return Data(ratings, movies)


def _some(random: Random, names: Sequence[str], least: int = 0) -> list[str]:
    chosen = random.sample(names, random.randrange(least, 4))
    return sorted(chosen, key=names.index)


def write_plain(folder: Path, data: Data) -> None:
    """Write ``ratings.csv`` and ``movies.csv`` in the plain spelling."""
    plain = {
        name: ["|".join(cell) for cell in cells] if name in _LISTS else cells
        for name, cells in data.movies.items()
    }
    rows = list(zip(*data.ratings, strict=True))
    ratings = dict(zip(("user_id", "movie_id", "rating", "timestamp"), rows, strict=True))
    for name, columns in (("ratings", ratings), ("movies", plain)):
        text = _delimited([list(columns), *zip(*columns.values(), strict=True)], ",", False)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")


def write_spelled(folder: Path, data: Data, choose: Choose) -> str | None:
    """Write a file of ratings and one of movies, each in a spelling that `choose` makes up.

    Returns:
        The encoding of text files, None for UTF-8.
    """
    plain_movies = set(data.movies) == {"movie_id", "title", "year", "genres"}
    rows = list(data.ratings)
    if choose("order of rows", ["as it is", "reversed"]) == "reversed":
        rows.reverse()
    may_be_100k = plain_movies and not any("|" in title for title in data.movies["title"])
    if may_be_100k and choose("layout", ["tables"] * 5 + ["100k"]) == "100k":
        _write_100k(folder, Data(tuple(rows), data.movies))
        return None
    encoding: str | None = choose("encoding", [*[None] * 5, "gb18030", "utf-16"])
    shape = choose("ratings", ["text", "text", "json", "array", "parquet", "netflix", "recbole"])
    if shape == "netflix":
        _write(folder, "ratings", "csv", _netflix(rows).encode(encoding or "utf-8"), choose)
    else:
        columns = _ratings_columns(rows, choose, typed=shape in ("json", "array", "parquet"))
        _write_table(folder, "ratings", columns, shape, choose, encoding, True)
    shape = choose("movies", ["text", "text", "json", "array", "parquet"])
    columns = _movies_columns(data.movies, choose, typed=shape != "text")
    _write_table(folder, "movies", columns, shape, choose, encoding, plain_movies)
    return encoding


# Of seconds since 1970; the first few are numbers.
NUMBERS: dict[str, Callable[[int], str]] = {
    "seconds": str,
    "float": lambda time: f"{time}.0",
    "exponent": lambda time: f"{time:.12e}",
    "milliseconds": lambda time: f"{time}000",
    "microseconds": lambda time: f"{time}000000",
    "nanoseconds": lambda time: f"{time}000000000",
}
DATES = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y.%m.%d"),
    *("%Y-%m-%d %I:%M %p", "%Y-%m-%dT%H:%M:%S.250000+00:00", "%Y-%m-%d %H:%M:%S UTC"),
    *("%d %b %Y", "%B %d, %Y %I:%M:%S %p", "%d-%b-%y", "%a, %d %b %Y %H:%M:%S GMT"),
    *("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S +0000 %Y", "%m %d, %Y", "%b %d %Y"),
    *("%Y%m%d", "%Y%m%d%H%M%S", "%Y%m%dT%H%M%SZ", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p"),
    *("%d.%m.%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y %H:%M"),
)
_STARS: tuple[Callable[[float], str], ...] = (
    *(str, "{:g}".format, "{:.2f}".format, "{:+}".format, "{:e}".format, " {} ".format),
)
# These say their scale, so they are for ratings up to 5.
_SIGNS: tuple[Callable[[float], str], ...] = (
    *("{:g}/5".format, "{} / 5.0".format, "{:g} out of 5 stars".format, "{:g} stars".format),
    lambda stars: "★" * int(stars) + "½" * (stars % 1 > 0),
    lambda stars: "⭐️" * int(stars) + "½" * (stars % 1 > 0) + "☆" * int(5 - stars),
)
_WHOLE: tuple[Callable[[int], str], ...] = (
    *(str, "{}.0".format, "{}.00".format, " {}".format, '="{}"'.format),
)


def _ratings_columns(
    rows: Sequence[tuple[int, int, float, int]], choose: Choose, typed: bool
) -> Columns:
    users, movies, stars, times = map(list, zip(*rows, strict=True))
    return {
        "user_id": _ids("user", users, choose, typed),
        "movie_id": _ids("movie", movies, choose, typed),
        "rating": stars if typed else list(map(choose("stars", _forms_of(stars)), stars)),
        "timestamp": _times(times, choose, typed),
    }


def _forms_of(stars: list[float]) -> tuple[Callable[[float], str], ...]:
    return (*_STARS, *_SIGNS) if max(stars) <= 5 and not any(one % 0.5 for one in stars) else _STARS


def _ids(label: str, ids: list[int], choose: Choose, typed: bool) -> list[Any]:
    if typed:
        return list(map(choose(f"type of {label}", [int, float, str, "{}.0".format]), ids))
    return list(map(choose(f"spelling of {label}", _WHOLE), ids))


def _times(times: list[int], choose: Choose, typed: bool) -> list[Any]:
    form = choose("times", [*NUMBERS, *DATES, *(["typed"] * typed)])
    if form == "typed":
        return times
    if form in NUMBERS:
        return list(map(NUMBERS[form], times))
    return [datetime.fromtimestamp(time, UTC).strftime(form) for time in times]


def _movies_columns(movies: Mapping[str, list[Any]], choose: Choose, typed: bool) -> Columns:
    columns: Columns = dict(movies)
    columns["movie_id"] = _ids("catalogue", columns["movie_id"], choose, typed)
    in_title = choose("year", ["column", "title", "both"])
    titles = list(movies["title"])
    if choose("article", ["first", "last"]) == "last":
        titles = [_article_last(title) for title in titles]
    if choose("entities", [False, True]):
        titles = [title.replace("&", "&amp;").replace("é", "&eacute;") for title in titles]
    if in_title != "column":
        titles = [f"{one} ({year})" for one, year in zip(titles, movies["year"], strict=True)]
    columns["title"] = titles
    if in_title == "title":
        del columns["year"]
    else:
        form = choose("form of years", ["{}", "{}.0", "{}-03-01", "01 Mar {}"])
        columns["year"] = [form.format(year) for year in movies["year"]]
    for name in _LISTS:
        if name in columns:
            columns[name] = _lists(name, columns[name], choose, typed)
    if "runtime" in columns:
        form = choose("form of minutes", ["{}", "{}.0", "{} min", "{} minutes"])
        columns["runtime"] = [form.format(minutes) for minutes in columns["runtime"]]
    if "plot" in columns:
        nothing = choose("no plot", ["", "nan", "NULL", "\\N", "N/A"])
        columns["plot"] = [nothing if plot is None else plot for plot in columns["plot"]]
    return columns


def _article_last(title: str) -> str:
    article, _, rest = title.partition(" ")
    return f"{rest}, {article}" if article in ("The", "Los") else title


def _lists(name: str, cells: list[list[str]], choose: Choose, typed: bool) -> list[Any]:
    forms: dict[str, Callable[[list[str]], Any]] = {
        "bars": "|".join,
        "commas": ", ".join,
        "semicolons": ";".join,
        "slashes": " / ".join,
        "JSON": lambda cell: json.dumps(cell, ensure_ascii=False),
        "Python": str,
        "JSON objects": lambda cell: json.dumps(_objects(cell)),
        "Python objects": lambda cell: str(_objects(cell)),
    }
    if typed:
        forms |= {"typed": list, "typed objects": _objects}
    form = choose(f"lists of {name}", list(forms))
    if form in ("bars", "commas", "semicolons", "slashes"):
        nothing = choose(f"no {name}", ["", "nan", "(no genres listed)", "[]", "None"])
        return [forms[form](cell) or nothing for cell in cells]
    return list(map(forms[form], cells))


def _objects(cell: list[str]) -> list[dict[str, Any]]:
    return [{"id": at, "name": name} for at, name in enumerate(cell, 10)]


def _write_table(
    folder: Path,
    kind: Kind,
    columns: Columns,
    shape: str,
    choose: Choose,
    encoding: str | None,
    may_be_bare: bool,
) -> None:
    if shape == "recbole":
        types = {"user_id": "token", "movie_id": "token", "rating": "float", "timestamp": "float"}
        names = [f"{'item_id' if part == 'movie_id' else part}:{types[part]}" for part in columns]
        lines = [names, *zip(*columns.values(), strict=True)]
        text = "".join("\t".join(map(str, line)) + "\n" for line in lines)
        _write(folder, kind, "csv", text.encode(encoding or "utf-8"), choose)
        return
    parts = list(columns)
    if choose(f"order of columns of {kind}", [False, True]):
        parts.reverse()
    names = [choose(f"name of {part}", _names_of(kind, part)) for part in parts]
    ordered = dict(zip(names, (columns[part] for part in parts), strict=True))
    if choose(f"one more column of {kind}", [False, True]):
        ordered = {"unrelated": [f"x{at}" for at in range(len(columns["movie_id"]))], **ordered}
    rows = list(zip(*ordered.values(), strict=True))
    if shape == "parquet":
        _write_parquet(folder, kind, ordered, choose)
    elif shape in ("json", "array"):
        objects = [dict(zip(ordered, row, strict=True)) for row in rows]
        if shape == "array":
            text = json.dumps(objects, ensure_ascii=choose("ASCII", [False, True]))
        else:
            text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)
        _write(
            folder,
            kind,
            choose("ending", ["json", "jsonl", "csv"]),
            text.encode(encoding or "utf-8"),
            choose,
        )
    else:
        bare = may_be_bare and choose(f"header of {kind}", ["there", "there", "none"]) == "none"
        if bare:
            order = [part for part in _BARE[kind] if part in columns]
            rows = list(zip(*(columns[part] for part in order), strict=True))
        lines = [*([] if bare else [list(ordered)]), *rows]
        _write_text(folder, kind, lines, choose, encoding)


_BARE: dict[Kind, tuple[str, ...]] = {
    "ratings": ("user_id", "movie_id", "rating", "timestamp"),
    "movies": ("movie_id", "title", "year", "genres"),
}


def _names_of(kind: Kind, part: str) -> list[str]:
    """The names of a column, as files may write them; not those that are another id as well."""
    names = [name for name in COLUMN_NAMES[kind][part] if "imdb" not in name and "tmdb" not in name]
    names = [name for name in names if name not in ("tconst", "movie", "film", "item")]
    return [part, part.replace("_", " ").title(), part.upper(), *names]


def _write_text(
    folder: Path, kind: Kind, lines: list[Any], choose: Choose, encoding: str | None
) -> None:
    delimiter = choose(f"delimiter of {kind}", [",", ";", "|", "\t", "::"])
    if delimiter == "::":
        text = "".join("::".join(map(str, line)) + "\n" for line in lines)
    else:
        text = _delimited(lines, delimiter, choose("all quoted", [False, True]))
        if choose(f"sep= above {kind}", [False, False, True]):
            text = f"sep={delimiter}\n{text}"
    text = text.replace("\n", choose("line ending", ["\n", "\r\n"]))
    data = text.encode(encoding or choose("byte order mark", ["utf-8", "utf-8-sig"]))
    _write(folder, kind, choose("ending", ["csv", "tsv", "dat", "txt"]), data, choose)


def _delimited(lines: Iterable[Iterable[Any]], delimiter: str, quoted: bool) -> str:
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerows(lines)
    return text.getvalue()


def _write_parquet(folder: Path, kind: Kind, columns: Columns, choose: Choose) -> None:
    arrays = {name: pa.array(cells) for name, cells in columns.items()}
    for name, cells in columns.items():
        if isinstance(cells[0], int) and abs(cells[0]) > _SECONDS_A_DAY:
            unit = choose("type of times", ["s", "ms", "us", "ns", None])
            if unit:
                arrays[name] = pa.array(cells, pa.timestamp("s")).cast(pa.timestamp(unit))
    out = io.BytesIO()
    pq.write_table(pa.table(arrays), out, compression=choose("codec", ["zstd", "snappy", "none"]))
    (folder / f"{kind}.parquet").write_bytes(out.getvalue())


def _netflix(rows: Sequence[tuple[int, int, float, int]]) -> str:
    text = []
    for movie in dict.fromkeys(movie for _, movie, *_ in rows):
        text.append(f"{movie}:\n")
        for user, rated, stars, time in rows:
            if rated == movie:
                day = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")
                text.append(f"{user},{stars},{day}\n")
    return "".join(text)


def _write_100k(folder: Path, data: Data) -> None:
    lines = ("\t".join(map(str, row)) + "\n" for row in data.ratings)
    (folder / "u.data").write_text("".join(lines))
    with (folder / "u.item").open("w", encoding="utf-8") as file:
        for movie, title, year, genres in zip(*data.movies.values(), strict=True):
            flags = (str(int(genre in genres)) for genre in GENRES_100K)
            file.write("|".join([str(movie), f"{title} ({year})", "", "", "", *flags]) + "\n")


def _write(folder: Path, kind: Kind, ending: str, data: bytes, choose: Choose) -> None:
    packed = choose(f"compression of {kind}", [None, None, "gz", "bz2", "xz", "zst", "zip"])
    name = f"{kind}.{ending}" if packed is None else f"{kind}.csv.{packed}"
    if packed == "zip":
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"a folder/{kind}.{ending}", data)
        return
    packers: dict[str | None, Callable[[bytes], bytes]] = {
        None: bytes,
        "gz": lambda plain: gzip.compress(plain, mtime=0),
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": lambda plain: pa.compress(plain, "zstd", asbytes=True),
    }
    (folder / name).write_bytes(packers[packed](data))
