from pathlib import Path

import pytest

from recommender.errors import SettingsError
from recommender.settings import Settings


def test_defaults() -> None:
    settings = Settings.from_environment({})
    assert settings == Settings()
    assert settings.bundle == Path("bundle")
    assert not settings.debug_memory


def test_everything_can_be_set() -> None:
    environment = {
        "MATINEE_BUNDLE": "~/b",
        "DEBUG_MEMORY": "True",
        "MATINEE_USERS_LISTED": "7",
        "MATINEE_USER_BATCH": "3",
        "MATINEE_MOVIE_BATCH": " 5 ",
    }
    assert Settings.from_environment(environment) == Settings(Path.home() / "b", True, 7, 3, 5)


@pytest.mark.parametrize("text", ["false", "0", "no", "off", ""])
def test_debug_memory_off(text: str) -> None:
    assert not Settings.from_environment({"DEBUG_MEMORY": text}).debug_memory


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DEBUG_MEMORY", "maybe"),
        ("MATINEE_USER_BATCH", "many"),
        ("MATINEE_USER_BATCH", "0"),
        ("MATINEE_MOVIE_BATCH", "-1"),
        ("MATINEE_USERS_LISTED", "1.5"),
    ],
)
def test_a_wrong_value_names_the_variable(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}={text}"):
        Settings.from_environment({variable: text})
