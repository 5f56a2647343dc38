import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from recommender.bundle.catalogue import MovieText
from recommender.bundle.history import History
from recommender.models.content import ContentModel, ContentSettings, tokens
from recommender.models.protocol import TrainingData

MOVIES = [
    MovieText(1, "Toy Story", 1995, ("Animation", "Children")),
    MovieText(2, "Toy Story 2", 1999, ("Animation", "Children"), tags=("Pixar",)),
    MovieText(3, "기생충", 2019, ("Drama",), plot="가난한 가족의 이야기"),
    MovieText(4, "가족", 2004, ("Drama",), country="South Korea", cast="Soo Ae|Ju Hyeon"),
    MovieText(5, "", None),
    MovieText(6, "The Toy", 1982, ("Comedy",)),
]


def fit(movies: list[MovieText], max_features: int) -> ContentModel:
    nobody = History(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    data = TrainingData.of(nobody, movies, (0.5, 5.0))
    return ContentModel.fit(data, ContentSettings(max_features))


@pytest.fixture(scope="module")
def model() -> ContentModel:
    return fit(MOVIES, 2000)


def dense(model: ContentModel) -> np.ndarray:
    rows = np.zeros((model.n_movies, model.n_terms))
    for i in range(model.n_movies):
        entries = slice(model.offsets[i], model.offsets[i + 1])
        rows[i, model.terms[entries]] = model.weights[entries]
    return rows


def test_weights_are_scikit_learns(model: ContentModel) -> None:
    vectorizer = TfidfVectorizer(analyzer=tokens, max_features=2000)
    expected = vectorizer.fit_transform(MOVIES).toarray()
    # The English stop words are what the model leaves out besides; "the" stands in one title.
    names = vectorizer.get_feature_names_out().tolist()
    assert set(names) - set(model.vocabulary) == {"the"}
    assert dense(model)[:5] == pytest.approx(np.delete(expected, names.index("the"), 1)[:5])


def test_rows_have_length_one_or_none(model: ContentModel) -> None:
    lengths = np.linalg.norm(dense(model), axis=1)
    assert lengths == pytest.approx([1, 1, 1, 1, 0, 1], abs=1e-6)


def test_the_score_is_the_cosine_in_any_block(model: ContentModel) -> None:
    rows = dense(model)
    profiles = rows.astype(np.float32)
    expected = rows @ rows.T
    for width in (1, 2, 6):
        blocks = [model.score(profiles, slice(s, s + width)) for s in range(0, 6, width)]
        assert np.hstack(blocks) == pytest.approx(expected, abs=1e-6)
    some = np.array([5, 4, 0, 0])
    assert model.score(profiles, some) == pytest.approx(expected[:, some], abs=1e-6)


def test_weighted_sum(model: ContentModel) -> None:
    summed = 3 * dense(model)[1] + 2 * dense(model)[3]
    profile = model.weighted_sum(np.array([1, 3]), np.array([3.0, 2.0]))
    assert profile == pytest.approx(summed / np.linalg.norm(summed), abs=1e-6)


def test_profile_takes_what_was_rated_at_or_above_the_mean(model: ContentModel) -> None:
    movies, ratings = np.array([0, 1, 3]), np.array([5.0, 4.0, 1.0], dtype=np.float32)
    expected = model.weighted_sum(movies[:2], ratings[:2])
    assert model.profile(movies, ratings) == pytest.approx(expected)
    assert not model.profile(movies[:0], ratings[:0]).any()
    assert not model.profile(np.array([4]), np.array([5.0], dtype=np.float32)).any()


def test_related_movies_are_closer(model: ContentModel) -> None:
    rows = model.score(dense(model).astype(np.float32), slice(0, 6))
    assert rows[0].argsort()[::-1][:2].tolist() == [0, 1]
    assert rows[2, 3] > rows[2, 0]


def test_korean_words_give_tokens() -> None:
    found = tokens(MOVIES[2])
    assert "기생충" in found
    assert {"기생", "생충", "genre:drama", "decade:2010"} <= set(found)
    assert "가족" in tokens(MOVIES[3])
    assert "가족" in tokens(MovieText(9, "가족의 탄생"))


def test_most_frequent_terms_are_kept() -> None:
    model = fit(MOVIES, 3)
    assert model.n_terms == 3
    assert "toy" in model.vocabulary


def test_no_words_at_all() -> None:
    model = fit([MovieText(1, "!"), MovieText(2, "?")], 10)
    assert model.vocabulary == ()
    assert model.score(np.zeros((1, 0), np.float32), slice(0, 2)).tolist() == [[0, 0]]
    assert model.profile(np.array([0]), np.ones(1, np.float32)).shape == (0,)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_gives_tokens_without_spaces(title: str, plot: str) -> None:
    for token in tokens(MovieText(1, title, plot=plot)):
        assert token.split() == [token]
