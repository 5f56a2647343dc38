from pathlib import Path

import pytest

from recommender.core.address import Address, parse_location, redact


def test_what_is_an_address_and_what_a_folder() -> None:
    assert parse_location("~/b") == Path.home() / "b"
    assert parse_location("data/bundle") == Path("data/bundle")
    for text in ("s3://b/x", "file:///b", "https://example.org/b", "memory://b"):
        assert parse_location(text) == Address(text)


@pytest.mark.parametrize(
    ("full", "shown"),
    [
        ("s3://bucket/bundle", "s3://bucket/bundle"),
        ("https://me:s3cret@example.org/b", "https://…@example.org/b"),
        ("https://me:s3@cret@example.org:81/b", "https://…@example.org:81/b"),
        ("https://s3cret@example.org", "https://…@example.org"),
        ("https://example.org/b?sv=1&sig=s3cret", "https://example.org/b?…"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("ftp://me:s3cret@example.org/b", "ftp://…@example.org/b"),
    ],
)
def test_secrets_are_never_shown(full: str, shown: str) -> None:
    address = Address(full)
    assert str(address) == shown
    assert "s3cret" not in repr(address)
    assert address.full == full
    assert redact(f"cannot read '{full}' (twice: {full}) now") == (
        f"cannot read '{shown}' (twice: {shown}) now"
    )


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("s3://bucket/b", "s3://bucket/b/m.json"),
        ("s3://bucket/b/", "s3://bucket/b/m.json"),
        ("s3://bucket/what?", "s3://bucket/what?/m.json"),
        ("https://h/b?sig=a/b", "https://h/b/m.json?sig=a/b"),
        ("HTTPS://h/b/?sig=1", "HTTPS://h/b/m.json?sig=1"),
    ],
)
def test_a_query_stays_behind_the_path(address: str, file: str) -> None:
    assert Address(address).joinpath("m.json").full == file


def test_the_cache_has_one_folder_for_an_address_whatever_its_password() -> None:
    cache = Path("/c")
    one = Address("https://me:old@h/b?sig=1").cache_folder(cache)
    assert one.parent == cache
    assert one == Address("https://me:new@h/b?sig=2").cache_folder(cache)
    assert Address("s3://b/x").cache_folder(cache) == Address("s3://b/x/").cache_folder(cache)
    assert Address("s3://b/x").cache_folder(cache) != Address("s3://b/y").cache_folder(cache)
