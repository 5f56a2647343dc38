from __future__ import annotations

import io
from html import escape
from pathlib import Path

import pytest
from PIL import Image

from recommender import train
from recommender.app.server import poster_files
from recommender.app.server.loading import forget, initialize_recommender
from recommender.core.errors import BundleError
from recommender.models.stars import StarsSettings
from recommender.recommender import Recommender
from recommender.training.pipeline import TrainingSettings
from tests.support.asgi import get_from


@pytest.fixture
def matinee(own_bundle: Path) -> Recommender:
    return initialize_recommender()


def get(path: str) -> tuple[int, dict[str, str], bytes]:
    status, headers, pieces = get_from(poster_files.routes(), path)
    return status, headers, b"".join(pieces)


def test_a_poster_is_drawn_and_kept_by_browsers(matinee: Recommender) -> None:
    movie = matinee.movie(1)
    assert poster_files.addresses(matinee)(movie) == "poster/1.svg"
    status, headers, body = get("/poster/1.svg")
    assert status == 200
    assert headers["content-type"] == "image/svg+xml"
    assert headers["cache-control"] == "public, max-age=604800"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert escape(movie.title) in body.decode()


@pytest.mark.parametrize(
    "path",
    ["/poster/999999.svg", "/poster/1.jpg", "/poster/1.png", "/poster/..%2f.svg", "/poster/1"],
)
def test_what_there_is_not_is_not_found(matinee: Recommender, path: str) -> None:
    status, headers, _ = get(path)
    assert status == 404
    assert "cache-control" not in headers


def test_without_a_bundle_it_says_so(own_bundle: Path) -> None:
    forget()
    (own_bundle / "manifest.json").unlink()
    with pytest.raises(BundleError):
        initialize_recommender()
    assert get("/poster/1.svg")[0] == 503


def test_a_picture_of_the_bundle_is_sent_instead(
    tiny_files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (40, 60), "red").save(pictures / "1.png")
    small = TrainingSettings(5, 3, stars=StarsSettings(n_factors=2, n_epochs=2))
    train(*tiny_files, out=tmp_path / "bundle", settings=small, posters=pictures)
    monkeypatch.setenv("MATINEE_BUNDLE", str(tmp_path / "bundle"))
    matinee = initialize_recommender()
    first, second = map(poster_files.addresses(matinee), matinee.movies([1, 2]))
    assert (first, second) == ("poster/1.jpg", "poster/2.svg")
    status, headers, body = get(f"/{first}")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(body)).size == (40, 60)


def test_it_lies_under_the_path_of_the_app(matinee: Recommender, under_a_path: None) -> None:
    assert get("/films/poster/1.svg")[0] == 200
