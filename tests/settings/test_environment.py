import re
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_toolkit.record.flight_recorder import FOLDER_VARIABLE
from recommender.core.address import Address
from recommender.core.errors import SettingsError
from recommender.settings.env_file import read_env_file
from recommender.settings.environment import VARIABLES, Settings, unknown_variables
from tests.conftest import ROOT

# Variable, field, what is given, and what it becomes; every variable once.
GIVEN = [
    ("MATINEE_BUNDLE", "bundle", "~/b", Path.home() / "b"),
    ("MATINEE_BUNDLE_CACHE", "bundle_cache", "/x/cache", Path("/x/cache")),
    ("MATINEE_BUNDLE_CACHE_MB", "bundle_cache_mb", "100", 100),
    ("MATINEE_BUNDLE_SECONDS", "bundle_seconds", "5", 5),
    ("MATINEE_RECOMMENDATIONS", "recommendations", "30", 30),
    ("MATINEE_USERS_LISTED", "users_listed", "7", 7),
    ("MATINEE_USER_BATCH", "user_batch", "3", 3),
    ("MATINEE_MOVIE_BATCH", "movie_batch", " 5 ", 5),
    ("MATINEE_COLLABORATIVE_SIMILARITY", "collaborative_similarity", "no", False),
    ("MATINEE_FACTORS", "factors", "8", 8),
    ("MATINEE_FEATURES", "features", "500", 500),
    ("MATINEE_MEMORY_LIMIT", "memory_limit", "256M", 256 * 2**20),
    ("MATINEE_GUARD", "guard", "OFF", False),
    ("MATINEE_ACTIONS_AT_ONCE", "actions_at_once", "2", 2),
    ("MATINEE_WAIT_SECONDS", "wait_seconds", "0", 0),
    ("MATINEE_SESSION_SECONDS", "session_seconds", "5", 5),
    ("MATINEE_IDLE_SECONDS", "idle_seconds", "90", 90),
    ("MATINEE_SEMANTIC_ENCODER", "semantic_encoder", "Full", "full"),
    ("MATINEE_SEMANTIC_IDLE_SECONDS", "semantic_idle_seconds", "60", 60),
    ("MATINEE_PRELOAD", "preload", "semantic", "semantic"),
    ("MATINEE_PROFILES", "profiles", "/x/y.sqlite", Path("/x/y.sqlite")),
    ("MATINEE_PROFILE_RATINGS", "profile_ratings", "10", 10),
    ("MATINEE_PROFILE_VISITORS", "profile_visitors", "11", 11),
    ("MATINEE_PROFILE_MB", "profile_mb", "12", 12),
    ("MATINEE_RATINGS_URL", "ratings_url", "postgresql://u:p@h/d", "postgresql://u:p@h/d"),
    ("MATINEE_RATINGS_SCHEMA", "ratings_schema", "ml_25m", "ml_25m"),
    ("MATINEE_WORKERS", "workers", "3", 3),
    ("MATINEE_CONNECTIONS", "connections", "40", 40),
    ("MATINEE_CONNECTIONS_PER_ADDRESS", "connections_per_address", "4", 4),
    ("MATINEE_ALLOWED_HOSTS", "allowed_hosts", "A.example, *.b", ("a.example", "*.b")),
    ("DEBUG_MEMORY", "debug_memory", "True", True),
    ("DEBUG_MEMORY_TOKEN", "debug_memory_token", "s3cret-", "s3cret-"),
]


def test_nothing_set_is_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment(dict.fromkeys(VARIABLES, "  ")) == Settings()


def test_everything_can_be_set() -> None:
    assert tuple(variable for variable, *_ in GIVEN) == VARIABLES
    found = Settings.from_environment({variable: text for variable, _, text, _ in GIVEN})
    assert found == Settings(**{name: value for _, name, _, value in GIVEN})
    assert all(getattr(found, knob.name) != knob.default for knob in fields(Settings))


@pytest.mark.parametrize("text", ["false", "0", "no", "off"])
def test_debug_memory_off(text: str) -> None:
    assert not Settings.from_environment({"DEBUG_MEMORY": text}).debug_memory


@pytest.mark.parametrize(
    ("variable", "text", "advice"),
    [
        ("DEBUG_MEMORY", "maybe", "give true or false"),
        ("MATINEE_GUARD", "2", "give true or false"),
        ("MATINEE_USER_BATCH", "many", "give a whole number from 1 to 4,096"),
        ("MATINEE_USER_BATCH", "0", "give a whole number from 1"),
        ("MATINEE_USER_BATCH", "4097", "give a whole number from 1"),
        ("MATINEE_MOVIE_BATCH", "-1", "give a whole number"),
        ("MATINEE_USERS_LISTED", "1.5", "give a whole number"),
        ("MATINEE_RECOMMENDATIONS", "9", "from 10 to 100"),
        ("MATINEE_WAIT_SECONDS", "1e3", "from 0 to 300"),
        ("MATINEE_WORKERS", "0", "give a whole number from 1 to 64, or auto"),
        ("MATINEE_MEMORY_LIMIT", "256", "give a size of at least 1M, such as 256M"),
        ("MATINEE_MEMORY_LIMIT", "lots", "give a size"),
        ("MATINEE_SEMANTIC_ENCODER", "torch", "give light or full"),
        ("MATINEE_MEMORY_LIMIT", "9" * 400, "give a size"),
    ],
)
def test_a_wrong_value_names_the_variable_and_says_what_to_give(
    variable: str, text: str, advice: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: text})
    assert str(caught.value).startswith(f"{variable}={text}: ")
    assert advice in str(caught.value)


@pytest.mark.parametrize("token", ["two words", "pässword", "tab\tbed"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(SettingsError, match="DEBUG_MEMORY_TOKEN=…: give letters") as caught:
        Settings.from_environment({"DEBUG_MEMORY_TOKEN": token})
    assert token not in str(caught.value)


def test_a_token_is_never_written_out() -> None:
    found = Settings(debug_memory_token="s3cret")
    assert "s3cret" not in repr(found)
    described = {variable: value for variable, value, _ in found.described()}
    assert described["DEBUG_MEMORY_TOKEN"] == "set"
    assert tuple(described) == VARIABLES


def test_a_bundle_at_an_address_has_a_folder_in_the_cache_and_hides_its_password() -> None:
    text = "https://me:s3cret@example.org/bundle?sig=s3cret"
    found = Settings.from_environment({"MATINEE_BUNDLE": text, "MATINEE_BUNDLE_CACHE": "/c"})
    assert isinstance(found.bundle, Address)
    assert found.bundle.full == text
    assert found.bundle_folder == found.bundle.cache_folder(Path("/c"))
    described = {variable: value for variable, value, _ in found.described()}
    assert described["MATINEE_BUNDLE"] == "https://…@example.org/bundle?…"
    assert "s3cret" not in repr(found)
    assert Settings(bundle=Path("/b")).bundle_folder == Path("/b")


@given(st.sampled_from(VARIABLES), st.text(max_size=12))
def test_any_text_is_a_value_or_one_line(variable: str, text: str) -> None:
    message = ""
    try:
        Settings.from_environment({variable: text})
    except SettingsError as error:
        message = str(error)
    assert not message or message.startswith(f"{variable}=")
    assert len(message.splitlines()) <= 1


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("MATINEE_BUNDEL", "did you mean MATINEE_BUNDLE?"),
        ("MATINEE_USERS_BATCH", "did you mean MATINEE_USER_BATCH?"),
        ("DEBUG_MEMORY_TOKN", "did you mean DEBUG_MEMORY_TOKEN?"),
        ("MATINEE_XYZ", "docs/settings.md lists them"),
    ],
)
def test_what_is_no_setting_is_told_with_the_nearest(name: str, advice: str) -> None:
    own = "PATH", "MATINEE_RUN_UNDER", FOLDER_VARIABLE
    environment = dict.fromkeys((*VARIABLES, name, *own), "")
    assert unknown_variables(environment) == [f"{name} is no setting: {advice}"]


def test_the_page_of_settings_names_every_one_with_its_default_and_bounds() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(MATINEE_\w+|DEBUG_\w+)` \| (.*) \|$", page, re.M))
    assert tuple(rows) == VARIABLES
    for knob in fields(Settings):
        cells = rows[knob.metadata["variable"]].split("|")
        default, bounds, _ = (cell.strip() for cell in cells)
        shown = str(knob.default).lower() if isinstance(knob.default, bool) else knob.default
        assert default == (f"`{shown}`" if shown is not None else "none")
        numbers = re.findall(r"[\d,]+", knob.metadata["kind"].accepts)
        if isinstance(knob.default, int) and not isinstance(knob.default, bool):
            assert bounds == f"{numbers[0]} to {numbers[1]}"


def test_the_example_file_names_every_one_with_its_default(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    assert read_env_file(ROOT / ".env.example") == {}  # all are commented out
    (tmp_path / ".env").write_text(re.sub(r"^# ?(?=[A-Z_]+=)", "", text, flags=re.M), "utf-8")
    values = read_env_file(tmp_path / ".env")
    assert tuple(name for name in values if not name.startswith("STREAMLIT_")) == VARIABLES
    assert Settings.from_environment(values) == Settings()
