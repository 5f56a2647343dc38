import os
from pathlib import Path

import pytest

from recommender.core.errors import DataError
from recommender.dataset.sources import Source, from_directory, from_files


def touch(folder: Path, *names: str, text: str = "a,b\n") -> None:
    for name in names:
        (folder / name).write_text(text)


def file_names(source: Source) -> list[str]:
    return [file.path.name for file in source.files]


def test_plain_text_has_a_header_to_be_read(tmp_path: Path) -> None:
    touch(tmp_path, "r.csv", "m.txt")
    source = from_files(tmp_path / "r.csv", tmp_path / "m.txt")
    assert source.ratings.columns is None
    assert source.ratings.delimiter is None
    assert source.ratings.quoted
    assert not source.movies.parquet
    assert source.movies.fallback_encoding is None
    assert source.tags is None


def test_dat_files_are_known_by_their_delimiter(tmp_path: Path) -> None:
    touch(tmp_path, "ratings.dat", "movies.dat", "tags.dat", text="1::2::3::4\n")
    source = from_files(*(tmp_path / f"{name}.dat" for name in ("ratings", "movies", "tags")))
    assert [file.delimiter for file in source.files] == ["::"] * 3
    assert source.movies.columns == ("movie_id", "title", "genres")
    assert source.movies.fallback_encoding == "latin-1"


def test_dat_with_another_delimiter_has_a_header(tmp_path: Path) -> None:
    touch(tmp_path, "ratings.dat", "movies.dat", text="userID\tmovieID\trating\n")
    source = from_files(tmp_path / "ratings.dat", tmp_path / "movies.dat")
    assert source.ratings.columns is None


def test_100k_is_known_by_its_names(tmp_path: Path) -> None:
    touch(tmp_path, "u.data", "u.item")
    source = from_directory(tmp_path)
    assert source.ratings.delimiter == "\t"
    assert source.movies.columns is not None
    assert len(source.movies.columns) == 24
    assert source.movies.columns[6] == "genre:Action"


def test_100k_reads_genre_names(tmp_path: Path) -> None:
    touch(tmp_path, "u.data", "u.item")
    (tmp_path / "u.genre").write_text("unknown|0\nHeist|1\n\n")
    source = from_directory(tmp_path)
    assert source.movies.columns is not None
    assert source.movies.columns[-2:] == ("genre:unknown", "genre:Heist")


def test_100k_with_broken_genre_names(tmp_path: Path) -> None:
    touch(tmp_path, "u.data", "u.item")
    (tmp_path / "u.genre").write_text("unknown|0\nHeist\n")
    with pytest.raises(DataError, match=r"u\.genre, line 2: 'Heist' is not NAME\|NUMBER"):
        from_directory(tmp_path)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz", ".tsv", ".dat"])
def test_directory_by_names(tmp_path: Path, suffix: str) -> None:
    names = [f"{kind}{suffix}" for kind in ("ratings", "movies", "tags")]
    touch(tmp_path, *names, "links.csv", "README.txt")
    assert file_names(from_directory(tmp_path)) == names


def test_directory_takes_the_first_ending_and_may_mix_them(tmp_path: Path) -> None:
    touch(tmp_path, "ratings.csv", "ratings.parquet", "movies.csv", "u.data")
    assert file_names(from_directory(tmp_path)) == ["ratings.parquet", "movies.csv"]


def test_directory_without_ratings(tmp_path: Path) -> None:
    touch(tmp_path, "movies.csv")
    with pytest.raises(DataError, match=r"has no ratings file: .*ratings\.csv.* u\.data; check"):
        from_directory(tmp_path)


def test_directory_without_movies(tmp_path: Path) -> None:
    touch(tmp_path, "ratings.csv")
    with pytest.raises(DataError, match=r"has no movies file: .*movies\.parquet.* u\.item"):
        from_directory(tmp_path)


def test_directory_that_is_none(tmp_path: Path) -> None:
    touch(tmp_path, "file")
    with pytest.raises(DataError, match="nowhere does not exist; check --dataset"):
        from_directory(tmp_path / "nowhere")
    with pytest.raises(DataError, match="file is a file, not a directory; check --dataset"):
        from_directory(tmp_path / "file")


def test_missing_file(tmp_path: Path) -> None:
    touch(tmp_path, "r.csv")
    with pytest.raises(DataError, match=r"m\.csv does not exist; check --movies"):
        from_files(tmp_path / "r.csv", tmp_path / "m.csv")


def test_directory_where_a_file_is_meant(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a directory; --ratings needs a file"):
        from_files(tmp_path, tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    touch(tmp_path, "r.csv")
    os.mkfifo(tmp_path / "m.csv")
    with pytest.raises(DataError, match=r"m\.csv is a pipe or a device; --movies needs a file"):
        from_files(tmp_path / "r.csv", tmp_path / "m.csv")
    with pytest.raises(DataError, match="is a pipe or a device"):
        from_files(Path("/dev/zero"), tmp_path / "r.csv")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("loop.csv", "cannot be opened: Too many levels of symbolic links"),
        ("gone.csv", "does not exist"),
        ("r.csv/r.csv", "cannot be opened: Not a directory"),
        ("x" * 300, "cannot be opened: File name too long"),
        ("a\0b", "cannot be opened: embedded null byte"),
        ("a\udcff", "has a name that is not UTF-8; rename it"),
    ],
)
def test_paths_that_lead_nowhere(tmp_path: Path, name: str, problem: str) -> None:
    touch(tmp_path, "r.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "gone.csv").symlink_to("nowhere")
    with pytest.raises(DataError, match=problem) as caught:
        from_files(tmp_path / name, tmp_path / "r.csv")
    assert str(caught.value).isprintable()


def test_directory_whose_name_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened: File name too long; check --dataset"):
        from_directory(tmp_path / ("x" * 300))


def test_files_are_known_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"PAR1")
    touch(tmp_path, "m.csv")
    assert from_files(tmp_path / "r.csv", tmp_path / "m.csv").ratings.parquet
    (tmp_path / "r.csv").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"r\.csv cannot be read: .*zip.*; is it whole\?"):
        from_files(tmp_path / "r.csv", tmp_path / "m.csv")


@pytest.mark.parametrize("what", ["directory", "pipe", "long"])
def test_100k_with_genre_names_that_are_none(tmp_path: Path, what: str) -> None:
    touch(tmp_path, "u.data", "u.item")
    path = tmp_path / "u.genre"
    if what == "long":
        path.write_text("x|1\n" * 2_000)
    else:
        path.mkdir() if what == "directory" else os.mkfifo(path)
    with pytest.raises(DataError, match=r"u\.genre is (a directory|a pipe|too long)"):
        from_directory(tmp_path)
