import os
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import BundleError, Recommender
from recommender.bundle import shards
from recommender.bundle.bundle import Bundle
from recommender.bundle.history import History
from recommender.bundle.manifest import read_manifest
from recommender.bundle.shards import ShardedRows, first_users, shard_number, split
from tests.support.every_question import answers

ARRAYS = {"history_movies", "history_ratings", "stars_user_bias", "stars_user_factors"}
SHARDS = 5


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_shards_have_at_most_so_many_ratings_and_users(counts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "MAX_RATINGS", 20)
        patch.setattr(shards, "MAX_USERS", 7)
        firsts = first_users(np.cumsum([0, *counts]))
    assert firsts[0] == 0
    for first, last in pairwise([*firsts, len(counts)]):
        assert 1 <= last - first <= 7
        assert sum(counts[first:last]) <= 20 or last - first == 1
        if last < len(counts):  # the next user did not fit
            assert last - first == 7 or sum(counts[first : last + 1]) > 20


def test_split_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MAX_RATINGS", 4)
    whole = {
        "history_offsets": np.array([0, 3, 3, 5, 6]),
        "history_movies": np.array([0, 2, 3, 1, 2, 0], dtype=np.int32),
        "history_ratings": np.array([5, 4, 3, 2, 1, 0.5], dtype=np.float32),
        "stars_user_bias": np.arange(4.0),
        "stars_user_factors": np.arange(12.0).reshape(4, 3),
    }
    for name, array in whole.items():
        np.save(tmp_path / f"{name}.npy", array)
    assert split(tmp_path) == [0, 2]
    assert {p.name for p in tmp_path.iterdir()} == {
        "history_offsets.npy",
        *(f"{name}-{number:05d}.npy" for name in ARRAYS for number in range(2)),
    }
    for name in ARRAYS:
        parts = [np.load(tmp_path / f"{name}-{number:05d}.npy") for number in range(2)]
        assert np.concatenate(parts).tolist() == whole[name].tolist()
        assert parts[0].dtype == whole[name].dtype
    assert len(np.load(tmp_path / "history_movies-00000.npy")) == 3


def test_names() -> None:
    assert shard_number("history_movies-00012.npy") == 12
    assert shard_number("stars_user_bias-123456.npy") == 123456
    for name in ("history_movies.npy", "history_movies-1.npy", "catalogue-00001.sqlite"):
        assert shard_number(name) is None


ROWS = np.arange(36).reshape(12, 3)
STARTS = [0, 5, 5, 6, 12]


@pytest.fixture
def rows() -> ShardedRows:
    return ShardedRows(STARTS, lambda n: ROWS[STARTS[n] : STARTS[n + 1]])


def test_rows_are_read_like_those_of_one_array(rows: ShardedRows) -> None:
    assert len(rows) == 12
    for row in (*range(12), np.int64(5)):
        assert rows[row].tolist() == ROWS[row].tolist()
    for start in range(13):
        for stop in range(start, 14):
            assert rows[start:stop].tolist() == ROWS[start:stop].tolist()
    for wanted in ([11, 0, 5, 5, 4, 6], [3], list(range(12)), []):
        found = rows[np.array(wanted, dtype=np.int64)]
        assert found.tolist() == ROWS[wanted].tolist()
        assert found.dtype == ROWS.dtype


@pytest.mark.parametrize("wanted", [-1, 12, np.array([0, 12]), np.array([-1, 3])])
def test_rows_that_are_not_there(rows: ShardedRows, wanted: int | np.ndarray) -> None:
    with pytest.raises(IndexError, match="of 12"):
        rows[wanted]


def test_several_shards_answer_as_one_does(tiny: Recommender, sharded_bundle: Path) -> None:
    matinee = Recommender.open(sharded_bundle)
    assert len(matinee.bundle.shards.files) == len(matinee.bundle.first_users) == SHARDS
    assert len(tiny.bundle.shards.files) == 1
    assert matinee.bundle.shards.mapped == list(range(SHARDS))
    assert answers(matinee) == answers(tiny)
    one, many = tiny._history, matinee._history
    for user in range(one.n_users):
        for mine, theirs in zip(one.of(user), many.of(user), strict=True):
            assert mine.tolist() == theirs.tolist()
    for mine, theirs in zip(one.everything(), many.everything(), strict=True):
        assert mine.ratings.tolist() == theirs.ratings.tolist()  # type: ignore[attr-defined]


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: os.truncate(file, 100)])
def test_without_fetching_every_file_must_be_there(
    sharded_bundle: Path, tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    for name in ARRAYS:
        copy = Path(shutil.copytree(sharded_bundle, tmp_path / name))
        (file,) = copy.rglob(f"{name}-00003.npy")
        harm(file)
        with pytest.raises(BundleError, match=str(file)):
            Bundle.open(copy)


class Elsewhere:
    """Fetches from the bundle that was copied without its shards."""

    def __init__(self, original: Path, copy: Path) -> None:
        shutil.copytree(original, copy, ignore=shutil.ignore_patterns("*-0000?.npy"))
        (self.source,), (self.target,) = original.glob("data-*"), copy.glob("data-*")
        self.path = copy
        self.fetched: list[list[str]] = []

    def fetch(self, names: Sequence[str]) -> None:
        self.fetched.append(sorted(names))
        for name in names:
            shutil.copyfile(self.source / name, self.target / f"{name}.part")
            os.replace(self.target / f"{name}.part", self.target / name)

    def numbers(self) -> list[int | None]:
        """Which shards were fetched, in order."""
        return [shard_number(names[0]) for names in self.fetched]


@pytest.fixture
def elsewhere(sharded_bundle: Path, tmp_path: Path) -> Elsewhere:
    return Elsewhere(sharded_bundle, tmp_path / "copy")


def user_of(bundle: Bundle, shard: int) -> str:
    """The id of the first user of a shard."""
    return str(bundle.first_users[shard] + 1)


def test_a_shard_is_fetched_when_somebody_asks_about_its_users(
    elsewhere: Elsewhere, tiny: Recommender
) -> None:
    bundle = Bundle.open(elsewhere.path, elsewhere.fetch)
    matinee = Recommender(bundle)
    user = user_of(bundle, 2)
    assert elsewhere.fetched == []
    assert matinee.recommend_for_user(user) == tiny.recommend_for_user(user)
    assert elsewhere.fetched == [sorted(f"{name}-00002.npy" for name in ARRAYS)]
    assert matinee.rated_by(user) == tiny.rated_by(user)
    assert bundle.shards.mapped == [2]
    assert len(elsewhere.fetched) == 1
    assert answers(matinee) == answers(tiny)
    assert sorted(elsewhere.numbers()) == list(range(SHARDS))
    assert bundle.untouched


def test_what_asks_about_no_user_fetches_nothing(elsewhere: Elsewhere, tiny: Recommender) -> None:
    matinee = Recommender(Bundle.open(elsewhere.path, elsewhere.fetch))
    for method in matinee.methods:
        assert matinee.find_similar_movies(12, method=method)
    assert matinee.recommend({1: 5.0, 12: 1.0}) == tiny.recommend({1: 5.0, 12: 1.0})
    assert matinee.recommend({}) == tiny.recommend({})
    assert matinee.search("movie")
    assert matinee.popular()
    assert matinee.quick_start()
    assert matinee.users(5)
    pairs = [("nobody", 12), ("nobody", 999)]
    assert matinee.predict(pairs).tolist() == tiny.predict(pairs).tolist()
    assert matinee.predict([]).shape == (0,)
    assert elsewhere.fetched == []


def test_predictions_fetch_the_shards_of_their_users(
    elsewhere: Elsewhere, tiny: Recommender
) -> None:
    bundle = Bundle.open(elsewhere.path, elsewhere.fetch)
    users = [user_of(bundle, shard) for shard in (3, 1, 3)]
    pairs = [(user, movie) for user in [*users, "nobody"] for movie in (12, 3, 999)]
    assert Recommender(bundle).predict(pairs).tolist() == tiny.predict(pairs).tolist()
    assert elsewhere.numbers() == [1, 3]


def test_shards_that_are_there_are_checked_and_mapped_at_once(elsewhere: Elsewhere) -> None:
    before = Bundle.open(elsewhere.path, elsewhere.fetch)
    for number in (1, 4):
        elsewhere.fetch(list(before.shards.files[number].values()))
    (damaged,) = elsewhere.target.glob("history_ratings-00004.npy")
    damaged.write_bytes(bytes(damaged.stat().st_size))
    elsewhere.fetched.clear()
    bundle = Bundle.open(elsewhere.path, elsewhere.fetch)
    assert bundle.shards.mapped == [1]
    assert len(bundle.shards.arrays(4)) == len(ARRAYS)
    assert elsewhere.fetched == [["history_ratings-00004.npy"]]


def test_the_files_that_are_not_of_a_shard_must_be_there(elsewhere: Elsewhere) -> None:
    (elsewhere.target / "history_offsets.npy").unlink()
    with pytest.raises(BundleError, match=r"history_offsets\.npy: cannot be read"):
        Bundle.open(elsewhere.path, elsewhere.fetch)


def test_many_who_ask_at_once_wait_for_one_fetch(elsewhere: Elsewhere, tiny: Recommender) -> None:
    threads = 8
    together = threading.Barrier(threads)
    matinee = Recommender(Bundle.open(elsewhere.path, elsewhere.fetch))

    def ask(number: int) -> object:
        together.wait()
        return matinee.recommend_for_user(users[number % 2])

    users = [user_of(matinee.bundle, shard) for shard in (1, 2)]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(ask, range(threads)))
    assert found == [tiny.recommend_for_user(users[number % 2]) for number in range(threads)]
    assert sorted(elsewhere.numbers()) == [1, 2]


def test_a_slow_fetch_holds_up_nobody_else(elsewhere: Elsewhere) -> None:
    goes_on = threading.Event()

    def fetch(names: Sequence[str]) -> None:
        if shard_number(names[0]) == 1:
            assert goes_on.wait(30)
        elsewhere.fetch(names)

    bundle = Bundle.open(elsewhere.path, fetch)
    bundle.shards.arrays(0)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(bundle.shards.arrays, 1)
        assert len(bundle.shards.arrays(0)) == len(bundle.shards.arrays(2)) == len(ARRAYS)
        assert bundle.shards.mapped == [0, 2]
        goes_on.set()
        assert slow.result() is bundle.shards.arrays(1)


def test_a_failed_fetch_is_that_users_trouble_alone(
    elsewhere: Elsewhere, tiny: Recommender
) -> None:
    failing = {1}

    def fetch(names: Sequence[str]) -> None:
        if shard_number(names[0]) in failing:
            raise ConnectionError("nobody answers")
        elsewhere.fetch(names)

    matinee = Recommender(Bundle.open(elsewhere.path, fetch))
    unlucky, lucky = (user_of(matinee.bundle, shard) for shard in (1, 2))
    for _ in range(2):
        with pytest.raises(BundleError, match=r"shard 1 .*\(nobody answers\); try again$"):
            matinee.hybrid_recommend(unlucky)
    assert matinee.hybrid_recommend(lucky) == tiny.hybrid_recommend(lucky)
    failing.clear()
    assert matinee.hybrid_recommend(unlucky) == tiny.hybrid_recommend(unlucky)


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: os.truncate(file, 130)])
def test_what_was_fetched_is_checked(elsewhere: Elsewhere, harm: Callable[[Path], object]) -> None:
    harmed, harming = elsewhere.target / "history_movies-00001.npy", True

    def fetch(names: Sequence[str]) -> None:
        elsewhere.fetch(names)
        if harming:
            harm(harmed)

    bundle = Bundle.open(elsewhere.path, fetch)
    with pytest.raises(BundleError, match=str(harmed)):
        bundle.shards.arrays(1)
    assert bundle.shards.mapped == []
    harming = False
    assert len(bundle.shards.arrays(1)) == len(ARRAYS)
    assert elsewhere.fetched[1:] == 3 * [[harmed.name]]


def test_what_another_process_removes_before_it_is_mapped_is_fetched_again(
    elsewhere: Elsewhere, tiny: Recommender
) -> None:
    def make_room(names: Sequence[str]) -> None:
        for file in elsewhere.target.glob("*-0000?.npy"):
            file.unlink()
        elsewhere.fetch(names)

    other = Bundle.open(elsewhere.path, make_room)  # as another process has it

    def fetch(names: Sequence[str]) -> None:
        elsewhere.fetch(names)
        if len(elsewhere.fetched) == 1:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(other.shards.arrays, 3).result()

    matinee = Recommender(Bundle.open(elsewhere.path, fetch))
    user = user_of(matinee.bundle, 1)
    assert matinee.recommend_for_user(user) == tiny.recommend_for_user(user)
    assert elsewhere.numbers() == [1, 3, 1]


def mapped_but_removed() -> int:
    """Return how many removed shard files the process has mapped. Source: proc(5)."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sum("-0000" in line and line.endswith("(deleted)") for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/maps")
def test_shards_that_are_removed_to_make_room_are_let_go_of_and_fetched_again(
    elsewhere: Elsewhere, tiny: Recommender
) -> None:
    def fetch(names: Sequence[str]) -> None:
        for number in bundle.shards.mapped[:-1]:  # all but the last used
            for name in bundle.shards.files[number].values():
                (elsewhere.target / name).unlink()
        elsewhere.fetch(names)

    bundle = Bundle.open(elsewhere.path, fetch)
    matinee = Recommender(bundle)
    users = [user_of(bundle, shard) for shard in range(SHARDS)]
    matinee.user(users[0])
    reading = bundle.shards.arrays(0)["history_movies"]
    before = reading.tolist(), mapped_but_removed()
    for shard in (1, 2, 1):
        matinee.user(users[shard])
    assert bundle.shards.mapped == [2, 1]  # the least recently used first
    assert not list(elsewhere.target.glob("*-00000.npy"))
    assert bundle.untouched
    assert (reading.tolist(), mapped_but_removed() - 1) == before
    del reading
    assert mapped_but_removed() == before[1]
    assert matinee.recommend_for_user(users[0]) == tiny.recommend_for_user(users[0])
    assert elsewhere.numbers() == [0, 1, 2, 0]
    assert bundle.shards.mapped == [1, 0]


def test_everybody_is_ranked_with_few_shards_on_the_disk(
    elsewhere: Elsewhere, tiny: Recommender
) -> None:
    most = 0

    def fetch(names: Sequence[str]) -> None:
        nonlocal most
        for number in bundle.shards.mapped:
            for name in bundle.shards.files[number].values():
                (elsewhere.target / name).unlink(missing_ok=True)
        elsewhere.fetch(names)
        most = max(most, len(list(elsewhere.target.glob("history_movies-*"))))

    bundle = Bundle.open(elsewhere.path, fetch)
    found = [(user, movies) for user, movies, _ in Recommender(bundle).recommend_all(3)]
    assert found == [(user, movies) for user, movies, _ in tiny.recommend_all(3)]
    assert set(elsewhere.numbers()) == set(range(SHARDS))
    assert most < SHARDS


def test_writing_into_a_fetched_shard_is_noticed(elsewhere: Elsewhere) -> None:
    bundle = Bundle.open(elsewhere.path, elsewhere.fetch)
    bundle.shards.arrays(2)
    assert bundle.untouched
    os.truncate(elsewhere.target / "stars_user_bias-00002.npy", 10)
    assert not bundle.untouched


def test_a_bundle_without_shards_of_something(tiny_bundle: Path) -> None:
    bundle = Bundle.open(tiny_bundle)
    with pytest.raises(BundleError, match="there are no shards of ranking_outputs"):
        bundle.shards.rows("ranking_outputs", [0, 10])


def test_the_manifest_says_the_first_users(sharded_bundle: Path) -> None:
    _, manifest = read_manifest(sharded_bundle)
    offsets = Bundle.open(sharded_bundle).array("history_offsets")
    firsts = manifest.info["shards"]
    assert [*np.diff(offsets[[*firsts, len(offsets) - 1]])] == [
        len(Bundle.open(sharded_bundle).shards.arrays(number)["history_movies"])
        for number in range(SHARDS)
    ]
    assert History.from_bundle(Bundle.open(sharded_bundle)).n_users == len(offsets) - 1
