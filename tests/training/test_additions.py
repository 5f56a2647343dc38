import csv
import dataclasses
from pathlib import Path

import pytest

from recommender import Recommender
from recommender.bundle.bundle import Bundle
from recommender.cli.main import main
from recommender.core.errors import DataError
from recommender.dataset import ImportOptions, from_files, import_dataset
from recommender.models.ranking import RankingModel, RankingSettings
from recommender.training.additions import added_source, with_chosen
from recommender.training.pipeline import TrainingSettings

OPTIONS = ["--min-user-ratings", "5", "--min-movie-ratings", "3", "--factors", "2", "--epochs", "2"]
LINKS = "movieId,imdbId,tmdbId\n1,0114709,862\n58,12345678,\n"


def write(path: Path, rows: list[list[str]]) -> str:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return str(path)


def rows_of(path: Path) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def parts(tiny_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of all data, and of the same in two parts; the second has rated some movies anew."""
    folder = tmp_path_factory.mktemp("parts")
    ratings, movies = map(rows_of, tiny_files)
    head, *rated = ratings
    changed = [[user, movie, "0.5"] for user, movie, _ in rated[:40]]
    write(folder / "all.csv", [head, *rated, *changed])
    write(folder / "old.csv", [head, *rated[:1000]])
    write(folder / "new.csv", [head, *rated[1000:], *changed])
    write(folder / "all-movies.csv", movies)
    write(folder / "old-movies.csv", movies[:55])
    write(folder / "new-movies.csv", [movies[0], *movies[55:], ["1", "Another", "1900", "War"]])
    (folder / "ids.csv").write_text(LINKS)
    return folder


def trained(folder: Path, name: str, *more: str) -> Bundle:
    arguments = ["--links", str(folder / "ids.csv"), "--out", str(folder / name), *more]
    assert main(["train", *arguments]) == 0
    return Bundle.open(folder / name)


def test_adding_equals_a_training_on_all(parts: Path) -> None:
    old = ["--ratings", str(parts / "old.csv"), "--movies", str(parts / "old-movies.csv")]
    everything = ["--ratings", str(parts / "all.csv"), "--movies", str(parts / "all-movies.csv")]
    expected = trained(parts, "expected", *everything, *OPTIONS)
    trained(parts, "bundle", *old, *OPTIONS, "--scale", "0.5-5", "--credit", "Somebody")
    new = ["--add", str(parts / "new.csv"), "--movies", str(parts / "new-movies.csv")]
    added = trained(parts, "bundle", *new, "--bundle", str(parts / "bundle"))
    assert added.training.data.fingerprint == expected.training.data.fingerprint
    assert added.files == expected.files
    for name in expected.files:
        if name.endswith(".npy"):
            assert added.file(name).read_bytes() == expected.file(name).read_bytes(), name
    assert added.training.settings.credit == "Somebody"
    assert added.training.settings.stars == expected.training.settings.stars
    assert not list(parts.glob(".matinee*"))


def test_settings_that_were_chosen_are_kept(tiny: Recommender) -> None:
    model = RankingModel.load(tiny.bundle)
    chosen = {"regularization": 14.0, "n_factors": 16.0, "rank": 96.0, "trials": 12.0}
    settings = with_chosen(
        TrainingSettings(), dataclasses.replace(model, chosen=chosen, neutral=0.5)
    )
    assert settings.ranking == RankingSettings(16, 96, 14.0, neutral=0.5)
    assert not settings.choose
    assert with_chosen(settings, dataclasses.replace(model, chosen={})) == settings


def test_ratings_alone_are_added(tiny: Recommender, tmp_path: Path) -> None:
    rated = tiny.rated_by(7, 1)[0]
    new = tmp_path / "new.csv"
    for stars, same in ((rated.rating, True), (5.5 - rated.rating, False)):
        new.write_text(f"user,movie,rating\n7,{rated.movie.movie_id},{stars}\n")
        files = (new, None, None, None)
        with added_source(tiny.bundle, *files, ImportOptions(), tmp_path) as source:
            found = import_dataset(source, tmp_path / "out")
        before = tiny.bundle.training.data
        assert (found.fingerprint == before.fingerprint) is same
        assert found.n_ratings == before.ratings


@pytest.mark.parametrize("form", ["{:g}/5", "{:g} stars"])
def test_ratings_in_signs_or_words_are_added(tiny: Recommender, tmp_path: Path, form: str) -> None:
    rated = tiny.rated_by(7, 1)[0]
    new = tmp_path / "new.csv"
    new.write_text(f"user,movie,rating\n7,{rated.movie.movie_id},{form.format(rated.rating)}\n")
    with added_source(tiny.bundle, new, None, None, None, ImportOptions(), tmp_path) as source:
        found = import_dataset(source, tmp_path / "out")
    assert found.fingerprint == tiny.bundle.training.data.fingerprint


@pytest.mark.parametrize(
    ("rating", "message"),
    [
        ("8", r"new\.csv, line 2: rating 8 is above the bundle's scale 0\.5-5; convert the new"),
        ("3", r"new\.csv: the column 'plays' holds counts, it seems; give --feedback counts"),
        ("8/10", r"new\.csv: the ratings are written as parts of 10, and the bundle's go to 5"),
    ],
)
def test_ratings_on_another_scale_are_not_added(
    tiny: Recommender, tmp_path: Path, rating: str, message: str
) -> None:
    new = tmp_path / "new.csv"
    column = "plays" if rating == "3" else "rating"
    new.write_text(f"user,movie,{column}\n7,1,{rating}\n")
    with (
        pytest.raises(DataError, match=message),
        added_source(tiny.bundle, new, None, None, None, ImportOptions(), tmp_path),
    ):
        pass


def test_titles_are_kept_and_added(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    ratings, movies = map(rows_of, tiny_files)
    titled = [[*movies[0], "title_ko"], *([*row, "하나" * (row[0] == "1")] for row in movies[1:])]
    new = [[*movies[0], "Title_JA"], ["990001", "New", "1999", "Drama", "新"]]
    write(tmp_path / "movies.csv", titled)
    write(tmp_path / "new.csv", new)
    write(tmp_path / "rated.csv", [ratings[0], ["1", "990001", "4"]])
    write(tmp_path / "titles.csv", [["movieId", "title_ko"], ["2", "둘"]])
    old = ["--ratings", str(tiny_files[0]), "--movies", str(tmp_path / "movies.csv")]
    assert main(["train", *old, "--out", str(tmp_path / "bundle"), *OPTIONS, "--no-choose"]) == 0
    more = ["--add", str(tmp_path / "rated.csv"), "--movies", str(tmp_path / "new.csv")]
    more += ["--titles", str(tmp_path / "titles.csv"), "--bundle", str(tmp_path / "bundle")]
    assert main(["train", *more, "--out", str(tmp_path / "more")]) == 0
    matinee = Recommender.open(tmp_path / "more")
    titles = {movie.movie_id: dict(movie.titles) for movie in matinee.movies([1, 2, 3, 990001])}
    assert titles == {1: {"ko": "하나"}, 2: {"ko": "둘"}, 3: {}, 990001: {"ja": "新"}}
    assert [movie.movie_id for movie in matinee.search("둘", 1)] == [2]
    matinee.close()


def test_rows_are_left_out_as_by_a_training(
    tiny: Recommender, tiny_files: tuple[Path, Path], tmp_path: Path
) -> None:
    old_ratings, old_movies = map(rows_of, tiny_files)
    ratings = [old_ratings[0], ["7", "1", "NA"], ["7", "2", "99"], ["8", "990001", "4.5"]]
    movies = [
        old_movies[0],
        ["990001", "New", "1999", "Action/Adventure"],
        ["990002", "Cut"],
        ["", "No id", "2000", "Drama"],
        ["990003", "Newer", "2001", "War|Comedy"],
    ]
    write(tmp_path / "ratings.csv", ratings)
    write(tmp_path / "movies.csv", movies)
    write(tmp_path / "all-ratings.csv", old_ratings + ratings[1:])
    write(tmp_path / "all-movies.csv", old_movies + movies[1:])
    options = ImportOptions(unrated=("NA", "99"))
    expected = import_dataset(
        from_files(tmp_path / "all-ratings.csv", tmp_path / "all-movies.csv"),
        tmp_path / "expected",
        options,
    )
    files = (tmp_path / "ratings.csv", tmp_path / "movies.csv", None, None)
    with added_source(tiny.bundle, *files, options, tmp_path) as source:
        found = import_dataset(source, tmp_path / "out", options)
    assert found.fingerprint == expected.fingerprint
    assert found.report.unrated == expected.report.unrated == 2
    told = "movies.csv left out: line 3: 2 fields where 4 are expected; line 4: movie_id is empty"
    assert any(line == f"2 rows of {told}" for line in found.report.lines())
    strict = dataclasses.replace(options, strict=True)
    with (
        pytest.raises(DataError, match=r"movies\.csv, line 3: 2 fields where 4 are expected"),
        added_source(tiny.bundle, *files, strict, tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--add", "bad.csv"], 2, "give --add PATH and --bundle BUNDLE together"),
        (
            ["--add", "bad.csv", "--bundle", "none", "--tags", "t"],
            2,
            "--tags does not go with --add",
        ),
        (["--add", "bad.csv", "--bundle", "none"], 1, "none: there is no bundle here"),
        (
            ["--add", "bad.csv", "--bundle", "TINY"],
            1,
            "bad.csv, line 3: rating two is not a number",
        ),
    ],
)
def test_what_cannot_be_added(
    tiny_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.csv").write_text("user,movie,rating\n1,1,4\n1,2,two\n")
    given = [str(tiny_bundle) if option == "TINY" else option for option in options]
    assert main(["train", *given, "--out", "out"]) == status
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]
