import pytest

from recommender.core.errors import SettingsError
from recommender.core.optional_packages import require, require_training


def test_all_is_there() -> None:
    require_training()
    require("reading", "json", "csv")


def test_a_missing_package_and_missing_code_are_said_in_one_line() -> None:
    with pytest.raises(SettingsError) as caught:
        require("--all-users", "json", "no_such_package")
    assert str(caught.value) == (
        "--all-users needs no_such_package, which is not installed: pip install 'matinee[train]'"
    )
    with pytest.raises(SettingsError, match=r"pip install 'matinee\[spark\]'$"):
        require("--engine spark", "no_such_package", extra="spark")
    with pytest.raises(SettingsError, match=r"needs recommender\.no_such.* C compiler .* gcc"):
        require_training("recommender.no_such")
