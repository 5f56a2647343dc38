"""Keeps what earlier tests left in the process away from what is measured in it."""

from __future__ import annotations

import pytest

from memory_toolkit.measure.returning import return_memory


@pytest.fixture(autouse=True)
def settled(request: pytest.FixtureRequest) -> None:
    """Give back garbage before a test measures, so that none is freed in its middle."""
    if hasattr(request.module, "near"):
        return_memory()
