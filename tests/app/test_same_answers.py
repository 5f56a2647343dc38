"""One question, one answer: the library, the command line and the app, each with its defaults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recommender import Recommender
from recommender.cli.main import main
from tests.app.conftest import OpenPage
from tests.app.drawn import titles

COUNT = 12  # of cards on a page


def printed_titles(capsys: pytest.CaptureFixture[str], *words: object) -> list[str]:
    assert main([*map(str, words), "-n", str(COUNT), "--json"]) == 0
    return [row["title"] for row in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize("user", [1, 7, 50])
def test_recommendations_for_a_user(
    open_page: OpenPage,
    tiny: Recommender,
    tiny_bundle: Path,
    capsys: pytest.CaptureFixture[str],
    user: int,
) -> None:
    expected = [item.movie.title for item in tiny.recommend_for_user(user, COUNT)]
    assert printed_titles(capsys, "recommend", "--bundle", tiny_bundle, "--user", user) == expected
    assert titles(open_page("for-you", user=str(user))) == expected


@pytest.mark.parametrize("movie", [2, 12, 58])
def test_similar_movies(
    open_page: OpenPage,
    tiny: Recommender,
    tiny_bundle: Path,
    capsys: pytest.CaptureFixture[str],
    movie: int,
) -> None:
    expected = [item.movie.title for item in tiny.find_similar_movies(movie, COUNT)]
    assert printed_titles(capsys, "similar", "--bundle", tiny_bundle, "--movie", movie) == expected
    assert titles(open_page("similar", movie=str(movie))) == expected


def test_recommendations_for_somebody_new(
    tiny: Recommender, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ratings = {1: 5.0, 12: 4.5, 20: 1.0}
    file = tmp_path / "mine.csv"
    file.write_text("movie_id,rating\n" + "".join(f"{m},{r}\n" for m, r in ratings.items()))
    expected = [item.movie.title for item in tiny.recommend(ratings, COUNT)]
    assert (
        printed_titles(capsys, "recommend", "--bundle", tiny_bundle, "--ratings", file) == expected
    )
