"""Hands tests that share something costly to one worker, so that it is made once.

The largest such part comes first: tests/memory_toolkit, which measures its own process and finds
none of what other tests leave in theirs.

By path: pytest-xdist 3.8 writes its groups into an attribute of the tests that pytest 9.2 no
longer reads.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

SHARING = (
    "tests/app/server/test_workers.py",
    "tests/benchmarks/test_make_ratings.py",
    "tests/browser/",
    "tests/evaluation/test_judging.py",
    "tests/memory_toolkit/",
    "tests/project/test_image.py",
    "tests/project/test_wheel.py",
    "tests/remote/test_object_storage.py",
    "tests/search/semantic/test_embed.py",
    "tests/spark/",
    "tests/visitors/",
)


class SharingScheduler(LoadScopeScheduling):
    """Scheduler that hands out single tests, and those below a path of `SHARING` as one."""

    def _split_scope(self, nodeid: str) -> str:
        return next((path for path in SHARING if nodeid.startswith(path)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharingScheduler:
    """Return the scheduler above, whatever `--dist` says."""
    return SharingScheduler(config, log)
