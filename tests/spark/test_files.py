import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("pyspark")

from recommender.core.errors import DataError
from recommender.spark.files import FileSystem


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which a server of this machine offers the files of a folder."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def files(spark) -> FileSystem:
    return FileSystem(spark)


def test_files_of_a_folder_in_order(files: FileSystem, tmp_path: Path) -> None:
    for name in ("part-2.csv", "part-10.csv", "deeper/part-1.csv", "_SUCCESS", ".part-2.csv.crc"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    found = files.find(str(tmp_path), "ratings")
    assert [file.name for file in found] == ["part-1.csv", "part-10.csv", "part-2.csv"]
    assert [file.size for file in found] == [17, 11, 10]
    assert found[0].changed == (tmp_path / "deeper/part-1.csv").stat().st_mtime_ns // 1_000_000
    assert [file.name for file in files.find(f"{tmp_path}/part-[2-9].csv", "ratings")] == [
        "part-2.csv"
    ]


@pytest.mark.parametrize("name", ["plain.csv", "100% [a b]*{c}?.csv", "영화.csv"])
def test_a_name_is_no_pattern(name: str, files: FileSystem, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"one\ntwo")
    (found,) = files.find(str(path), "ratings")
    assert files.first_bytes(found) == b"one\ntwo"
    assert files.fetch(found, tmp_path / "copies") == path
    assert not (tmp_path / "copies").exists()


def test_a_file_elsewhere_is_copied(files: FileSystem, tmp_path: Path) -> None:
    (tmp_path / "movies.csv").write_text("movie,title\n1,x\n")
    with served(tmp_path) as address:
        (found,) = files.find(f"{address}/movies.csv", "movies")
        copy = files.fetch(found, tmp_path / "copies")
    assert copy == tmp_path / "copies" / "movies.csv"
    assert copy.read_text() == "movie,title\n1,x\n"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.csv", r"nowhere\.csv does not exist; check --ratings"),
        ("nowhere-*", r"nowhere-\* does not exist; check --ratings"),
        ("empty", r"empty holds no files; check --ratings"),
        ("nosuch://host/x.csv", r"^nosuch://host/x\.csv cannot be opened: .*nosuch.*; check"),
    ],
)
def test_what_cannot_be_found(path: str, message: str, files: FileSystem, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=message):
        files.find(path if ":" in path else str(tmp_path / path), "ratings")


def test_names_of_a_folder(files: FileSystem, tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").touch()
    (tmp_path / "movies").mkdir()
    assert sorted(files.names(str(tmp_path))) == ["movies", "ratings.csv"]
    with pytest.raises(DataError, match=r"nowhere cannot be opened: .*; check --dataset"):
        files.names(str(tmp_path / "nowhere"))
