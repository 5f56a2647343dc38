import json
from pathlib import Path

import numpy as np
import pytest

from recommender import Recommender, read_ratings
from recommender.bundle.links import MovieLinks
from recommender.cli.main import main
from recommender.dataset import from_files
from recommender.models.stars import StarsSettings
from recommender.training.pipeline import TrainingSettings, train

LINKS = "movieId,imdbId,tmdbId\n1,0114709,862\n2,12345678,\n3,,603\n"


@pytest.fixture(scope="module")
def linked(tiny_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    folder = tmp_path_factory.mktemp("linked")
    (folder / "ids.csv").write_text(LINKS)
    source = from_files(*tiny_files, links=folder / "ids.csv")
    settings = TrainingSettings(5, 3, stars=StarsSettings(n_factors=2, n_epochs=2))
    return Recommender(train(source, folder / "bundle", settings))


def test_ids_come_with_movies(linked: Recommender) -> None:
    found = [(movie.imdb_id, movie.tmdb_id) for movie in linked.movies([3, 2, 1, 4])]
    assert found == [(None, 603), ("tt12345678", None), ("tt0114709", 862), (None, None)]


def test_movies_by_imdb_id(linked: Recommender) -> None:
    wanted = ["tt12345678", "tt0114709", "tt114709", "tt0000009", "tt0000000", "862", "tt", ""]
    found = linked.movies_by_imdb_id(wanted)
    assert {imdb_id: movie.movie_id for imdb_id, movie in found.items()} == {
        "tt12345678": 2,
        "tt0114709": 1,
        "tt114709": 1,
    }


@pytest.mark.parametrize(
    "text",
    [
        "Const,Your Rating,Title,Year\ntt0114709,9,Under another name,1800\n",
        "movie_id,rating\ntt0114709,4.5\n",
        "movie_id,imdb_id,tmdb_id,rating,average_rating,title\n888,0114709,862,4.5,4,A (1800)\n",
        '[{"rating": 9, "movie": {"title": "Other", "year": 1800, "ids": {"imdb": "tt0114709"}}}]',
    ],
)
def test_one_persons_ratings_are_found_by_imdb_id(
    linked: Recommender, tmp_path: Path, text: str
) -> None:
    (tmp_path / "mine").write_text(text)
    assert read_ratings(tmp_path / "mine", linked).stars == {1: 4.5}


def test_the_first_of_two_movies_with_one_id() -> None:
    links = MovieLinks(np.int32([0, 7, 5, 7]), np.int32([0, 0, 0, 0]))
    assert links.by_imdb_id(["tt0000007", "tt0000006", "tt999999999"]) == {"tt0000007": 1}
    assert MovieLinks(np.int32([]), np.int32([])).by_imdb_id(["tt0000007"]) == {}


def test_the_command_line_prints_them(
    linked: Recommender, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(linked.bundle.path)
    assert main(["similar", "--bundle", bundle, "--movie", "5", "-n", "60", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all({"imdb_id", "tmdb_id"} <= row.keys() for row in rows)
    assert main(["similar", "--bundle", bundle, "--movie", "5", "-n", "60"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split()[-2:] == ["imdb_id", "tmdb_id"]
    assert any(line.endswith("tt0114709      862") for line in out)


def test_a_bundle_without_links(tiny: Recommender) -> None:
    assert "movie_imdb.npy" not in tiny.bundle.files
    assert tiny.movies_by_imdb_id(["tt0114709"]) == {}
    found = tiny.movies([1, 2])
    assert (found[0].imdb_id, found[0].tmdb_id) == (None, None)
    assert "imdb_id" not in found.to_dicts()[0]
    assert "tmdb_id" not in found.to_pandas().columns
