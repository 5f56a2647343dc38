from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.core.errors import SettingsError
from recommender.settings.env_file import load_env_file, read_env_file

NAMES = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,9}\Z")
# What may stand in single quotes, which nothing is replaced in.
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_no_file_sets_nothing(file: Path) -> None:
    assert read_env_file(file) == {}


def test_what_a_line_may_look_like(file: Path) -> None:
    file.write_bytes(
        "\ufeff# a comment\r\n\r\nA=1\r\nexport B = two words # not this\r\nC='#$A'\r\n"
        'D="a\\nb"\r\nE=\r\nF=한글\r\nA=2\r\n'.encode()
    )
    assert read_env_file(file) == {
        "A": "2",
        "B": "two words",
        "C": "#$A",
        "D": "a\nb",
        "E": "",
        "F": "한글",
    }


def test_names_of_other_variables_are_not_replaced(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A", "1")
    file.write_text("B=$A ${A}", "utf-8")
    assert read_env_file(file) == {"B": "$A ${A}"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nB", 2),
        ("A=1\n\n  word and more\n", 3),
        ("A='not closed", 1),
        ("A B=1", 1),
        ("1A=1", 1),
        ("A-B=1", 1),
        ("'A B'=1", 1),
        ("=1", 1),
        ("A=x\0y", 1),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_not_shown(
    file: Path, text: str, line: int
) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as caught:
        read_env_file(file)
    assert str(caught.value) == f"{file}, line {line}: write NAME=value"


def test_files_that_cannot_be_read(file: Path) -> None:
    file.write_bytes(b"A=\xff")
    with pytest.raises(SettingsError, match="is no UTF-8 text; save it as UTF-8"):
        read_env_file(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_env_file(file)


def test_the_environment_wins_even_if_it_is_empty(file: Path) -> None:
    file.write_text("A=file\nB=file\nC=file", "utf-8")
    environment = {"A": "shell", "B": ""}
    assert load_env_file(file, environment) == {"C": "file"}
    assert environment == {"A": "shell", "B": "", "C": "file"}


@given(st.dictionaries(NAMES, VALUES))
def test_any_value_in_quotes_comes_through(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]
) -> None:
    def quoted(value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    file = tmp_path_factory.mktemp("env") / ".env"
    lines = (f"{name}={quoted(value)}\n" for name, value in values.items())
    file.write_text("".join(lines), "utf-8", newline="")
    assert read_env_file(file) == values


@given(st.text())
def test_any_text_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.mktemp("env") / ".env"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    values, message = {}, ""
    try:
        values = read_env_file(file)
    except SettingsError as error:
        message = str(error)
    assert len(message.splitlines()) <= 1
    environment: dict[str, str] = {}
    if not message:
        assert load_env_file(file, environment) == environment == values
