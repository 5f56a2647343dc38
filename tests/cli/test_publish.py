from pathlib import Path

import pytest

from memory_toolkit.measure.sizes import format_bytes
from recommender.bundle.bundle import Bundle
from recommender.cli.main import main
from tests.remote.origin_server import storage_of


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MATINEE_BUNDLE", raising=False)


def test_publish_and_read(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"file://{tmp_path}/storage/bundle"
    assert main(["publish", str(tiny_bundle), address]) == 0
    done = capsys.readouterr()
    size = format_bytes(Bundle.open(tiny_bundle).size)
    assert done.out == f"{address}: {size} written, 0.0 MB were there, 0 old versions removed\n"
    assert "Publishing to" in done.err
    Bundle.open(tmp_path / "storage" / "bundle")
    with storage_of(tmp_path / "storage") as storage:
        web = f"{storage.url}/bundle"
        assert main(["similar", "--movie", "12", "--bundle", web]) == 0
        there = capsys.readouterr()
        assert main(["similar", "--movie", "12", "--bundle", str(tiny_bundle)]) == 0
        assert capsys.readouterr().out == there.out
        assert f"Fetching {web}" in there.err
        assert (tmp_path / "bundle-cache").is_dir()
        assert main(["embed", "--bundle", web]) == 2
        assert "then put it there with `matinee publish`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere", "file:///tmp/x"], 1, "matinee: nowhere: there is no bundle here; make one"),
        (["{bundle}", "some/folder"], 2, "matinee: some/folder is no address; give s3://"),
        (["{bundle}", "https://a:b@h/x"], 2, "matinee: https://…@h/x: what is read by HTTP"),
    ],
)
def test_what_cannot_be_published(
    tiny_bundle: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    assert main(["publish", *(a.format(bundle=tiny_bundle) for a in arguments)]) == code
    assert capsys.readouterr().err.startswith(said)
