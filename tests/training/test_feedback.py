"""Ratings that are no stars: counts of plays, likes, and those that are all equal."""

import csv
import random
from contextlib import closing
from pathlib import Path

import pytest

from recommender import Recommender
from recommender.bundle.bundle import Bundle
from recommender.cli.main import main
from recommender.core.relevance import ANY, LIKED
from recommender.models.ranking import RankingSettings
from recommender.training.pipeline import TrainingSettings

USERS, MOVIES = 30, 20
OPTIONS = ["--min-user-ratings", "1", "--min-movie-ratings", "1", "--factors", "2", "--epochs", "1"]


def written(path: Path, head: str, rows: list[tuple[object, ...]]) -> str:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head.split(), *rows])
    return str(path)


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with plays, whole and in two parts; odd users play odd movies, even ones even."""
    folder, rng = tmp_path_factory.mktemp("plays"), random.Random(1)
    rows = [
        (user, movie, min(60, int(rng.paretovariate(1))))
        for user in range(1, USERS + 1)
        for movie in range(1, MOVIES + 1)
        if (user + movie) % 2 == 0 and rng.random() < 0.6
    ]
    anew = [(user, movie, count + 3) for user, movie, count in rows[:9]]
    movies = [(movie, f"Movie {movie} (2000)", "Drama") for movie in range(1, MOVIES + 1)]
    written(folder / "movies.csv", "movie_id title genres", movies)
    written(folder / "all.csv", "user_id movie_id rating", [*rows, *anew])
    written(folder / "old.csv", "user_id movie_id rating", rows[:120])
    written(folder / "new.csv", "user_id movie_id rating", [*rows[120:], *anew])
    for name, more in (("whole", ["all.csv"]), ("bundle", ["old.csv"])):
        files = ["--ratings", str(folder / more[0]), "--movies", str(folder / "movies.csv")]
        out = ["--out", str(folder / name), "--feedback", "counts"]
        assert main(["train", *files, *out, *OPTIONS]) == 0
    return folder


def test_plays_speak_for_their_movies_and_predict_no_stars(
    plays: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Recommender.open(plays / "whole")) as matinee:
        found = {user: matinee.recommend_for_user(user, 2) for user in range(1, USERS + 1)}
        assert matinee.movie(1).mean_rating is None
    items = [(user, item) for user, list_ in found.items() for item in list_]
    own = sum((user + int(item.movie.movie_id)) % 2 == 0 for user, item in items)
    assert own > 0.8 * len(items)
    assert {item.stars for _, item in items} == {None}
    bundle = ["--bundle", str(plays / "whole")]
    assert main(["recommend", *bundle, "--user", "1"]) == 0
    assert capsys.readouterr().out.split()[:4] == ["rank", "score", "movie_id", "title"]
    assert main(["info", *bundle]) == 0
    assert "the ratings are counts" in capsys.readouterr().out


def test_plays_are_added_to_plays(plays: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add = ["train", "--add", str(plays / "new.csv"), "--bundle", str(plays / "bundle")]
    out = ["--out", str(plays / "more")]
    assert main([*add, *out, "--feedback", "stars"]) == 2
    assert "bundle are counts; leave it out, or train on all files" in capsys.readouterr().err
    assert main([*add, *out]) == 0
    expected, added = Bundle.open(plays / "whole"), Bundle.open(plays / "more")
    assert added.training.data.feedback == "counts"
    assert added.training.data.fingerprint == expected.training.data.fingerprint
    assert added.training.data.scale == expected.training.data.scale


@pytest.mark.parametrize("feedback", ["counts", "equal"])
def test_any_rating_counts_where_none_is_graded(feedback: str) -> None:
    found = TrainingSettings().for_feedback(feedback)
    assert (found.relevant, found.ranking.lowest_weight) == (ANY, 1.0)
    own = TrainingSettings(relevant=3.0, ranking=RankingSettings(neutral=0.4)).for_feedback(
        feedback
    )
    assert own.ranking == RankingSettings(neutral=0.4)
    assert own.relevant == {"counts": 2.0, "equal": 3.0}[feedback]


def test_likes_and_stars_keep_their_settings() -> None:
    for feedback in ("likes", "stars"):
        assert TrainingSettings().for_feedback(feedback).relevant == LIKED
