import hashlib
from pathlib import Path

from recommender.core.file_hash import sha256


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    for content in (b"", b"matinee" * 100_000):
        (tmp_path / "file").write_bytes(content)
        assert sha256(tmp_path / "file") == hashlib.sha256(content).hexdigest()
