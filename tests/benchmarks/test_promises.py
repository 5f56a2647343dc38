import pytest

from benchmarks import promises
from benchmarks.report import Row


def host(rss_mb: float = 80, exit_status: int = 143, oom_kills: int = 0) -> Row:
    return {"rss_mb": rss_mb, "exit_status": exit_status, "oom_kills": oom_kills}


def test_the_largest_start_counts() -> None:
    assert promises.started([host(80.04), host(82)]) == (
        "82.0 MB at most, file pages and all",
        True,
    )
    assert not promises.started([host(), host(200)])[1]


@pytest.mark.parametrize(
    ("bad", "seen"),
    [
        (host(exit_status=137), "exit status 137, 143; killed for want of memory: 0"),
        (host(oom_kills=2), "exit status 143; killed for want of memory: 2"),
    ],
)
def test_one_kill_at_any_size_is_a_broken_promise(bad: Row, seen: str) -> None:
    assert promises.survived([host(), host()])[1]
    assert promises.survived([host(), bad]) == (seen, False)


def test_each_size_has_its_template() -> None:
    for template in promises.SIZES.values():
        assert (promises.ROOT / "deploy" / f"{template}.env").is_file()
