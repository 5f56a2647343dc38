"""pytest plugin: ``@pytest.mark.max_memory("100 MB")`` fails a test that takes more at its peak."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import format_bytes, parse_size
from memory_toolkit.record.actions import ActionRecord, action

MARKER = "max_memory"
_SIGNS = {"exact": "", "at least": "at least ", "sampled": "sampled, at least "}


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f'{MARKER}("100 MB"): fail the test if its own memory rises by more than that at its peak',
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marker that names no size, before any test runs.

    Raises:
        pytest.UsageError: names the test and what to write.
    """
    for item in items:
        try:
            _limit(item)
        except (TypeError, ValueError) as error:
            raise pytest.UsageError(f"{item.nodeid}: {MARKER}: {error}") from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure the test without its fixtures, and fail it if it took too much."""
    limit = _limit(item)
    if limit is None:
        return (yield)
    return_memory()  # what earlier tests left free would be taken again without being seen
    with action(item.nodeid) as measured:
        found = yield
    if problem := _problem(measured.record, limit):
        pytest.fail(problem, pytrace=False)
    return found


def _limit(item: pytest.Item) -> int | None:
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return None
    if len(marker.args) != 1 or marker.kwargs or not isinstance(marker.args[0], str):
        raise TypeError('write one size, such as "100 MB"')
    return parse_size(marker.args[0])


def _problem(record: ActionRecord, limit: int) -> str | None:
    taken = record.peak - record.before
    if taken <= limit:
        return None
    most = f"{_SIGNS[record.peak_source]}{format_bytes(taken)} at its peak"
    return f"took {most}, more than the {format_bytes(limit)} of {MARKER}"
