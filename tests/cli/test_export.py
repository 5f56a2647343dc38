import csv
import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from recommender import DataError, NotFoundError, Recommender
from recommender.cli import export
from recommender.cli.export import own_ratings, predict_pairs, write_parts, write_recommendations
from recommender.visitors.ratings_matching import to_csv
from recommender.visitors.records import OwnRating, VisitorRatings
from tests.conftest import ROOT


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_predictions_keep_the_pairs_and_their_order(tiny: Recommender, tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.csv", "movie_id,user_id\n3,1\n60,1\n3,nobody\n999,50\n")
    out = tmp_path / "out.csv"
    assert predict_pairs(tiny, pairs, out) == (4, 2)
    rows = list(csv.DictReader(out.open()))
    assert [(r["user_id"], r["movie_id"]) for r in rows] == [
        ("1", "3"),
        ("1", "60"),
        ("nobody", "3"),
        ("50", "999"),
    ]
    expected = tiny.predict([("1", "3"), ("1", "60"), ("nobody", "3"), ("50", "999")])
    assert [float(r["stars"]) for r in rows] == pytest.approx(expected.tolist(), abs=1e-4)
    assert all(0.5 <= float(r["stars"]) <= 5 for r in rows)
    assert [r["unknown"] for r in rows] == ["", "", "user", "movie"]


@pytest.mark.parametrize(
    "text", ["uid;iid\n1;3\n", "user_id::item_id\n1::3.0\n", "userId\tmovieId\n1\t3\n"]
)
def test_pairs_in_any_spelling(tiny: Recommender, tmp_path: Path, text: str) -> None:
    assert predict_pairs(tiny, write(tmp_path / "p.csv", text), tmp_path / "out.csv") == (1, 0)


def test_pairs_of_which_none_is_known(tiny: Recommender, tmp_path: Path) -> None:
    pairs, out = write(tmp_path / "p.csv", "user_id,movie_id\n1,tt01\nx,3\n"), tmp_path / "o.csv"
    line = r"p\.csv: in none of the 2 pairs both .* are known \(the first are '1' and 'tt01'\)"
    with pytest.raises(NotFoundError, match=line):
        predict_pairs(tiny, pairs, out)
    assert not out.exists()
    assert predict_pairs(tiny, write(pairs, "user_id,movie_id\n"), out) == (0, 0)


def test_recommendations_as_csv(tiny: Recommender, tmp_path: Path) -> None:
    write_recommendations(tiny.recommend_all(3), tmp_path / "all.parquet")
    write_recommendations(tiny.recommend_all(3), tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(newline="") as file:
        rows = [
            (int(r["user_id"]), int(r["movie_id"]), int(r["rank"])) for r in csv.DictReader(file)
        ]
    table = pq.read_table(tmp_path / "all.parquet").to_pydict()
    columns = (table[name] for name in ("user_id", "movie_id", "rank"))
    assert rows == list(zip(*columns, strict=True))
    write_recommendations([], tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text().strip() == '"user_id","movie_id","rank","score"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,movie\n1,2\n", r"pairs\.csv: no column user_id; found who, movie"),
        ("", r"pairs\.csv: no column user_id; found nothing"),
        ("user_id,movie_id\n1,2\n,3\n", r"pairs\.csv line 3: user_id or movie_id is empty"),
        ("user_id,movie_id\n1\n", r"pairs\.csv line 2: 1 cells under 2 columns"),
        ("\nuser_id,movie_id\n1,2,3\n", r"pairs\.csv line 3: 3 cells under 2 columns"),
        ("1,2\n", r"pairs\.csv: no column user_id; found 1, 2; the first line needs the names"),
        ('[{"user_id": 1}]', r"pairs\.csv: is JSON; save the pairs as CSV"),
        ("PAR1", r"pairs\.csv: is Parquet; save the pairs as CSV"),
    ],
)
def test_bad_pairs(tiny: Recommender, tmp_path: Path, text: str, message: str) -> None:
    pairs, out = write(tmp_path / "pairs.csv", text), tmp_path / "out.csv"
    write(out, "precious")
    with pytest.raises(DataError, match=message):
        predict_pairs(tiny, pairs, out)
    assert out.read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"sep=;\nuser_id;movie_id\n1;2\n",
        b'\n\nuserId,movieId\n="1","=""2"""\n',
        "user_id\tmovie_id\n1.0\t2.0\n".encode("utf-16"),
        gzip.compress(b"uid|iid|rating\n1|2|3\n", mtime=0),
        b"user::movie\r\n1::2\r\n",
    ],
)
def test_pairs_of_any_spelling(tiny: Recommender, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "pairs").write_bytes(data)
    assert predict_pairs(tiny, tmp_path / "pairs", tmp_path / "out.csv") == (1, 0)
    stars = float(tiny.predict([(1, 2)])[0])
    assert (tmp_path / "out.csv").read_text().splitlines()[1].split(",")[2] == f"{stars:.4f}"


def test_files_that_cannot_be_read_or_written(tiny: Recommender, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be read"):
        predict_pairs(tiny, tmp_path / "none.csv", tmp_path / "out.csv")
    pairs = tmp_path / "latin.csv"
    pairs.write_bytes(b"user_id,movie_id\n\xe9,1\n")
    with pytest.raises(DataError, match="not UTF-8"):
        predict_pairs(tiny, pairs, tmp_path / "out.csv")
    pairs = write(tmp_path / "pairs.csv", "user_id,movie_id\n1,2\n")
    with pytest.raises(DataError, match="cannot be written"):
        predict_pairs(tiny, pairs, tmp_path / "no folder" / "out.csv")
    with pytest.raises(DataError, match="cannot be written"):
        write_recommendations(iter([]), tmp_path / "no folder" / "out.parquet")


@pytest.mark.parametrize("name", [".", "folder", "file/x", "long" * 99, "pipe"])
def test_what_is_no_file_is_not_replaced(name: str, tiny: Recommender, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    pairs = write(tmp_path.with_name("pairs.csv"), "user_id,movie_id\n1,2\n")
    with pytest.raises(DataError, match=r"is no file|cannot be written: .*; choose another --out"):
        predict_pairs(tiny, pairs, tmp_path / name if name != "." else Path(name))
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "pipe").is_fifo()


def test_who_has_rated_everything_has_no_rows(tmp_path: Path) -> None:
    nothing: tuple[list[str], np.ndarray] = ([], np.zeros(0, np.float32))
    users = [(user, *nothing) for user in range(1024)]
    written = write_recommendations(
        [*users, (5000, ["tt1"], np.ones(1, np.float32))], tmp_path / "o"
    )
    assert (written.users, written.rows) == (1025, 1)
    assert pq.read_table(tmp_path / "o").to_pylist() == [
        {"user_id": 5000, "movie_id": "tt1", "rank": 1, "score": 1.0}
    ]
    assert write_recommendations(users, tmp_path / "o").rows == 0
    assert pq.read_table(tmp_path / "o").num_rows == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_is_stopped_leaves_no_half_file(
    number: signal.Signals, status: int, tiny_bundle: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pairs.csv")  # that nobody writes into
    words = ("--pairs", tmp_path / "pairs.csv", "--out", tmp_path / "o", "--bundle", tiny_bundle)
    command = [sys.executable, "-m", "recommender.cli", "predict", *map(str, words)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        while len(list(tmp_path.iterdir())) == 1:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, said) == (status, "matinee: stopped; nothing was changed\n")
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.csv"]


def test_a_failure_midway_leaves_what_was_there(tiny: Recommender, tmp_path: Path) -> None:
    out = write(tmp_path / "out.parquet", "precious")

    def failing():
        yield from tiny.recommend_all(3)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_recommendations(failing(), out)
    assert out.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [out]


def test_parts_hold_together_what_one_file_holds(
    tiny: Recommender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PART", 25)  # of 50 users: no part is empty
    told: list[int] = []
    written = write_parts(tiny.recommend_all(3), tmp_path / "parts", told.append)
    assert (written.users, written.rows) == (50, 150)
    assert told == [25, 50]
    write_recommendations(tiny.recommend_all(3), tmp_path / "one.parquet")
    parts = sorted((tmp_path / "parts").iterdir())
    assert [part.name for part in parts] == ["part-00000.parquet", "part-00001.parquet"]
    assert pq.read_table(tmp_path / "parts") == pq.read_table(tmp_path / "one.parquet")


def test_a_folder_of_parts_is_whole_and_new(tiny: Recommender, tmp_path: Path) -> None:
    def failing():
        yield next(tiny.recommend_all(3))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_parts(failing(), tmp_path / "parts")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    with pytest.raises(DataError, match=r"there is there already; name a new folder"):
        write_parts(failing(), tmp_path / "there")
    with pytest.raises(DataError, match="cannot be written"):
        write_parts(iter([]), tmp_path / "no folder" / "parts")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("3,x\n", r"own\.csv: row 2: rating is x; mend the row"),
        ("3,4\n5,6\n", r"own\.csv: row 3: 6 is outside the scale 0\.5 to 5"),
        ("3,inf\n", "row 2: rating is inf; mend the row"),
    ],
)
def test_bad_ratings(tiny: Recommender, tmp_path: Path, rows: str, message: str) -> None:
    path = write(tmp_path / "own.csv", "movie_id,rating\n" + rows)
    with pytest.raises(DataError, match=message):
        own_ratings(path, tiny)


def test_own_ratings(tiny: Recommender, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "own.csv", "movie_id,rating,title\n3,4.5,Heat\n3,2,Heat\nx,1,\n")
    assert own_ratings(path, tiny).stars == {3: 2.0}
    line = f"matinee: {path}: 1 of 2 movies are not in the catalogue: x\n"
    assert capsys.readouterr().err == line
    exported = to_csv(VisitorRatings([OwnRating(3, 2.0, 5), OwnRating(7, 4.5, 6)]), tiny)
    path.write_bytes(exported)
    assert own_ratings(path, tiny).stars == {3: 2.0, 7: 4.5}
    assert capsys.readouterr().err == ""


def test_own_ratings_of_which_none_is_known(tiny: Recommender, tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", "movie_id,rating\ntt0110912,4.5\ntt0133093,2\n")
    line = r"none of the 2 movies of .*own.csv is in the catalogue \(such as tt0110912\)"
    with pytest.raises(NotFoundError, match=line):
        own_ratings(path, tiny)


def test_several_people_are_not_one(tiny: Recommender, tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", "userId,movieId,rating\n1,3,4.5\n2,3,2\n")
    with pytest.raises(DataError, match=r"own\.csv: row 3: userId 1 and 2 are several people"):
        own_ratings(path, tiny)
