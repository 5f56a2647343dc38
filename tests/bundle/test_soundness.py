"""Bundles whose checksums are right and whose content is not: one error in one line, for all."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender import BundleError, Recommender
from recommender.bundle.manifest import MANIFEST, manifest_checksum
from recommender.core.file_hash import sha256
from tests.support.every_question import answers

Edit = Callable[[np.ndarray], np.ndarray]
Manifest = dict[str, Any]


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle, to do harm to."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "copy"))


def sealed(bundle: Path, edit: Callable[[Manifest], object] = lambda manifest: None) -> None:
    """Write what is in the data folder, and what `edit` does, into the manifest."""
    manifest = json.loads((bundle / MANIFEST).read_text("utf-8"))
    del manifest["checksum"]
    for name, entry in manifest["files"].items():
        if (file := bundle / manifest["data"] / name).is_file():
            entry.update(bytes=file.stat().st_size, sha256=sha256(file))
    edit(manifest)
    manifest["checksum"] = manifest_checksum(manifest)
    (bundle / MANIFEST).write_text(json.dumps(manifest), "utf-8")


def refused(bundle: Path) -> str:
    with pytest.raises(BundleError) as error:
        Recommender.open(bundle)
    message = str(error.value)
    assert str(bundle) in message
    assert message.isprintable()
    return message


def put(value: Any, at: int = 0) -> Edit:
    def edit(array: np.ndarray) -> np.ndarray:
        array[at] = value
        return array

    return edit


def shorter(array: np.ndarray) -> np.ndarray:
    return array[:-1]


HARM: list[tuple[str, Edit]] = [
    *(
        (name, shorter)
        for name in ("movie_year", "movie_count", "stars_movie_bias", "titles_words")
    ),
    *((name, shorter) for name in ("ranking_inputs", "history_ratings-00000", "titles_holders")),
    *((name, shorter) for name in ("content_weights", "stars_user_factors-00000")),
    ("movie_mean", lambda array: array.astype(np.float64)),
    ("content_terms", lambda array: array.astype(np.uint32)),
    ("ranking_inputs", lambda array: array.ravel()),
    ("stars_movie_factors", lambda array: array[:, :-1]),
    ("movie_genres", lambda array: array[:, :0]),
    ("history_movies-00000", put(60)),
    ("history_movies-00000", put(-1, 7)),
    ("history_movies-00000", put(2**31 - 1, -1)),
    ("history_offsets", put(10**6, 3)),
    ("history_offsets", put(1)),
    ("history_offsets", put(10**9, -1)),
    ("content_offsets", put(-5, 1)),
    ("content_terms", put(65_535)),
    ("titles_movies", put(60)),
    ("titles_holders", put(-1)),
    ("titles_name_movies", put(10**6)),
    ("titles_name_starts", put(10**6, -1)),
    ("titles_word_starts", put(10**6, 2)),
    ("titles_holder_starts", put(-1, 1)),
]


@pytest.mark.parametrize(("name", "edit"), HARM, ids=[name for name, _ in HARM])
def test_arrays_that_do_not_fit(copy: Path, name: str, edit: Edit) -> None:
    (file,) = copy.glob(f"data-*/{name}.npy")
    np.save(file, edit(np.load(file)))
    sealed(copy)
    assert "train it again" in refused(copy)


def test_a_bundle_that_fits_is_opened(tiny: Recommender, copy: Path) -> None:
    sealed(copy)
    assert answers(Recommender.open(copy)) == answers(tiny)


def at(*path: str | int, value: Any) -> Callable[[Manifest], object]:
    def edit(manifest: Manifest) -> None:
        inner: Any = manifest
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

    return edit


KINDS = ["x", None, [], {}, True, -1, float("nan"), "\ud800", [[1]], {"a": {"b": 1}}]


@pytest.mark.parametrize(
    "path",
    [
        ("data",),
        ("files",),
        ("info",),
        ("info", "data"),
        ("info", "data", "users"),
        ("info", "data", "movies"),
        ("info", "data", "scale"),
        ("info", "models"),
        ("info", "models", "stars"),
        ("info", "models", "stars", "low"),
        ("info", "models", "content", "n_terms"),
        ("info", "models", "ranking"),
        ("info", "models", "ranking", "high"),
        ("info", "shards"),
    ],
    ids=".".join,
)
def test_values_of_the_wrong_kind(copy: Path, path: tuple[str, ...]) -> None:
    for value in KINDS:
        sealed_text = (copy / MANIFEST).read_text("utf-8")
        manifest = json.loads(sealed_text)
        del manifest["checksum"]
        at(*path, value=value)(manifest)
        try:
            manifest["checksum"] = manifest_checksum(manifest)
        except UnicodeEncodeError:
            manifest["checksum"] = ""
        (copy / MANIFEST).write_text(json.dumps(manifest), "utf-8")
        refused(copy)
        (copy / MANIFEST).write_text(sealed_text, "utf-8")


@pytest.mark.parametrize("shards", [[1], [0, 0], [0, 10], [0, 50], []])
def test_shards_that_do_not_divide_the_users(copy: Path, shards: list[int]) -> None:
    sealed(copy, at("info", "shards", value=shards))
    refused(copy)


@pytest.mark.parametrize("name", ["movie_year.npy", "catalogue.sqlite", "history_offsets.npy"])
def test_links_and_pipes(copy: Path, tmp_path: Path, name: str) -> None:
    (file,) = copy.glob(f"data-*/{name}")
    shutil.move(file, tmp_path / name)
    file.symlink_to(tmp_path / name)
    assert "not a file" in refused(copy)
    file.unlink()
    os.mkfifo(file)
    sealed(copy, at("files", name, "bytes", value=0))  # else its length would give it away
    assert "not a file" in refused(copy)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE movies RENAME TO m; CREATE VIEW movies AS WITH RECURSIVE n(i) AS "
        "(SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT i AS idx FROM n",
        "DELETE FROM movies WHERE idx = 3",
        "DELETE FROM users WHERE idx = 0",
        "UPDATE movies SET idx = 100 WHERE idx = 59",
        "DROP TABLE terms",
    ],
)
def test_text_that_does_not_fit(copy: Path, sql: str) -> None:
    (file,) = copy.glob("data-*/catalogue.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(sql)
    sealed(copy)
    refused(copy)


def test_a_movie_that_cannot_be_read(copy: Path) -> None:
    (file,) = copy.glob("data-*/catalogue.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("UPDATE movies SET genres = '{', tags = '5'")
    sealed(copy)
    with pytest.raises(BundleError, match="a movie cannot be read"):
        Recommender.open(copy).popular(5)
