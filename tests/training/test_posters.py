import io
from pathlib import Path

import pytest
from PIL import Image

from recommender import Recommender, train
from recommender.cli.main import main
from recommender.core.errors import DataError
from recommender.models.stars import StarsSettings
from recommender.training.pipeline import TrainingSettings

SMALL = TrainingSettings(5, 3, stars=StarsSettings(n_factors=2, n_epochs=2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Posters of movies 1 to 3 by id and by IMDb id, the last of which is no image, and others."""
    folder = tmp_path_factory.mktemp("posters")
    Image.new("RGB", (1000, 1500), "red").save(folder / "1.jpg")
    Image.new("RGBA", (30, 45), (0, 0, 255, 128)).save(folder / "TT0114709.PNG")
    (folder / "3.webp").write_bytes(b"no image")
    Image.new("RGB", (30, 45)).save(folder / "999.png")
    (folder / "notes.txt").write_text("")
    return folder


def test_posters_are_kept_small(
    tiny_files: tuple[Path, Path],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    links, out = tmp_path / "ids.csv", tmp_path / "b"
    links.write_text("movieId,imdbId\n2,114709\n")
    bundle = train(*tiny_files, out=out, links=links, settings=SMALL, posters=str(folder))
    assert bundle.training.data.report[-2:] == (
        "2 movies with a poster",
        "1 posters left out: no image can be read (the first is 3.webp)",
    )
    matinee = Recommender(bundle)
    first, second, third, fourth = (matinee.poster(movie) for movie in matinee.movies([1, 2, 3, 4]))
    assert (third, fourth) == (None, None)
    sizes = [Image.open(io.BytesIO(image or b"")).size for image in (first, second)]
    assert sizes == [(320, 480), (30, 45)]
    new = tmp_path / "new"
    new.mkdir()
    Image.new("RGB", (20, 30)).save(new / "new.png")
    (new / "rated.csv").write_text("user,movie,rating\n1,990001,4\n")
    (new / "movies.csv").write_text("id,title,poster\n990001,New,new.png\n")
    add = ["train", "--add", str(new / "rated.csv"), "--movies", str(new / "movies.csv")]
    assert main([*add, "--bundle", str(out), "--out", str(out), "--no-choose"]) == 0
    assert "3 movies with a poster" in capsys.readouterr().out
    more = Recommender.open(out)
    kept = [more.poster(movie) for movie in more.movies([1, 2, 3, 990001])]
    assert kept[:3] == [first, second, None]
    assert Image.open(io.BytesIO(kept[3] or b"")).size == (20, 30)


def test_a_column_names_files_beside_the_movies(
    tiny_files: tuple[Path, Path], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "data" / "images").mkdir(parents=True)
    Image.new("RGB", (20, 30)).save(tmp_path / "data" / "images" / "one.png")
    Image.new("RGB", (20, 30)).save(tmp_path / "outside.png")
    header, *rows = tiny_files[1].read_text(encoding="utf-8").splitlines()
    named = ["images/one.png", "../outside.png", "https://example.invalid/3.jpg", ""]
    named += [str(folder / "1.jpg"), "x" * 900] + [""] * len(rows)
    lines = [f"{header},poster", *(f"{row},{name}" for row, name in zip(rows, named, strict=False))]
    movies = tmp_path / "data" / "movies.csv"
    movies.write_text("\n".join(lines), encoding="utf-8")
    bundle = train(tiny_files[0], movies, out=tmp_path / "b", settings=SMALL)
    report = bundle.training.data.report
    assert "1 movies with a poster" in report
    told = "4 posters left out: they are no files in the folder of the movies (the first is "
    assert f"{told}'../outside.png')" in report
    matinee = Recommender(bundle)
    assert [movie.movie_id for movie in matinee.movies(range(1, 7)) if matinee.poster(movie)] == [1]


def test_a_bundle_without_posters(tiny: Recommender) -> None:
    assert tiny.poster(tiny.movie(1)) is None


def test_no_such_folder(tiny_files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none cannot be read: .*; check --posters"):
        train(*tiny_files, out=tmp_path / "b", posters=tmp_path / "none")
    assert not (tmp_path / "b").exists()
