"""Files as popular data sets have them, and the same content in plain CSV."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recommender.core.errors import DataError
from recommender.dataset import Dataset, from_directory, from_files, import_dataset
from tests.dataset.test_importing import movies_of, ratings_of

MOVIES = "movieId,title,genres\n242,Kolya (1996),Comedy\n302,Contact (1997),Drama|Sci-Fi\n"
RATINGS = "196,242,3,881250949\n186,302,3,891717742\n22,242,1,878887116\n"
HEADER = "userId,movieId,rating,timestamp\n"


def imported(folder: Path, ratings: str | bytes, movies: str | bytes = MOVIES) -> Dataset:
    for name, content in (("r.txt", ratings), ("m.txt", movies)):
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    return import_dataset(from_files(folder / "r.txt", folder / "m.txt"), folder / "out")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The fingerprint of the plain form."""
    return imported(tmp_path_factory.mktemp("plain"), HEADER + RATINGS).fingerprint


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|", "::", " ", "\t\t"])
@pytest.mark.parametrize("header", ["", "uid,iid,rate,ts\n"])
def test_ratings_of_any_delimiter(tmp_path: Path, plain: str, delimiter: str, header: str) -> None:
    text = (header + RATINGS).replace(",", delimiter)
    assert imported(tmp_path, text).fingerprint == plain


@pytest.mark.parametrize(
    "line",
    [
        "{user},{movie},{rating}\n",
        "{movie},{time},{user},{rating}\n",
        "{user},{movie},{rating},x,y\n",
        '"{user}","{movie}","{rating}"\n',
        "{user},{movie},{rating},2005-09-06\n",
        "{user},{movie},2005-09-06 10:00:00,{rating}\n",
        "{user},{movie},2005-09-06T10:00:00Z,{rating}\n",
        "{row},{user},{movie},{rating},{time}\n",
        "{user},{movie},{rating}/5,{time}\n",
        "{user},{movie},{rating} out of 5 stars,2005-09-06\n",
        '{user}, {movie},{rating}/5,"Mon, 08 Mar 2005 10:00:00"\n',
    ],
)
def test_ratings_without_a_header_are_known_by_content(
    tmp_path: Path, plain: str, line: str
) -> None:
    rows = [row.split(",") for row in RATINGS.split()]
    if line.startswith("{movie}"):  # which of two ids is the user's is told by their order
        line = line.replace("{movie}", "{}").replace("{user}", "{movie}").replace("{}", "{user}")
    text = "".join(
        line.format(row=row, user=u, movie=m, rating=r, time=t)
        for row, (u, m, r, t) in enumerate(rows)
    )
    assert imported(tmp_path, text).fingerprint == plain


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO `ratings` VALUES (1,242,4.0),(1,302,5.0);\n",
        "[[1, 242, 4], [1, 302, 5]]",
        "{196,242,3}\n{186,302,3}\n",
    ],
)
def test_statements_and_lists_are_no_rows(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"r\.txt has no header that names user_id"):
        imported(tmp_path, text)


def test_large_ids_are_no_times(tmp_path: Path) -> None:
    """Douban's movies are numbered from 1,290,000 to 37,000,000."""
    ratings = "9,26363254,3,5\n9,30170448,2,5\n8,26363254,1,4\n".replace(",5\n", ",881250949\n")
    movies = "26363254,Wolf Warrior (2017),Action\n30170448,Capernaum (2018),Drama\n"
    found = imported(tmp_path, ratings.replace(",4\n", ",891717742\n"), movies)
    assert ratings_of(found) == [(8, 26363254, 1.0), (9, 26363254, 3.0), (9, 30170448, 2.0)]


def test_the_movies_dataset_by_its_names(tmp_path: Path) -> None:
    files = {
        "ratings_small.csv": HEADER + "1,1,4,881250949\n1,6,3,881250949\n",
        "movies_metadata.csv": "id,title\n862,Toy Story\n949,Heat\n",
        "links_small.csv": "movieId,imdbId,tmdbId\n1,0114709,862\n6,0113277,949\n",
    }
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            (tmp_path / name).write_text(text)
    found = import_dataset(from_directory(tmp_path), tmp_path / "out")
    assert ratings_of(found) == [(1, 862, 4.0), (1, 949, 3.0)]
    packed = from_files(*[tmp_path / "archive.zip"] * 2, links=tmp_path / "links_small.csv")
    assert import_dataset(packed, tmp_path / "packed").fingerprint == found.fingerprint


def test_headers_in_other_languages(tmp_path: Path, plain: str) -> None:
    movies = MOVIES.replace("movieId,title,genres", "영화 ID,제목,장르")
    assert (
        imported(tmp_path, "사용자 ID,영화 ID,평점,시간\n" + RATINGS, movies).fingerprint == plain
    )


def test_names_that_nobody_knows_are_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column user_id and no column rating; its header"):
        imported(tmp_path, "wer,movie,wie\n1,242,3\n")
    with pytest.raises(DataError, match=r"r\.txt has no header that names .* \(1, good, x\); add"):
        imported(tmp_path, "1,good,x\n1,242,3\n")


@pytest.mark.parametrize(
    "header", ["", "userId,242,302,1,2,3,4,5,6,7,8\n", ",Kolya,Contact,c,d,e,f,g,h,i,j\n"]
)
def test_a_matrix_with_a_column_for_each_movie_is_refused(tmp_path: Path, header: str) -> None:
    rows = "".join(f"{user},5,3,99,4.5,-1,,2,99,1,3\n" for user in range(1, 30))
    with pytest.raises(DataError, match=r"each column is a movie, make a row of each rating: user"):
        imported(tmp_path, header + rows)


@pytest.mark.parametrize("line", ["{},{},7,{},1\n", "{},{},{},12\n", "{},{},{},0,1\n"])
def test_of_two_columns_that_may_be_the_ratings_neither_is_guessed(
    tmp_path: Path, line: str
) -> None:
    rows = [row.split(",")[:3] for row in RATINGS.split()]
    with pytest.raises(
        DataError, match=r"r\.txt has no header that names .* add a first line with"
    ):
        imported(tmp_path, "".join(line.format(*row) for row in rows))


def test_names_above_ratings_are_never_a_rating(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"r\.txt has no header that names .*userId, 242, 302"):
        imported(tmp_path, "userId,242,302\n1,5,3\n2,4,1\n")


def test_double_colons_with_more_columns_than_usual(tmp_path: Path, plain: str) -> None:
    movies = "242::Kolya::1996-01-02::Comedy\n302::Contact::1997-03-04::Drama|Sci-Fi\n"
    assert imported(tmp_path, RATINGS.replace(",", "::"), movies).fingerprint == plain


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_byte_order_mark_says_the_encoding(tmp_path: Path, plain: str, encoding: str) -> None:
    movies = [{"id": 242, "name": "Kolya (1996)", "genre": "Comedy"},
              {"id": 302, "name": "Contact (1997)", "genre": ["Drama", "Sci-Fi"]}]  # fmt: skip
    ratings = (HEADER + RATINGS).replace(",", "\t").encode(encoding)
    found = imported(tmp_path, ratings, json.dumps(movies).encode(encoding))
    assert found.fingerprint == plain
    assert imported(tmp_path, RATINGS.replace(",", "::").encode(encoding)).fingerprint == plain


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_named(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(DataError, match=f"r.txt is UTF-16 .*; give --encoding {encoding}"):
        imported(tmp_path, (HEADER + RATINGS).encode(encoding))


def test_what_excel_writes_beside_the_cells(tmp_path: Path, plain: str) -> None:
    text = HEADER + RATINGS
    movies = "sep=|\n" + MOVIES.replace("Drama|Sci-Fi", '"Drama|Sci-Fi"').replace(",", "|")
    assert imported(tmp_path, "sep=;\r\n" + text.replace(",", ";"), movies).fingerprint == plain
    cells = [[f'="{cell}"' for cell in line.split(",")] for line in RATINGS.splitlines()]
    bare = HEADER + "".join(",".join(line) + "\n" for line in cells)
    assert imported(tmp_path, bare).fingerprint == plain
    quoted = ['"' + '","'.join(cell.replace('"', '""') for cell in line) + '"\n' for line in cells]
    assert imported(tmp_path, '"sep=,"\n' + HEADER + "".join(quoted)).fingerprint == plain
    tabs = text.replace(",", "\t,")  # so that long numbers stay text
    assert imported(tmp_path, tabs).fingerprint == plain
    with pytest.raises(DataError, match=r"r.txt, line 4: rating x is not a number"):
        imported(tmp_path, "sep=;\n" + (HEADER + "1,242,3,1\n1,302,x,1\n").replace(",", ";"))


def test_a_header_in_a_dat_file(tmp_path: Path, plain: str) -> None:
    text = "UserID::MovieID::Rating::Timestamp\n" + RATINGS.replace(",", "::")
    assert imported(tmp_path, text).fingerprint == plain


@pytest.mark.parametrize(
    "movies",
    [
        MOVIES.partition("\n")[2],
        "242::Kolya (1996)::Comedy\n302::Contact (1997)::Drama|Sci-Fi\n",
        "242,1996,Kolya,Comedy\n302,1997,Contact,Drama|Sci-Fi\n",
        "242,Kolya,01 Mar 1996,Comedy\n302,Contact,11 Jul 1997,Drama|Sci-Fi\n",
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "242\tKolya\t1996\tComedy\n302\tContact\t1997\tDrama Sci-Fi\n",
        "tconst\tprimaryTitle\tstartYear\tgenres\n242\tKolya\t1996\tComedy\n"
        "302\tContact\t1997\tDrama,Sci-Fi\n",
        "id;name;genre\n242;Kolya (1996);['Comedy']\n302;Contact (1997);['Drama', 'Sci-Fi']\n",
        "id,movie,genre\n242,Kolya (1996),Comedy\n302,Contact (1997),Drama / Sci-Fi\n",
        '[\n{"id": 242, "name": "Kolya", "year": 1996, "genre": ["Comedy"]},\n'
        '{"id": 302, "name": "Contact", "year": 1997, "genre": ["Drama", "Sci-Fi"]}\n]',
    ],
)
def test_movies_of_any_layout(tmp_path: Path, plain: str, movies: str) -> None:
    assert imported(tmp_path, HEADER + RATINGS, movies).fingerprint == plain


def test_100k_by_content(tmp_path: Path, plain: str) -> None:
    flags = {242: "0|0|0|0|0|1", 302: "0|0|0|0|0|0"}
    lines = [
        f"242|Kolya (1996)|24-Jan-1997||http://x|{flags[242]}" + "|0" * 13,
        f"302|Contact (1997)|11-Jul-1997||http://x|{flags[302]}|0|0|1" + "|0" * 6 + "|1" + "|0" * 3,
    ]
    text = "\n".join(lines) + "\n"
    assert imported(tmp_path, RATINGS.replace(",", "\t"), text).fingerprint == plain


def test_quotes_in_files_that_never_quote(tmp_path: Path) -> None:
    movies = 'item_id:token\tmovie_title:token_seq\n242\t"Rome, Open City\n302\tPaisan"\n'
    titles = [row["title"] for row in movies_of(imported(tmp_path, HEADER + RATINGS, movies))]
    assert titles == ['"Rome, Open City', 'Paisan"']


NETFLIX = "1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n2:\n1488844,4,2005-09-05\n"
NETFLIX_MOVIES = "1,2003,Dinosaur Planet\n2,NULL,At Home, A Stranger\n3,2004,Léon\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_netflix_prize(tmp_path: Path, ending: str) -> None:
    dataset = imported(
        tmp_path,
        NETFLIX.replace("\n", ending),
        NETFLIX_MOVIES.replace("\n", ending).encode("latin-1"),
    )
    assert ratings_of(dataset) == [(822109, 1, 5.0), (1488844, 1, 3.0), (1488844, 2, 4.0)]
    found = [(row["title"], row["year"]) for row in movies_of(dataset)]
    assert found == [("Dinosaur Planet", 2003), ("At Home, A Stranger", None), ("Léon", 2004)]


def test_netflix_prize_in_several_files(tmp_path: Path) -> None:
    parts = NETFLIX, "3:\r\n7,1,2005-01-02", "4:\n7,2,2005-01-03\n8,4,2005-01-04\n"
    for number, text in enumerate(parts, 1):
        (tmp_path / f"combined_data_{number}.txt").write_bytes(text.encode())
    (tmp_path / "movie_titles.csv").write_text("4,2001,Heat\n" + NETFLIX_MOVIES, encoding="latin-1")
    dataset = import_dataset(from_directory(tmp_path), tmp_path / "out")
    assert [(user, movie) for user, movie, _ in ratings_of(dataset)] == [
        *((7, 3), (7, 4), (8, 4), (822109, 1), (1488844, 1), (1488844, 2)),
    ]
    assert dataset.report.files[0] == "combined_data_1.txt and 2 more"
    (tmp_path / "combined_data_3.txt").write_text("4:\n7,2,2005-01-03\n8,four,2005-01-04\n")
    with pytest.raises(
        DataError, match=r"combined_data_3\.txt, line 3: rating four is not a number"
    ):
        import_dataset(from_directory(tmp_path), tmp_path / "out")


def test_netflix_prize_in_many_chunks(tmp_path: Path) -> None:
    blocks = [(movie, range(movie % 7 * 3000)) for movie in range(1, 40)]
    text = "".join(
        f"{movie}:\n" + "".join(f"{user},{1 + (user + movie) % 5},2005-09-06\n" for user in users)
        for movie, users in blocks
    )
    movies = "".join(f"{movie},2003,Movie {movie}\n" for movie, _ in blocks)
    dataset = imported(tmp_path, text.rstrip("\n"), movies)
    expected = [(u, m, 1.0 + (u + m) % 5) for m, users in blocks for u in users]
    assert ratings_of(dataset) == sorted(expected)


def test_a_bad_line_of_netflix_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"r\.txt, line 6: rating x is not a number"):
        imported(tmp_path, NETFLIX + "5,x,2005-09-06\n", NETFLIX_MOVIES)


def json_lines(**names: str) -> list[dict[str, object]]:
    return [
        {names["user"]: int(u), "text": ["x", {}], names["movie"]: m, names["rating"]: float(r)}
        for u, m, r, _ in (row.split(",") for row in RATINGS.split())
    ]


@pytest.mark.parametrize("form", ["lines", "blank", "array", "pretty"])
def test_json(tmp_path: Path, plain: str, form: str) -> None:
    rows = json_lines(user="reviewerID", movie="asin", rating="overall")
    texts = {
        "lines": "".join(json.dumps(row) + "\n" for row in rows),
        "blank": "\n\n".join(json.dumps(row) for row in rows),
        "array": json.dumps(rows),
        "pretty": json.dumps(rows, indent=2),
    }
    assert imported(tmp_path, texts[form]).fingerprint == plain


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"user": 1, "movie": 242, "rating": 3}\n\n{"user": 1,\n', "line 3: no JSON"),
        ('{"user": 1, "movie": 242, "rating": 3}\n[1]\n', "line 2: no object in braces"),
        ("{'user': 1, 'movie': 242, 'rating': 3}\n", "line 1: no JSON .as Python writes"),
        ('{"user": 1, "movie": 242}\n', "has no column rating; its header has: user, movie"),
        ('{"user": 1, "movie": 242, "rating": "x"}\n', "line 1: rating x is not a number"),
        ('[{"user": 1, "movie": 242, "rating": 3}, {"user"', "is no JSON"),
    ],
)
def test_json_that_is_none(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        imported(tmp_path, text)
    assert str(caught.value).isprintable()


def zipped(name: str, data: bytes, *others: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for other in others:
            archive.writestr(other, "x")
        archive.writestr(name, data)
    return out.getvalue()


def tarred(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for one, content in (("README", b"x"), (name, data), ("z", b"y")):
            info = tarfile.TarInfo(one)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


PACKED = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.compress(data, "zstd", asbytes=True),
    "zip": lambda data: zipped("a folder/anything.csv", data),
    "zip of many": lambda data: zipped("ml/ratings.csv", data, "ml/README.txt", "__MACOSX/._r"),
    "gz in zip": lambda data: zipped("ratings.csv.gz", gzip.compress(data)),
    "tar.gz": lambda data: tarred("ml/ratings.csv", data),
}


@pytest.mark.parametrize("packing", PACKED)
def test_compressed(tmp_path: Path, plain: str, packing: str) -> None:
    dataset = imported(tmp_path, PACKED[packing]((HEADER + RATINGS).encode()))
    assert dataset.fingerprint == plain


@pytest.mark.parametrize("packing", ["bz2", "zip", "tar.gz"])
def test_compressed_parquet(tmp_path: Path, plain: str, packing: str) -> None:
    rows = np.array([row.split(",") for row in RATINGS.split()], float).T
    table = pa.table(dict(zip(("user_id", "movie_id", "rating", "timestamp"), rows, strict=True)))
    out = io.BytesIO()
    pq.write_table(table, out)
    assert imported(tmp_path, PACKED[packing](out.getvalue())).fingerprint == plain


@pytest.mark.parametrize("packing", PACKED)
def test_damaged_archives_are_told_in_one_line(tmp_path: Path, packing: str) -> None:
    data = PACKED[packing]((HEADER + RATINGS * 300).encode())
    for damaged in (data[: len(data) // 2], data[:40] + b"\0" * 60 + data[100:]):
        with pytest.raises(DataError, match=r"r\.txt") as caught:
            imported(tmp_path, damaged)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_data_set_in_an_archive(tmp_path: Path, plain: str, kind: str) -> None:
    files = {"ml/ratings.csv": HEADER + RATINGS, "ml/movies.csv": MOVIES, "ml/README": "x"}
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "ml", "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    else:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        with tarfile.open(tmp_path / "ml.tar.xz", "w:xz") as archive_file:
            archive_file.add(tmp_path / "ml", "ml")
    path = tmp_path / ("ml" if kind == "zip" else "ml.tar.xz")
    dataset = import_dataset(from_directory(path), tmp_path / "out")
    assert dataset.fingerprint == plain
    assert dataset.report.files[:2] == ("ratings.csv", "movies.csv")


def test_an_archive_without_ratings(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds 2 files, none of them called ratings: a, b\.csv; "):
        imported(tmp_path, zipped("b.csv", b"x", "a"))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zipped("xl/workbook.xml", b"x", "[Content_Types].xml"), "an Excel workbook; save it as"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel workbook; save it as CSV"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\x80\x04\x95", "a pickle; save it as Parquet"),
        (b"<!DOCTYPE html>", "a web page; download the file itself"),
        (b"\n <!doctype html><title>Sign in</title>", "a web page; download the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    ],
)
def test_other_formats_are_refused_by_name(tmp_path: Path, data: bytes, what: str) -> None:
    with pytest.raises(DataError, match=rf"r\.txt is {what}.* --ratings"):
        imported(tmp_path, data)
