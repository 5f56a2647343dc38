from pathlib import Path

import numpy as np
import pytest

from recommender.bundle.history import History
from recommender.dataset import from_files, import_dataset
from recommender.evaluation import contenders as contenders_module
from recommender.evaluation.contenders import Contenders
from recommender.models.stars import StarsSettings
from recommender.training.pipeline import MovieTexts, TrainingSettings

SMALL = TrainingSettings(5, 3, stars=StarsSettings(n_factors=4, n_epochs=20))


@pytest.fixture(scope="module")
def history(tiny_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> History:
    folder = tmp_path_factory.mktemp("contenders")
    import_dataset(from_files(*tiny_files), folder)
    return History.open(folder)


def build(history: History, folder: Path) -> Contenders:
    texts = MovieTexts(folder / "movies.parquet", 60)
    return Contenders(history, texts, (0.5, 5.0), SMALL, lambda stage, share: None)


@pytest.fixture(scope="module")
def contenders(history: History) -> Contenders:
    return build(history, Path(history.movies.filename).parent)  # type: ignore[attr-defined]


def test_lists_are_full_and_hold_nothing_rated(history: History, contenders: Contenders) -> None:
    users = np.arange(history.n_users)
    for contender in contenders.all():
        top = contender.build().top
        assert top is not None
        for user, found in zip(users, top(users, 5), strict=True):
            rated, _ = history.of(int(user))
            assert len(set(found.tolist())) == 5, contender.name
            assert not set(found.tolist()) & set(rated.tolist()), contender.name


def test_similar_lists_are_without_the_movie_itself(contenders: Contenders) -> None:
    able = {one.name: one.build().similar for one in contenders.all()}
    asked = {name: similar for name, similar in able.items() if similar}
    assert set(asked) >= {"Popularity", "Content", "Matinee, ranking", "Matinee, hybrid"}
    for similar in asked.values():
        found = similar(5, 4).tolist()
        assert len(found) == 4
        assert 5 not in found


def test_a_movie_without_ratings_has_no_neighbours_by_stars(contenders: Contenders) -> None:
    (by_stars,) = (one for one in contenders.all() if one.name == "Matinee, by stars")
    similar = by_stars.build().similar
    assert similar is not None
    assert similar(59, 4).tolist() == []


def test_published_stars_are_those_of_surprise_itself(
    history: History, contenders: Contenders
) -> None:
    from surprise import SVD, Dataset, Reader

    pandas = pytest.importorskip("pandas")
    users = np.repeat(np.arange(history.n_users), np.diff(history.offsets))
    frame = pandas.DataFrame({"u": users, "m": history.movies, "r": history.ratings})
    stock = SVD(n_factors=20, random_state=0).fit(
        Dataset.load_from_df(frame, Reader(rating_scale=(0.5, 5.0))).build_full_trainset()
    )
    (surprise,) = (one for one in contenders.all() if one.name == "Surprise SVD")
    predict = surprise.build().stars
    assert predict is not None
    expected = [stock.predict(u, m).est for u, m in zip(users[:200], history.movies, strict=False)]
    found = predict(users[:200], np.asarray(history.movies[:200]))
    assert found == pytest.approx(expected, abs=1e-12)


def test_costs_are_measured(contenders: Contenders) -> None:
    assert set(contenders.trained) >= {"content", "ranking", "stars", "surprise", "damped_bias"}
    for part in contenders.trained.values():
        assert part.seconds > 0
        assert part.peak >= 0


def test_co_occurrence_is_left_out_of_large_data(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contenders_module, "_MAX_RATINGS", 100)
    found = build(history, Path(history.movies.filename).parent)  # type: ignore[attr-defined]
    assert "Co-occurrence" not in [one.name for one in found.all()]
    assert len(found.all()) == 8
