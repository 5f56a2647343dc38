from importlib.util import find_spec

import pytest

from recommender import SettingsError
from recommender.core.address import Address
from recommender.remote import storages
from recommender.remote.storages import check_usable


@pytest.mark.parametrize(
    ("address", "package"), [("s3://b/x", "s3fs"), ("S3A://b/x", "s3fs"), ("gs://b/x", "gcsfs")]
)
def test_a_package_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, address: str, package: str
) -> None:
    def found(name: str) -> object:
        return None if name == package else find_spec(name)

    monkeypatch.setattr(storages, "find_spec", found)
    with pytest.raises(SettingsError) as caught:
        check_usable(Address(address))
    said = f"{address}: this needs {package}, which is not installed: pip install {package}"
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://key:s3cret@b/x", "^s3://…@b/x: no user or password .*; use AWS_ACCESS_KEY_ID, "),
        ("gs://s3cret@b/x", "^gs://…@b/x: no user or password .*; use GOOGLE_APPLICATION_CRED"),
    ],
)
def test_credentials_do_not_belong_into_the_address_of_a_bucket(
    monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setattr(storages, "find_spec", lambda name: object())
    with pytest.raises(SettingsError, match=said) as caught:
        check_usable(Address(address))
    assert "s3cret" not in str(caught.value)


def test_other_addresses_may_hold_a_user() -> None:
    for address in ("https://me:s3cret@example.org/b", "file:///b", "memory://b"):
        check_usable(Address(address))
