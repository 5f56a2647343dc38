import dataclasses

import numpy as np
import pytest

from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.core.progress import no_progress
from recommender.core.relevance import ndcg
from recommender.models import ranking_choice as module
from recommender.models.content import ContentModel
from recommender.models.protocol import TrainingData
from recommender.models.ranking import RankingModel, RankingSettings
from recommender.models.ranking_choice import Validation, choose, described
from recommender.models.ranking_fit import HistoryRows, Weighting, fit_ranking

SCALE = (1.0, 5.0)
N_USERS, N_MOVIES = 200, 60
TEXTS = [MovieText(i, f"t{i}") for i in range(N_MOVIES)]
START = RankingSettings(n_factors=8, rank=N_MOVIES)


@pytest.fixture(scope="module")
def history() -> History:
    """Four groups of users, each of which rates mostly its quarter of the movies, and likes it."""
    rng = np.random.default_rng(2)
    movies, stars = [], []
    for user in range(N_USERS):
        own = np.arange(N_MOVIES) % 4 == user % 4
        chance = np.where(own, 6, 1) / np.where(own, 6, 1).sum()
        rated = np.sort(rng.choice(N_MOVIES, 12, replace=False, p=chance))
        movies.append(rated)
        stars.append(np.where(own[rated], rng.integers(3, 6, 12), rng.integers(1, 4, 12)))
    return History(
        np.arange(0, 12 * N_USERS + 1, 12),
        np.concatenate(movies).astype(np.int32),
        np.concatenate(stars).astype(np.float32),
    )


@pytest.fixture(scope="module")
def content() -> ContentModel:
    nothing = History(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    return ContentModel.fit(TrainingData.of(nothing, TEXTS, SCALE))


def validation(history: History, content: ContentModel, relevant="liked", seed=0) -> Validation:
    def rows(weighting: Weighting) -> HistoryRows:
        return HistoryRows(history, weighting, N_MOVIES)

    counts = np.bincount(history.movies, minlength=N_MOVIES)
    return Validation(rows, history, counts, content, SCALE, relevant, seed)


@pytest.mark.slow
def test_a_search_finds_better_settings_and_is_reproducible(history, content) -> None:
    poor = dataclasses.replace(START, regularization=0.9, n_factors=32)
    found = choose(validation(history, content), poor, "liked")
    assert found.ndcg > found.first_ndcg + 0.01
    assert found.settings != poor
    assert found.trials > 5
    assert choose(validation(history, content), poor, "liked") == found


def test_held_out_ratings_take_no_part_in_the_fit(history, content) -> None:
    """The figures of a fold are those of a model fitted to what is left without them."""
    judge = validation(history, content)
    assert len(judge.judge(START)) == judge.n_users
    fold = judge._folds[0]
    parts = [history.of(user) for user in range(N_USERS)]
    for user, kept, relevant in zip(fold.users.tolist(), fold.rated, fold.relevant, strict=True):
        assert len(kept[0]) == 10
        assert set(relevant.tolist()) <= set(parts[user][0].tolist()) - set(kept[0].tolist())
        parts[user] = kept
    offsets = np.append(0, np.cumsum([len(movies) for movies, _ in parts]))
    left = History(offsets, *(np.concatenate(part) for part in zip(*parts, strict=True)))
    counts = np.bincount(left.movies, minlength=N_MOVIES)
    rows = HistoryRows(left, Weighting.of(SCALE, START), N_MOVIES)
    model = fit_ranking(rows, content, counts, SCALE, START)
    found = []
    for (movies, ratings), relevant in zip(fold.rated, fold.relevant, strict=True):
        scores = model.score(model.profile(movies, ratings)[None], slice(0, N_MOVIES))[0]
        scores[movies] = -np.inf
        found.append(ndcg(np.argsort(-scores, kind="stable")[:10], relevant))
    values = judge._judge(fold, judge._directions[0, START.lowest_weight], START)
    assert values.mean() == pytest.approx(np.mean(found), abs=0.01)


def test_with_many_ratings_there_is_one_fold(history, content, monkeypatch) -> None:
    monkeypatch.setattr(module, "_FOLDED", 100)
    monkeypatch.setattr(module, "MAX_USERS", 50)
    judge = validation(history, content)
    assert len(judge._folds) == 1
    assert judge.n_users <= 50


def test_a_search_ends_in_bounded_time(history, content, monkeypatch) -> None:
    monkeypatch.setattr(module, "_MAX_NUMBERS", 1)
    assert choose(validation(history, content), START, "liked").trials == module._MIN_TRIALS


def test_a_search_crosses_to_what_single_steps_make_worse(history, content) -> None:
    """Without content and with a larger λ lists are better, but with one of the two alone worse."""

    class Valley(Validation):
        def judge(self, settings, progress=no_progress):
            without, strong = settings.content_weight < 0.1, settings.regularization > 5
            value = {0: 0.3, 1: 0.2, 2: 0.4}[without + strong]
            return np.full(self.n_users, value)

    counts = np.bincount(history.movies, minlength=N_MOVIES)
    valley = Valley(lambda weighting: None, history, counts, content, SCALE, "liked", 0)
    found = choose(valley, START, "liked")
    assert found.ndcg == pytest.approx(0.4)
    assert found.first_ndcg == pytest.approx(0.3)


@pytest.mark.parametrize(("errors", "left"), [(1.5, False), (2.5, True)])
def test_the_defaults_are_left_only_for_what_chance_seldom_gains(
    history, content, errors, left
) -> None:
    class OneBetter(Validation):
        """Lists of 32 factors and more are better by `errors` standard errors of the difference."""

        def judge(self, settings, progress=no_progress):
            spread = np.where(np.arange(self.n_users) % 2, 0.1, -0.1)
            gain = errors * 0.1 / np.sqrt(self.n_users)
            return 0.3 + (settings.n_factors >= 32) * (spread + gain)

    counts = np.bincount(history.movies, minlength=N_MOVIES)
    judge = OneBetter(lambda weighting: None, history, counts, content, SCALE, "liked", 0)
    begin = dataclasses.replace(START, n_factors=16)
    found = choose(judge, begin, "liked")
    assert (found.settings != begin) is left
    assert (found.ndcg > found.first_ndcg) is left


def test_for_any_interaction_all_ratings_weigh_the_same(history, content, monkeypatch) -> None:
    monkeypatch.setattr(module, "_WEIGHED", 100)  # as of many ratings, which are weighed once
    found = choose(validation(history, content, "any"), START, "any")
    assert found.settings.lowest_weight == 1.0
    assert found.users == N_USERS


@pytest.mark.slow
def test_low_ratings_count_against_movies_that_everybody_rated(content) -> None:
    """Where all rated the same movies, only the stars tell the groups apart."""
    rng = np.random.default_rng(3)
    movies = np.tile(np.arange(N_MOVIES, dtype=np.int32), N_USERS)
    own = movies % 4 == np.repeat(np.arange(N_USERS), N_MOVIES) % 4
    stars = np.clip(np.rint(rng.normal(np.where(own, 4.0, 3.0), 1.0)), *SCALE)
    everybody = History(np.arange(0, len(movies) + 1, N_MOVIES), movies, stars.astype(np.float32))
    found = choose(validation(everybody, content), START, "liked")
    assert found.settings.lowest_weight < START.lowest_weight
    assert found.ndcg > found.first_ndcg


def test_too_few_ratings_keep_the_defaults(content) -> None:
    few = History(np.array([0, 2]), np.array([3, 5], np.int32), np.array([5, 4], np.float32))
    found = choose(validation(few, content), START, "liked")
    assert found.settings == START
    assert found.users == 0


def test_the_model_is_fitted_to_everybody_with_what_was_chosen(history, content) -> None:
    data = TrainingData.of(history, TEXTS, SCALE)
    data = dataclasses.replace(data, fitted={"content": content})
    poor = dataclasses.replace(START, regularization=0.9, n_factors=32, choose_for="liked")
    told: list[float] = []
    model = RankingModel.fit(data, poor, told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert model.chosen["ndcg"] > model.chosen["first_ndcg"]
    line = described(model)
    assert line.startswith(f"Ranking: regularization {model.chosen['regularization']:.3g}")
    assert "\n" not in line
    used = dataclasses.replace(
        START,
        regularization=model.chosen["regularization"],
        content_weight=model.chosen["content_weight"],
        n_factors=int(model.chosen["n_factors"]),
        neutral=model.neutral,
    )
    plain = RankingModel.fit(data, used)
    difference = model.inputs @ model.outputs.T - plain.inputs @ plain.outputs.T
    assert np.linalg.norm(difference) < 0.05 * np.linalg.norm(plain.inputs @ plain.outputs.T)
    assert described(plain) == ""


def test_says_that_there_was_too_little_to_choose_by(content) -> None:
    few = History(np.array([0, 2]), np.array([3, 5], np.int32), np.array([5, 4], np.float32))
    data = TrainingData.of(few, TEXTS, SCALE)
    data = dataclasses.replace(data, fitted={"content": content})
    model = RankingModel.fit(data, dataclasses.replace(START, choose_for="any"))
    assert "too few ratings" in described(model)
