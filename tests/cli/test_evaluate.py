import argparse
import json
from pathlib import Path

import pytest

from recommender.cli import evaluate, tune
from recommender.core.errors import DataError, SettingsError


def run(*arguments: object) -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    evaluate.add_command(commands)
    tune.add_command(commands)
    options = parser.parse_args(list(map(str, arguments)))
    options.run(options)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "small.json"
    small = {"stars": {"n_factors": 4, "n_epochs": 2}, "ranking": {"n_factors": 8}}
    path.write_text(json.dumps({**small, "min_user_ratings": 5, "min_movie_ratings": 3}))
    return path


def test_evaluate(
    tiny_files: tuple[Path, Path],
    settings: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = ("--ratings", tiny_files[0], "--movies", tiny_files[1], "--settings", settings)
    run("evaluate", *files, "--out", tmp_path)
    shown = capsys.readouterr()
    assert shown.out.startswith("model ")
    assert "Matinee, ranking" in shown.out
    assert "Judging: Popularity" in shown.err
    assert {file.name for file in tmp_path.iterdir()} == {"results.json", "results.svg"}
    written = json.loads((tmp_path / "results.json").read_text())
    assert written["settings"]["stars"]["n_epochs"] == 2

    run("evaluate", *files, "--json", "--seeds", "1")
    again = json.loads(capsys.readouterr().out)
    assert again["protocol"] == written["protocol"]
    metrics = [[model["metrics"] for model in found["models"]] for found in (written, again)]
    assert metrics[0] == metrics[1]


def test_tune(
    tiny_files: tuple[Path, Path],
    settings: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "tuned.json"
    files = ("--ratings", tiny_files[0], "--movies", tiny_files[1])
    run("tune", *files, "--settings", settings, "--trials", 4, "--out", out)
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 5
    assert "best so far" in shown[0]
    assert f"train with --settings {out}" in shown[-1]
    assert json.loads(out.read_text())["tuned"]["trials"] == 4
    run("evaluate", *files, "--settings", out, "--json")
    assert json.loads(capsys.readouterr().out)["models"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate",),
        ("evaluate", "--ratings", "r.csv"),
        ("tune", "--dataset", "d", "--movies", "m.csv"),
    ],
)
def test_input_must_be_named_in_one_way(arguments: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="--dataset DIR, or --ratings"):
        run(*arguments)


def test_seeds_that_are_not_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("evaluate", "--dataset", "d", "--seeds", "1,x")
    assert "'1,x' is not a list of whole numbers like 1,2,3" in capsys.readouterr().err


def test_tune_that_cannot_write(
    tiny_files: tuple[Path, Path], settings: Path, tmp_path: Path
) -> None:
    files = ("--ratings", tiny_files[0], "--movies", tiny_files[1], "--settings", settings)
    with pytest.raises(DataError, match="cannot be written"):
        run("tune", *files, "--trials", 2, "--out", tmp_path / "nowhere" / "s.json")
