import shlex

import pytest

from recommender.core import optional_packages
from recommender.core.errors import SettingsError
from recommender.core.optional_packages import install_command, require, require_training


def test_all_is_there() -> None:
    require_training()
    require("reading", "json", "csv")


def test_the_command_names_the_packages_that_an_index_has() -> None:
    words = shlex.split(install_command("train"))
    assert words[:2] == ["pip", "install"]
    assert any(word.startswith("scikit-learn") for word in words)
    assert not any("matinee" in word or ";" in word for word in words)
    assert "fsspec" in install_command("remote")


def test_the_source_alone_is_installed_from_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional_packages, "DISTRIBUTION", "no-such-distribution")
    assert install_command("train") == "pip install -e '.[train]'"


def test_a_missing_package_and_missing_code_are_said_in_one_line() -> None:
    with pytest.raises(SettingsError) as caught:
        require("--all-users", "json", "no_such_package")
    assert str(caught.value) == (
        f"--all-users needs no_such_package, which is not installed: {install_command('train')}"
    )
    with pytest.raises(SettingsError, match=r"pip install 'pyspark>=[\d.]+'$"):
        require("--engine spark", "no_such_package", extra="spark")
    with pytest.raises(SettingsError, match=r"needs recommender\.no_such.* C compiler .* gcc"):
        require_training("recommender.no_such")
