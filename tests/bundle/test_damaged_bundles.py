"""Harm done to every file of a bundle: a clear error or the same answers as before."""

import faulthandler
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from recommender import BundleError, Recommender
from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import MANIFEST
from recommender.cli.main import main
from recommender.dataset import from_files
from recommender.models.stars import StarsSettings
from recommender.training.pipeline import TrainingSettings, train
from tests.support.every_question import answers

Damage = Callable[[Path, Path], object]  # of a file, which another bundle has under the same name


@pytest.fixture(scope="module")
def other_bundle(tiny_files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the same shape, trained from another seed."""
    path = tmp_path_factory.mktemp("bundles") / "other"
    stars = StarsSettings(n_factors=4, n_epochs=3, random_state=7)
    settings = TrainingSettings(min_user_ratings=5, min_movie_ratings=3, stars=stars)
    train(from_files(*tiny_files), path, settings)
    return path


@pytest.fixture
def copy(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle, to do harm to."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "copy"))


def files_of(bundle: Path) -> Iterator[Path]:
    """Every file of a bundle, the manifest last."""
    yield from sorted(bundle.glob("data-*/*"))
    yield bundle / MANIFEST


def in_the_middle(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def flipped(seed: int) -> Damage:
    """Flips one bit; of an array, the even seeds take the header."""

    def flip(file: Path, other: Path) -> None:
        data, random = bytearray(file.read_bytes()), Random(f"{file.name}-{seed}")
        last = 127 if seed % 2 == 0 and file.suffix == ".npy" else len(data) - 1
        data[random.randint(0, last)] ^= 1 << random.randrange(8)
        file.write_bytes(data)

    return flip


def cut(share: float) -> Damage:
    return lambda file, other: os.truncate(file, int(file.stat().st_size * share))


def instead(make: Callable[[Path], object]) -> Damage:
    """Something else stands where the file was."""

    def replace(file: Path, other: Path) -> None:
        file.unlink()
        make(file)

    return replace


DAMAGES: dict[str, Damage] = {
    "emptied": cut(0),
    "cut to a third": cut(0.33),
    "cut to half": cut(0.5),
    "last byte lost": lambda file, other: os.truncate(file, file.stat().st_size - 1),
    "a byte more": lambda file, other: file.write_bytes(file.read_bytes() + b"\0"),
    "zeroed": lambda file, other: file.write_bytes(bytes(file.stat().st_size)),
    **{f"bit {seed} flipped": flipped(seed) for seed in range(4)},
    "another bundle's": lambda file, other: shutil.copyfile(other, file),
    "removed": lambda file, other: file.unlink(),
    "a directory": instead(Path.mkdir),
    "a link to nowhere": instead(lambda file: file.symlink_to("nowhere")),
    "a link to itself": instead(lambda file: file.symlink_to(file.name)),
    "a pipe": instead(os.mkfifo),
    "a device": instead(lambda file: file.symlink_to("/dev/zero")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_any_damage_to_any_file_is_an_error_or_nothing(
    tiny: Recommender, tiny_bundle: Path, other_bundle: Path, tmp_path: Path, damage: Damage
) -> None:
    expected = answers(tiny)
    refused = 0
    for number, original in enumerate(files_of(tiny_bundle)):
        bundle = Path(shutil.copytree(tiny_bundle, tmp_path / str(number)))
        file = bundle / original.relative_to(tiny_bundle)
        (other,) = other_bundle.rglob(file.name)
        same = other.read_bytes() == original.read_bytes()
        damage(file, other)
        try:
            matinee = Recommender.open(bundle)
        except BundleError as error:
            refused += 1
            message = str(error)
            assert message.isprintable()
            assert str(bundle) in message
        else:
            assert file.is_file()
            assert file.read_bytes() == original.read_bytes()
            assert same
            assert answers(matinee) == expected
            matinee.close()
        shutil.rmtree(bundle)
    assert refused


def test_a_data_folder_of_another_bundle(copy: Path, other_bundle: Path) -> None:
    (folder,), (other,) = copy.glob("data-*"), other_bundle.glob("data-*")
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
    with pytest.raises(BundleError, match="its checksum does not match"):
        Recommender.open(copy)
    folder.rename(copy / other.name)
    with pytest.raises(BundleError, match=rf"{folder.name}.* cannot be read \(No such file"):
        Recommender.open(copy)


def test_files_that_do_not_belong_there(tiny: Recommender, copy: Path) -> None:
    (folder,) = copy.glob("data-*")
    for name in ("notes.txt", "evil.npy", "catalogue.sqlite-wal", "catalogue.sqlite-journal"):
        (folder / name).write_bytes(b"\xd9\xd5\x05\xf9 not of this bundle" * 100)
        (copy / name).write_bytes(b"nor this")
    assert answers(Recommender.open(copy)) == answers(tiny)


def as_nobody(what: Callable[[], object]) -> str:
    """Return what `what` raises in a process without the rights of root, "" if nothing."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setuid(65534)
        try:
            what()
        except BaseException as error:
            os.write(write, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        message = pipe.read()
    os.waitpid(child, 0)
    return message


def test_files_that_must_not_be_read(tiny_bundle: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # others may not enter the folders of pytest
        os.chmod(name, 0o755)
        bundle = Path(shutil.copytree(tiny_bundle, Path(name, "bundle")))
        assert as_nobody(lambda: Recommender.open(bundle)) == ""
        for path in [*files_of(bundle), *bundle.glob("data-*"), bundle]:
            mode = path.stat().st_mode
            path.chmod(0)
            message = as_nobody(lambda: Recommender.open(bundle))
            assert message.startswith(f"BundleError: {bundle}"), path
            assert "Permission denied" in message
            assert message.isprintable()
            path.chmod(mode)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"format": ' * 50_000, "1" * 5_000, "NaN", '"\\ud800"', '{"files": []}'],
)
def test_manifests_that_are_hard_to_read(copy: Path, text: str) -> None:
    (copy / MANIFEST).write_text(text)
    with pytest.raises(BundleError, match=MANIFEST):
        Bundle.open(copy)


def test_a_manifest_without_end(copy: Path) -> None:
    os.truncate(copy / MANIFEST, 1 << 34)
    with pytest.raises(BundleError, match="not a manifest"):
        Bundle.open(copy)


@pytest.mark.parametrize("name", [MANIFEST, "catalogue.sqlite", "ranking_outputs.npy"])
@pytest.mark.parametrize(
    "command",
    [
        ["info"],
        ["recommend", "--user", "7"],
        ["similar", "--movie", "12"],
        ["search", "movie"],
        ["recommend", "--all-users", "--out", "all.parquet"],
        ["predict", "--pairs", "pairs.csv", "--out", "stars.csv"],
    ],
    ids=" ".join,
)
def test_the_command_line_says_it_in_one_line(
    copy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    command: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pairs.csv").write_text("user_id,movie_id\n1,1\n")
    (file,) = copy.rglob(name)
    in_the_middle(file)
    assert main([*command, "--bundle", str(copy)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"matinee: {copy}")
    assert err.count("\n") == 1
    assert not Path("all.parquet").exists()
    assert not Path("stars.csv").exists()


@pytest.mark.parametrize(
    "name", ["ranking_outputs.npy", "history_ratings-00000.npy", "catalogue.sqlite"]
)
def test_writing_into_an_opened_file_is_noticed(copy: Path, name: str) -> None:
    bundle = Bundle.open(copy)
    assert bundle.untouched
    in_the_middle(bundle.file(name))
    assert not bundle.untouched


def test_cutting_off_an_opened_file_is_noticed_and_would_end_the_process(copy: Path) -> None:
    bundle = Bundle.open(copy)
    os.truncate(bundle.file("ranking_outputs.npy"), 0)
    assert not bundle.untouched
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        bundle.array("ranking_outputs").sum()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGBUS


def test_opened_files_that_are_removed_or_replaced_go_on(
    tiny: Recommender, copy: Path, other_bundle: Path
) -> None:
    matinee = Recommender.open(copy)
    before = answers(matinee)
    for file in files_of(copy):
        (other,) = other_bundle.rglob(file.name)
        shutil.copyfile(other, file.with_name("new"))
        file.with_name("new").replace(file)
    assert matinee.bundle.untouched
    assert answers(matinee) == before == answers(tiny)
    shutil.rmtree(copy)
    assert matinee.bundle.untouched
    assert answers(matinee) == before
    assert np.isfinite(matinee.bundle.array("ranking_outputs")).all()
