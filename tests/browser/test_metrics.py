"""Metrics of what visitors do."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.browser.chromium import Page, expect
from tests.browser.drawn import titles
from tests.browser.serving import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]


def sample(server: Server, name: str, **labels: str) -> float:
    """One figure; 0 where there is none."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    values = (s.value for f in families for s in f.samples if (s.name, s.labels) == (name, labels))
    return next(values, 0.0)


def test_a_visit_is_counted(debug_server: Server, visit: Visit) -> None:
    action = {"action": "action.for_you"}
    before = sample(debug_server, "matinee_actions_total", **action)
    admitted = sample(debug_server, "matinee_guard_decisions_total", decision="admitted")
    page = visit(f"{debug_server.url}/for-you?user=42")
    expect(titles(page)).to_have_count(12)
    assert sample(debug_server, "matinee_actions_total", **action) > before
    assert sample(debug_server, "matinee_action_seconds_total", **action) > 0
    assert sample(debug_server, "matinee_action_peak_bytes", **action) > 0
    now = sample(debug_server, "matinee_guard_decisions_total", decision="admitted")
    assert now > admitted
    assert sample(debug_server, "matinee_sessions", state="connected") > 0
    kept = sample(debug_server, "matinee_sessions", state="kept")
    page.close()
    end = time.monotonic() + 10
    while sample(debug_server, "matinee_sessions", state="kept") <= kept:
        assert time.monotonic() < end, "a closed tab's session is not among the kept ones"
        time.sleep(0.1)
