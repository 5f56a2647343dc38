import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import MANIFEST, manifest_stamp
from recommender.bundle.writer import BundleWriter
from recommender.core.errors import BundleError, ClusterError
from recommender.recommender import Recommender


def write(path: Path, value: float = 1.0) -> None:
    with BundleWriter(path) as writer:
        writer.save_array("numbers", np.full(1000, value))
        (writer.folder / "words.txt").write_text("hello")
        writer.commit({"value": value})


def data_file(path: Path, name: str = "numbers.npy") -> Path:
    return next(path.glob(f"data-*/{name}"))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "b", 2.5)
    bundle = Bundle.open(tmp_path / "b")
    assert bundle.manifest.info == {"value": 2.5}
    assert (bundle.array("numbers") == 2.5).all()
    assert bundle.file("words.txt").read_text() == "hello"
    assert set(bundle.files) == {"numbers.npy", "words.txt"}
    assert bundle.size == sum(bundle.files.values())


def test_arrays_are_mapped_and_read_only(tmp_path: Path) -> None:
    write(tmp_path / "b")
    array = Bundle.open(tmp_path / "b").array("numbers")
    assert not array.flags.writeable
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert "numbers.npy" in maps.read_text()


def test_a_new_bundle_takes_the_place_and_old_readers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "b"
    write(path, 1.0)
    old, stamp = Bundle.open(path), manifest_stamp(path)
    write(path, 2.0)
    assert manifest_stamp(path) != stamp
    assert (old.array("numbers") == 1.0).all()
    assert (Bundle.open(path).array("numbers") == 2.0).all()
    assert len(list(path.glob("data-*"))) == 1


def test_failing_midway_leaves_the_old_bundle(tmp_path: Path) -> None:
    path = tmp_path / "b"
    write(path, 1.0)
    with pytest.raises(OSError, match="nowhere"), BundleWriter(path) as writer:
        writer.save_array("nowhere/numbers", np.zeros(3))
    assert (Bundle.open(path).array("numbers") == 1.0).all()
    assert len(list(path.glob("data-*"))) == 1


def test_failing_midway_leaves_nothing_where_nothing_was(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"), BundleWriter(tmp_path / "b") as writer:
        writer.save_array("nowhere/numbers", np.zeros(3))
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_killed_training_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "b"
    write(path, 1.0)
    (path / "data-killed").mkdir()
    (path / f"{MANIFEST}.0123abcd.part").write_text("{")
    assert (Bundle.open(path).array("numbers") == 1.0).all()
    write(path, 2.0)
    assert sorted(p.name.split("-")[0] for p in path.iterdir()) == [".lock", "data", MANIFEST]


def test_two_trainings_at_once(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "b"), pytest.raises(BundleError, match="another training"):
        BundleWriter(tmp_path / "b").__enter__()


def test_a_lock_that_was_removed_locks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def late(*arguments: object) -> None:
        flock(*arguments)
        (tmp_path / "b" / ".lock").unlink()  # as the training does that just ended

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(BundleError, match="another training is writing this bundle; wait for it"):
        BundleWriter(tmp_path / "b").__enter__()


def test_what_a_cluster_failed_at_can_be_gone_on_with(tmp_path: Path) -> None:
    writer = BundleWriter(tmp_path / "b", "key")
    writer.__enter__()
    writer.save_array("numbers", np.arange(3))
    writer.__exit__(ClusterError)
    with BundleWriter(tmp_path / "b", "key") as writer:
        assert writer.array("numbers").tolist() == [0, 1, 2]


def test_out_must_not_hold_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(BundleError, match=r"thesis\.tex"):
        BundleWriter(tmp_path).__enter__()
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(BundleError, match="is a file"):
        BundleWriter(file).__enter__()


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"there is no bundle here.*matinee train"):
        Bundle.open(tmp_path / "none")


def test_other_version(tmp_path: Path) -> None:
    write(tmp_path / "b")
    file = tmp_path / "b" / MANIFEST
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps({**manifest, "version": 99}))
    with pytest.raises(BundleError, match=r"format 99, but this Matinee reads format \d"):
        Bundle.open(tmp_path / "b")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', '{"version": 1}', "\0"])
def test_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    write(tmp_path / "b")
    (tmp_path / "b" / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match=MANIFEST):
        Bundle.open(tmp_path / "b")


def test_manifest_with_one_figure_changed(tmp_path: Path) -> None:
    write(tmp_path / "b", 1.5)
    file = tmp_path / "b" / MANIFEST
    file.write_text(file.read_text().replace("1.5", "1.6"))
    with pytest.raises(BundleError, match="altered"):
        Bundle.open(tmp_path / "b")


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


DAMAGES = {
    "removed": Path.unlink,
    "emptied": lambda file: file.write_bytes(b""),
    "truncated": lambda file: os.truncate(file, file.stat().st_size - 1),
    "grown": lambda file: file.write_bytes(file.read_bytes() + b"\0"),
    "bit flipped": flip,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_every_damaged_file_of_a_real_bundle_is_found(
    sharded_bundle: Path, tmp_path: Path, damage
) -> None:
    names = Bundle.open(sharded_bundle).files
    for name in names:
        copy = tmp_path / name
        shutil.copytree(sharded_bundle, copy)
        damage(data_file(copy, name))
        with pytest.raises(BundleError, match=name.replace(".", r"\.")):
            Recommender.open(copy)


def test_a_manifest_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    from recommender.bundle.manifest import manifest_checksum

    write(tmp_path / "b")
    file = tmp_path / "b" / MANIFEST
    manifest = json.loads(file.read_text())
    del manifest["checksum"]
    manifest["data"] = "../elsewhere"
    manifest["checksum"] = manifest_checksum(manifest)
    file.write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="altered or damaged"):
        Bundle.open(tmp_path / "b")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "b") as writer:
        np.save(writer.folder / "evil.npy", np.array([{}], dtype=object), allow_pickle=True)
        writer.commit({})
    with pytest.raises(BundleError, match="cannot be read"):
        Bundle.open(tmp_path / "b")


def test_unknown_names(tmp_path: Path) -> None:
    write(tmp_path / "b")
    bundle = Bundle.open(tmp_path / "b")
    with pytest.raises(BundleError, match=r"no other\.npy"):
        bundle.array("other")
    with pytest.raises(BundleError, match=r"no other\.txt"):
        bundle.file("other.txt")
