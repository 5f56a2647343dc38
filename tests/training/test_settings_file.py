import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.core.errors import SettingsError
from recommender.training.pipeline import TrainingSettings
from recommender.training.settings_file import default_settings, load_settings


def test_what_is_not_named_keeps_its_default(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text(
        json.dumps(
            {
                "stars": {"learning_rate": 1, "n_epochs": 7},
                "ranking": {"neutral": -0.1, "rank": 80},
                "relevant": "any",
                "min_user_ratings": 3,
                "tuned": {"rmse": 0.9},
            }
        )
    )
    found = load_settings(path)
    assert (found.stars.learning_rate, found.stars.n_epochs) == (1.0, 7)
    assert (found.ranking.neutral, found.ranking.rank) == (-0.1, 80)
    assert (found.relevant, found.min_user_ratings) == ("any", 3)
    assert not found.choose
    assert found.stars.regularization == TrainingSettings().stars.regularization
    path.write_text("{}")
    assert load_settings(path) == TrainingSettings()


def test_the_environment_gives_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_settings() == TrainingSettings()
    monkeypatch.setenv("MATINEE_FACTORS", "7")
    monkeypatch.setenv("MATINEE_FEATURES", "300")
    found = default_settings()
    assert (found.stars.n_factors, found.max_features) == (7, 300)
    path = tmp_path / "s.json"
    path.write_text('{"stars": {"n_epochs": 2}, "max_features": 400}')
    found = load_settings(path)
    assert (found.stars.n_factors, found.stars.n_epochs, found.max_features) == (7, 2, 400)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"s\.json is not JSON"),
        ("[]", r"s\.json: this must be an object"),
        ('{"star": {}}', r"s\.json: no setting is called 'star'; there are: stars, ranking"),
        ('{"stars": 3}', r"s\.json, stars: this must be an object"),
        ('{"stars": {"rate": 3}}', r"s\.json, stars: no setting is called 'rate'"),
        ('{"stars": {"n_epochs": 2.5}}', r"s\.json, stars\.n_epochs is 2\.5; give a whole number"),
        ('{"stars": {"n_epochs": true}}', r"stars\.n_epochs is True"),
        (
            '{"stars": {"n_factors": 0}}',
            r"stars\.n_factors is 0; give a whole number from 1 to",
        ),
        ('{"ranking": {"n_factors": 1001}}', r"ranking\.n_factors is 1001; give a whole number"),
        (f'{{"max_features": {"9" * 400}}}', "max_features is 9{20} … 9{20}; give a whole number"),
        ("[" * 100_000, r"s\.json is not JSON"),
        ('{"ranking": {"rank": 0}}', r"ranking\.rank is 0"),
        ('{"ranking": {"regularization": 0}}', r"give a number from 0\.001 to"),
        ('{"relevant": "some"}', "--relevant some"),
        ('{"ranking": {"content_weight": "1"}}', r"content_weight is '1'; give a number"),
        ('{"ranking": {"content_weight": NaN}}', "content_weight is nan"),
        ('{"max_features": 0}', "--max-features 0"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path / "s.json")


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["stars", "n_factors", "damping", "tuned"]), inner)
        | st.fixed_dictionaries({}, optional={"stars": inner, "max_features": inner})
    ),
    max_leaves=6,
)


@given(st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_file_is_read_or_refused_in_a_line(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        try:
            assert isinstance(load_settings(file.name), TrainingSettings)
        except SettingsError as error:
            assert str(error).isprintable()  # noqa: PT017


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.json cannot be read.*--settings"):
        load_settings(tmp_path / "none.json")
