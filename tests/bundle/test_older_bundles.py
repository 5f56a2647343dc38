"""A bundle that an older Matinee wrote says what to do.

`older/format-3.tar.gz` was written on 30 November 2026 by the commit before every model kept its
numbers under ``info.models``, of made-up data: 50 users, 60 movies, 1,357 ratings.
"""

import tarfile
from pathlib import Path

import pytest

from recommender.cli.main import main

ARCHIVE = Path(__file__).parent / "older" / "format-3.tar.gz"


@pytest.fixture
def older(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "bundle", filter="data")
    return tmp_path / "bundle"


def test_a_bundle_of_an_older_format_says_in_one_line_to_train_again(
    older: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["info"], ["recommend", "--user", "7"], ["similar", "--movie", "12"]):
        assert main([*command, "--bundle", str(older)]) == 1
        assert capsys.readouterr() == (
            "",
            f"matinee: {older}: bundle format 3, but this Matinee reads format 4; "
            "train it again with `matinee train`\n",
        )
