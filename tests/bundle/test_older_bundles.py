"""A bundle that an older Matinee wrote: it opens and answers as it did, or says what to do.

`older/format-3.tar.gz` was written on 30 November 2026 by the commit before every model kept its
numbers under ``info.models``: 50 users, 60 movies, 1,357 ratings; neither links nor tags.
"""

import json
import tarfile
from pathlib import Path

import pytest

from recommender import Recommender
from recommender.bundle.manifest import MANIFEST, manifest_checksum
from recommender.cli.main import main

ARCHIVE = Path(__file__).parent / "older" / "format-3.tar.gz"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "bundle", filter="data")
    return tmp_path / "bundle"


def test_a_bundle_from_before_models_kept_their_numbers_answers_as_it_did(older: Path) -> None:
    assert "models" not in json.loads((older / MANIFEST).read_text())["info"]
    matinee = Recommender.open(older)
    assert matinee.predict([(7, 6), (7, 36)]) == pytest.approx([4.436941, 4.378348], abs=1e-5)
    similar = matinee.find_similar_movies(12, 3, "hybrid")
    assert [item.movie.movie_id for item in similar] == [10, 52, 30]
    assert [item.similarity for item in similar] == pytest.approx(
        [0.6321, 0.6105, 0.5756], abs=1e-4
    )
    rated = {movie.movie.movie_id for movie in matinee.rated_by(7, 60)}
    recommended = [item.movie.movie_id for item in matinee.recommend_for_user(7, 20)]
    assert len(recommended) == 20
    assert not rated & set(recommended)
    assert matinee.search("movie number 12", 1)[0].movie_id == 12


def test_a_bundle_of_an_older_format_says_in_one_line_to_train_again(
    older: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((older / MANIFEST).read_text()) | {"version": 2}
    manifest["checksum"] = manifest_checksum({k: v for k, v in manifest.items() if k != "checksum"})
    (older / MANIFEST).write_text(json.dumps(manifest))
    for command in (["info"], ["recommend", "--user", "7"], ["similar", "--movie", "12"]):
        assert main([*command, "--bundle", str(older)]) == 1
        assert capsys.readouterr() == (
            "",
            f"matinee: {older}: bundle format 2, but this Matinee reads format 3; "
            "train it again with `matinee train`\n",
        )
