import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from recommender import Recommender, __version__
from recommender.cli.main import main
from recommender.scoring.similar import METHODS
from recommender.settings.environment import VARIABLES
from tests.conftest import ROOT


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a command; returns its exit status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)  # away from whatever .env the project's folder holds

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as exit_:  # argparse
            status = int(exit_.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_train(run, tiny_files, tmp_path: Path) -> None:
    ratings, movies = tiny_files
    out = tmp_path / "bundle"
    status, printed, err = run(
        "train", "--ratings", ratings, "--movies", movies, "--out", out,
        "--min-user-ratings", 5, "--min-movie-ratings", 3, "--factors", 3, "--epochs", 2,
        "--seed", 9, "--max-features", 50, "--scale", "0.5-5", "--credit", "Made up.",
    )  # fmt: skip
    assert status == 0
    assert "Trained on 49 users" in printed
    table = [line.split() for line in printed.splitlines()]
    start = table.index(["stage", "seconds", "peak_mb", "disk_mb"])
    stages = table[start + 1 : start + 6]
    assert [row[0] for row in stages] == ["import", "stars", "content", "ranking", "catalogue"]
    assert all(float(row[2]) > 10 for row in stages)
    assert "Training the stars model" in err
    info = Recommender.open(out).bundle.training
    assert info.settings.stars["n_factors"] == 3
    assert info.settings.stars["random_state"] == 9
    assert info.settings.credit == "Made up."
    assert info.models["content"]["n_terms"] <= 50


def test_train_with_settings_from_a_file_and_with_its_quality(
    run, tiny_files, tmp_path: Path
) -> None:
    file = tmp_path / "settings.json"
    chosen = {"stars": {"n_factors": 3, "n_epochs": 2}, "ranking": {"n_factors": 5}}
    file.write_text(json.dumps({**chosen, "min_user_ratings": 5, "min_movie_ratings": 3}))
    status, _, err = run(
        "train", "--ratings", tiny_files[0], "--movies", tiny_files[1], "--out", tmp_path / "b",
        "--settings", file, "--epochs", 1, "--evaluate",
    )  # fmt: skip
    assert status == 0, err
    info = Recommender.open(tmp_path / "b").bundle.training
    assert info.settings.stars["n_factors"] == 3
    assert info.settings.stars["n_epochs"] == 1
    assert info.settings.ranking["n_factors"] == 5
    assert info.settings.min_user_ratings == 5
    assert 0 < info.quality.ndcg <= 1
    assert 0 < info.quality.mae < 4.5
    file.write_text('{"stars": {"n_factor": 3}}')
    status, _, err = run(
        "train", "--dataset", tiny_files[0].parent, "--out", tmp_path / "b", "--settings", file
    )
    assert status == 2
    assert "n_factor" in err


def test_train_on_a_folder(run, tiny_files, tmp_path: Path) -> None:
    options = ("--min-user-ratings", 5, "--min-movie-ratings", 3, "--epochs", 1)
    status, _, _ = run(
        "train", "--dataset", tiny_files[0].parent, "--out", tmp_path / "b", *options
    )
    assert status == 0
    assert Recommender.open(tmp_path / "b").statistics.movies == 60


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--out", "b"),
        ("train", "--out", "b", "--ratings", "r.csv"),
        ("train", "--out", "b", "--ratings", "r.csv", "--movies", "m.csv", "--dataset", "d"),
        ("train", "--dataset", "d", "--out", "b", "--factors", "0"),
        ("train", "--dataset", "d", "--out", "b", "--scale", "5-1"),
        ("train", "--dataset", "d", "--out", "b", "--scale", "five"),
        ("train", "--dataset", "d", "--out", "b", "--relevant", "many"),
        ("train", "--dataset", "d", "--out", "b", "--memory-limit", "much"),
        ("train", "--dataset", "d", "--out", "b", "--memory-limit", "96M"),
        ("recommend",),
        ("recommend", "--user", "1", "--all-users"),
        ("recommend", "--all-users"),
        ("recommend", "--user", "1", "--cf-weight", "2"),
        ("recommend", "--user", "1", "-n", "0"),
        ("similar", "--movie", "1", "--method", "magic"),
        ("nonsense",),
        (),
    ],
)
def test_wrong_usage(run, tmp_path: Path, monkeypatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    status, out, err = run(*arguments)
    assert status == 2
    assert out == ""
    assert err


def test_missing_input_is_one_line(run, tmp_path: Path) -> None:
    status, out, err = run(
        "train", "--ratings", tmp_path / "no.csv", "--movies", tmp_path / "no.csv",
        "--out", tmp_path / "b",
    )  # fmt: skip
    assert status == 1
    assert out == ""
    assert err.splitlines()[-1].startswith("matinee: ")
    assert "no.csv" in err
    assert "Traceback" not in err


def test_recommend(run, tiny_bundle: Path, tiny: Recommender) -> None:
    status, out, _ = run("recommend", "--bundle", tiny_bundle, "--user", 1, "-n", 3, "--json")
    assert status == 0
    assert json.loads(out) == tiny.recommend_for_user(1, 3).to_dicts()
    status, out, _ = run(
        "recommend", "--bundle", tiny_bundle, "--user", 1, "-n", 3, "--cf-weight", 0
    )
    assert status == 0
    expected = tiny.hybrid_recommend(1, 3, 0.0)
    heads, *rows = out.splitlines()
    assert heads.split() == ["rank", "score", "stars", "movie_id", "title", "year"]
    assert len(rows) == 3
    assert expected[0].movie.title in rows[0]


@pytest.mark.parametrize("n", ["1000000000", "99999999999999999999"])
def test_a_list_is_no_longer_than_the_catalogue(run, tiny_bundle: Path, n: str) -> None:
    for command in (("recommend", "--user", 1), ("similar", "--movie", 7), ("search", "movie")):
        at = ("--bundle", tiny_bundle, "--json", "-n")
        status, out, _ = run(*command, *at, n)
        assert status == 0
        assert json.loads(out) == json.loads(run(*command, *at, 60)[1])


def test_recommend_to_somebody_new(run, tiny_bundle: Path, tiny: Recommender, tmp_path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("movie_id,rating\n2,5\n8,4.5\n5,1\n")
    status, out, _ = run(
        "recommend", "--bundle", tiny_bundle, "--ratings", own, "--rank-by", "stars",
        "--cf-weight", 1, "-n", 3, "--json",
    )  # fmt: skip
    assert status == 0
    expected = tiny.recommend({2: 5, 8: 4.5, 5: 1}, 3, rank_by="stars").to_dicts()
    assert json.loads(out) == expected
    own.write_text("movie_id,rating\n2,five\n")
    status, _, err = run("recommend", "--bundle", tiny_bundle, "--ratings", own)
    assert status == 1
    assert "own.csv: row 2: rating is five; mend the row" in err


def test_recommend_together(run, tiny_bundle: Path, tiny: Recommender, tmp_path: Path) -> None:
    ana, ben = tmp_path / "ana.csv", tmp_path / "ben.csv"
    ana.write_text("movie_id,rating,mark\n2,5,\n8,4.5,\n10,,hidden\n")
    ben.write_text("movie_id,rating,mark\n3,5,\n5,4,\n12,,seen\n")
    command = ("recommend", "--bundle", tiny_bundle, "--together", ana, ben)
    status, out, _ = run(*command, "-n", 5, "--json")
    assert status == 0
    tastes = [{2: 5.0, 8: 4.5}, {3: 5.0, 5: 4.0}]
    found = tiny.recommend_together(tastes, 5, hidden=[[10], []], seen=[12])
    assert json.loads(out) == found.to_dicts()
    status, out, _ = run(*command, "-n", 5)
    assert str(list(found[0].places)) in out.splitlines()[1]
    status, _, err = run(*command, "--cf-weight", 0.5)
    assert (status, err.count("\n")) == (2, 1)
    assert "--cf-weight is for one person" in err


def test_recommend_everybody(run, tiny_bundle: Path, tiny: Recommender, tmp_path: Path) -> None:
    out = tmp_path / "all.parquet"
    status, printed, _ = run(
        "recommend", "--bundle", tiny_bundle, "--all-users", "-n", 4, "--out", out
    )
    assert status == 0
    assert "200 recommendations" in printed
    table = pd.read_parquet(out)
    assert table.columns.tolist() == ["user_id", "movie_id", "rank", "score"]
    assert len(table) == 50 * 4
    for user in (1, 25, 50):
        rows = table[table.user_id == user]
        expected = tiny.recommend_for_user(user, 4)
        assert rows["rank"].tolist() == [1, 2, 3, 4]
        assert rows.movie_id.tolist() == [item.movie.movie_id for item in expected]
        assert rows.score.tolist() == pytest.approx([item.score for item in expected])


def test_similar(run, tiny_bundle: Path, tiny: Recommender) -> None:
    for method in METHODS:
        status, out, _ = run(
            "similar", "--bundle", tiny_bundle, "--movie", 7, "--method", method, "-n", 4, "--json"
        )
        assert status == 0
        assert json.loads(out) == tiny.find_similar_movies(7, 4, method).to_dicts()


def test_search(run, tiny_bundle: Path) -> None:
    status, out, _ = run("search", "--bundle", tiny_bundle, "기생충", "--json")
    assert status == 0
    assert [movie["title"] for movie in json.loads(out)] == ["기생충"]
    status, out, _ = run("search", "--bundle", tiny_bundle, "number", "17")
    assert status == 0
    assert "Movie number 17" in out


def test_info(run, tiny_bundle: Path) -> None:
    status, out, _ = run("info", "--bundle", tiny_bundle, "--json")
    assert status == 0
    assert json.loads(out)["data"]["movies"] == 60
    status, out, _ = run("info", "--bundle", tiny_bundle)
    assert "50 users of 60 movies" in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("recommend", "--user", "999"), "999"),
        (("similar", "--movie", "999"), "999"),
        (("similar", "--movie", "60", "--method", "predicted"), "too few ratings"),
        (("search", "zzzzz"), "zzzzz"),
    ],
)
def test_what_is_not_there(run, tiny_bundle: Path, arguments, named: str) -> None:
    command, *rest = arguments
    status, _, err = run(command, "--bundle", tiny_bundle, *rest)
    assert status == 1
    assert len(err.splitlines()) == 1
    assert named in err


def test_no_bundle(run, tmp_path: Path, monkeypatch) -> None:
    status, _, err = run("info", "--bundle", tmp_path / "none")
    assert status == 1
    assert "there is no bundle here" in err
    monkeypatch.setenv("MATINEE_BUNDLE", str(tmp_path / "other"))
    assert "other" in run("info")[2]


def test_a_wrong_setting(run, tiny_bundle: Path, monkeypatch) -> None:
    monkeypatch.setenv("MATINEE_USER_BATCH", "x")
    status, _, err = run("info", "--bundle", tiny_bundle)
    assert status == 2
    assert "MATINEE_USER_BATCH=x" in err


def test_installed_command_and_a_reader_that_stops_early(tiny_bundle: Path) -> None:
    command = Path(sys.executable).with_name("matinee")
    pipe = f"'{command}' recommend --bundle '{tiny_bundle}' --user 1 -n 50 | head -n 1"
    done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_settings_says_what_is_in_force(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATINEE_FACTORS", "7")
    monkeypatch.setenv("DEBUG_MEMORY_TOKEN", "s3cret")
    status, out, err = run("settings")
    assert (status, err) == (0, "")
    assert re.search(r"^MATINEE_FACTORS +7 +factors of", out, re.M)
    assert re.search(r"^DEBUG_MEMORY_TOKEN +set ", out, re.M)
    assert "s3cret" not in out
    assert len(out.splitlines()) == len(VARIABLES)


def test_a_file_env_counts(tiny_bundle: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MATINEE_")}
    (tmp_path / ".env").write_text(
        f"MATINEE_BUNDLE={tiny_bundle}\nMATINEE_COLLABORATIVE_SIMILARITY=no\n"
    )

    def matinee(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "recommender.cli", *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    assert matinee("search", "number").returncode == 0
    done = matinee("similar", "--movie", "12", "--method", "collaborative")
    assert done.returncode == 2
    assert done.stderr == (
        "matinee: method 'collaborative' is off; use 'content', or set "
        "MATINEE_COLLABORATIVE_SIMILARITY=true\n"
    )
    exported = matinee("settings", "--export").stdout
    assert exported.splitlines()[0] == f"export MATINEE_BUNDLE={tiny_bundle}"
    assert len(exported.splitlines()) == 2


def test_a_wrong_setting_ends_every_command(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATINEE_IDLE_SECONDS", "soon")
    line = "matinee: MATINEE_IDLE_SECONDS=soon: give a whole number from 1 to 86,400\n"
    assert run("search", "x") == (2, "", line)
    assert run("settings") == (2, "", line)


def test_a_variable_that_is_none_is_told(run, tiny_bundle: Path, monkeypatch) -> None:
    monkeypatch.setenv("MATINEE_FACTOR", "7")
    status, out, err = run("search", "number", "--bundle", tiny_bundle)
    assert status == 0
    assert out
    assert err == "matinee: MATINEE_FACTOR is no setting: did you mean MATINEE_FACTORS?\n"


def test_titles_and_names_survive_any_character_set(tiny_bundle: Path, tmp_path: Path) -> None:
    def matinee(*arguments: str, encoding: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "recommender.cli", *arguments, "--bundle", str(tiny_bundle)],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=120,
        )
        return done.stdout.decode(encoding), done.stderr.decode(encoding)

    assert "기생충" in matinee("search", "기생충", encoding="utf-8")[0]
    out, err = matinee("search", "기생충", encoding="ascii")
    assert ("\\uae30\\uc0dd\\ucda9" in out, err) == (True, "")
    out, _ = matinee("search", "기생충", "--json", encoding="ascii")
    assert json.loads(out)[0]["title"] == "기생충"
    _, err = matinee("recommend", "--ratings", str(tmp_path / "없는 파일.csv"), encoding="utf-8")
    assert err.endswith("없는 파일.csv: cannot be read (No such file or directory)\n")


def test_search_by_facts_and_by_meaning(
    embedded_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = str(embedded_bundle)
    assert main(["search", "--bundle", bundle, "--facts", "drama", "1960s", "--json"]) == 0
    assert {"Drama"} <= {
        g for movie in json.loads(capsys.readouterr().out) for g in movie["genres"]
    }
    assert main(["search", "--bundle", bundle, "--facts", "nothing", "known"]) == 1
    assert "no movie is 'nothing known' by genre, decade, tag" in capsys.readouterr().err
    assert main(["search", "--bundle", bundle, "--words", "1960s drama", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) > 1
    assert main(["search", "--bundle", bundle, "--words", "nothing known"]) == 1
    assert "no movie's plot or tags have words of 'nothing known'" in capsys.readouterr().err
    assert main(["search", "--bundle", bundle, "--semantic", "a war", "-n", "3", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert main(["search", "--bundle", bundle, "--semantic", "하늘"]) == 1
    assert "describe it in other English words" in capsys.readouterr().err


def test_without_vectors_searching_by_meaning_says_how_to_make_them(
    tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", "--bundle", str(tiny_bundle), "--semantic", "a war"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_version(run) -> None:
    assert run("--version") == (0, f"matinee {__version__}\n", "")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("matinee reco", ["recommend"]),
        ("matinee recommend --ra", ["--ratings", "--rank-by"]),
        ("matinee similar --method p", ["predicted"]),
    ],
)
def test_a_shell_completes_commands_options_and_values(
    line: str, offered: list[str], tmp_path: Path
) -> None:
    environment = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "offered"),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    command = Path(sys.executable).with_name("matinee")
    subprocess.run([command], env={**os.environ, **environment}, check=True, timeout=60)
    found = (tmp_path / "offered").read_text().split("\n")
    assert sorted(word.strip() for word in found) == sorted(offered)


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", "--user", "1", "-n", "9" * 5000),
        ("recommend", "--user", "1", "-n", "²"),
        ("recommend", "--user", "1", "--cf-weight", "nan"),
        ("embed", "--batch-size", "1025"),
        ("train", "--dataset", "d", "--out", "b", "--seed", str(10**20)),
        ("train", "--dataset", "d", "--out", "b", "--epochs", "-1"),
        ("evaluate", "--dataset", "d", "--users", str(10**20)),
        ("evaluate", "--dataset", "d", "--seeds", "1,99999999999999999999"),
        ("tune", "--dataset", "d", "--trials", str(10**20)),
        ("tune", "--dataset", "d", "--minutes", "inf"),
    ],
)
def test_every_number_has_bounds_and_one_line(run, arguments: tuple[str, ...]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    *usage, line = err.splitlines()
    assert re.fullmatch(r"matinee \w+: error: argument .* is not a .*", line)
    assert len(line) < 250
    assert usage[0].startswith("usage: ")


def test_an_empty_answer_says_why(run, tiny_files, tmp_path: Path) -> None:
    ratings, movies = tmp_path / "r.csv", tmp_path / "m.csv"
    movies.write_text("movieId,title,genres\n" + "".join(f"{m},M {m},Drama\n" for m in range(9)))
    rows = [(u, m, 1 + (u + m) % 5) for u in range(6) for m in range(9) if u == 0 or m != u]
    lines = "".join("{},{},{}\n".format(*row) for row in rows)
    ratings.write_text("userId,movieId,rating\n" + lines)
    least = ("--min-user-ratings", 1, "--min-movie-ratings", 1, "--epochs", 1, "--factors", 2)
    files = ("--ratings", ratings, "--movies", movies)
    status, _, err = run("train", *files, "--out", tmp_path / "b", *least)
    assert status == 0, err
    status, out, err = run("recommend", "--bundle", tmp_path / "b", "--user", 0)
    assert (status, out, err) == (0, "", "matinee: user 0 has rated every movie\n")
