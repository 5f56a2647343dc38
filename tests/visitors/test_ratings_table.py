"""Files of one's own ratings in any wrapping: archives, encodings, delimiters, JSON."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import Recommender, read_ratings
from recommender.core.errors import ProfileError
from recommender.visitors.ratings_files import from_file
from recommender.visitors.ratings_matching import match
from recommender.visitors.records import OwnRating
from tests.visitors.own_files import LETTERBOXD, SCALE, reason


def zipped(members: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return packed.getvalue()


def test_an_export_may_come_as_the_archive_that_it_is(tmp_path: Path, tiny: Recommender) -> None:
    other = LETTERBOXD.replace("4.5", "1")
    data = zipped({"deleted/ratings.csv": other, "diary.csv": other, "ratings.csv": LETTERBOXD})
    assert from_file(data, SCALE) == from_file(LETTERBOXD.encode(), SCALE)
    path = tmp_path / "letterboxd-export.zip"
    path.write_bytes(data)
    assert read_ratings(path, tiny).file.source == "Letterboxd"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (zipped({"xl/workbook.xml": ""}), "file_zip"),
        (zipped({"ratings.csv": LETTERBOXD}, zipfile.ZIP_LZMA), "file_zip"),
        (zipped({"ratings.csv": LETTERBOXD})[:-30], "file_zip"),
        (zipped({"ratings.csv": "movieId,rating\n" + "1,5\n" * 2**20}), "file_size"),
        (zipped({"ratings.csv": "a,b\n"}), "file_columns"),
    ],
)
def test_archives_without_ratings_are_refused(data: bytes, why: str) -> None:
    assert reason(data) == why


@given(
    st.binary() | st.text().map(lambda text: f"movieId,rating\n{text}".encode("utf-8", "replace"))
)
def test_any_file_is_read_or_refused(data: bytes) -> None:
    try:
        rows = from_file(data, SCALE).rows
    except ProfileError:
        return
    assert all(row.stars is None or SCALE[0] <= row.stars <= SCALE[1] for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nmovieId;rating\n2;4,5\n4;1\n",
        '"sep=|"\r\nmovieId|rating\r\n2|4.5\r\n4|1\r\n',
        "sep=;\nmovieId,rating\n2,4.5\n4,1\n",  # saved again by a program that does not know it
        "\n\nmovieId,rating\n2,4.5\n4,1\n",
        '{"movieId": 2, "rating": 4.5}\n{"movieId": 4, "rating": 1}\n',
        '{"page": 1, "ratings": [{"movieId": 2, "rating": 4.5}, {"movieId": 4, "rating": 1}]}',
        '{"2": 4.5, "4": 1}',
        '[{"film": {"title": "기생충", "year": 2019}, "score": 4.5}, '
        '{"film": {"title": "Amélie", "year": 2001}, "score": 1}]',
        gzip.compress(b"movieId,rating\n2,4.5\n4,1\n", mtime=0),
        "movieId,rating\n2,4.5\n4,1\n".encode("utf-16-le"),
        "movieId,rating\n2,4.5\n4,1\n".encode("utf-16-be"),
    ],
)
def test_files_in_any_wrapping(tiny: Recommender, text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    found = match(from_file(data, SCALE), tiny)
    assert found.stars == {2: 4.5, 4: 1.0}


def test_a_broken_line_of_json_is_named() -> None:
    with pytest.raises(ProfileError, match="no JSON: line 2: Expecting"):
        from_file(b'{"movieId": 2, "rating": 4}\n{"movieId": 4, "rating":\n', SCALE)


@pytest.mark.parametrize(
    "text",
    [
        "movieId,rating,timestamp\n3,4,1704189600\n",
        "movie_id,rating,timestamp\n3.0,4.0,1704189600.0\n",
        "user_id,movie_id,rating,timestamp\n9.0,3.0,2,1\n9,3,4.0,1704189600.0\n",
        "Movie ID;Rating;Timestamp\n3;4;1704189600000\n",
        "user_id\tmovie_id\trating\ttimestamp\n9\t3\t4\t2024-01-02T10:00:00Z\n",
        "movieId,rating,timestamp\n3,4,2024-01-02 11:00:00+01:00\n",
        "user::item::rating::time\n9::3::4::1704189600\n",
        "uid|iid|rate|time\n9|3|4|1704189600\n",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n9\t3\t4\t1704189600\n",
        "movieId;rating;timestamp\n3;4,0;1704189600\n",
        '[{"movieId": 3, "rating": 4.0, "timestamp": 1704189600}]',
    ],
)
def test_one_file_in_any_spelling(tiny: Recommender, text: str) -> None:
    found = match(from_file(text.encode(), SCALE), tiny)
    assert (found.ratings, found.missing) == ([OwnRating(3, 4.0, 1704189600)], [])


def test_halves_of_characters_can_be_shown(tiny: Recommender) -> None:
    found = match(from_file(b'[{"title": "\\ud800", "rating": 4}]', SCALE), tiny)
    assert found.missing == ["?"]


def test_text_of_excel_is_utf_16(tiny: Recommender) -> None:
    text = "Title\tYear\tRating\r\n기생충\t2019\t4,5\r\n"
    assert match(from_file(text.encode("utf-16"), SCALE), tiny).stars == {2: 4.5}
