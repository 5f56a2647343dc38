import re

import pytest

from memory_toolkit.measure.limit import enforced_limit
from memory_toolkit.measure.sizes import MB
from recommender.core.errors import SettingsError
from recommender.settings.environment import LIMIT_VARIABLE
from recommender.settings.memory_budget import OPTION, MemoryBudget


def test_what_is_given_counts_up_to_what_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "200M")
    found = MemoryBudget.find(300 * MB)
    assert (found.bytes, found.source) == (300 * MB, OPTION)
    there = enforced_limit()
    too_much = MemoryBudget.find(there.bytes + 1)
    assert (too_much.bytes, too_much.source) == (there.bytes, there.source)


def test_without_it_the_limit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)
    assert MemoryBudget.find().bytes == enforced_limit().bytes
    monkeypatch.setenv(LIMIT_VARIABLE, "200M")
    found = MemoryBudget.find()
    assert (found.bytes, found.source) == (200 * MB, LIMIT_VARIABLE)


@pytest.mark.parametrize(
    ("variable", "given", "message"),
    [
        ("", 96 * MB, "--memory-limit 96.0 MB is too little: training needs at least 160M; give"),
        ("96M", None, "the memory limit of 96.0 MB (MATINEE_MEMORY_LIMIT) is too little: "),
        ("much", None, "MATINEE_MEMORY_LIMIT=much: give a size of at least 1M"),
    ],
)
def test_what_is_too_little(
    variable: str, given: int | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, variable)
    with pytest.raises(SettingsError, match=re.escape(message)):
        MemoryBudget.find(given)


@pytest.mark.parametrize(
    ("limit", "cores", "database", "threads"),
    [
        (160, 2, 64, 1),
        (256, 1, 64, 1),
        (256, 2, 100, 2),
        (256, 8, 106, 2),
        (512, 2, 100, 2),
        (512, 8, 362, 7),
        (65536, 8, 400, 8),
        (65536, 64, 400, 8),
    ],
)
def test_the_database_gets_what_makes_it_faster(
    limit: int, cores: int, database: int, threads: int
) -> None:
    budget = MemoryBudget(limit * MB, OPTION, cores)
    assert (budget.database, budget.threads) == (database * MB, threads)
