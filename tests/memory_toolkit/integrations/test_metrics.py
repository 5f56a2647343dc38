import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from memory_toolkit.guard.guard import DECISIONS, GuardState
from memory_toolkit.integrations.metrics import (
    Metric,
    action_metrics,
    gauge,
    guard_metrics,
    labelled,
    memory_metrics,
    metrics_text,
)
from memory_toolkit.measure.sizes import MB
from memory_toolkit.measure.snapshot import Snapshot, snapshot
from memory_toolkit.record.summaries import Summary

NAMES = st.from_regex(r"\A[a-z][a-z_]{0,8}[a-z]\Z").filter(
    # These endings have a meaning of their own to the parser.
    lambda name: not name.endswith(("_total", "_created", "_info"))
)
NUMBERS = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)


def read(metrics: list[Metric]) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return what Prometheus's own parser makes of the text, by name and labels."""
    samples = [
        sample
        for family in text_string_to_metric_families(metrics_text(metrics, prefix="app"))
        for sample in family.samples
    ]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def labels(**pairs: str) -> frozenset[tuple[str, str]]:
    return frozenset(pairs.items())


def test_the_text_itself() -> None:
    text = metrics_text(
        [
            gauge("room_bytes", "How much\nis \\ left.", 1.5),
            labelled("seen_total", "counter", "Seen.", "who", {'a"b\\c\nd': 2, "nobody": None}),
            gauge("nothing", "Not known.", None),
        ],
        prefix="app",
    )
    assert text == (
        "# HELP app_room_bytes How much\\nis \\\\ left.\n"
        "# TYPE app_room_bytes gauge\n"
        "app_room_bytes 1.5\n"
        "# HELP app_seen_total Seen.\n"
        "# TYPE app_seen_total counter\n"
        'app_seen_total{who="a\\"b\\\\c\\nd"} 2\n'
    )
    assert metrics_text([]) == ""
    assert metrics_text([gauge("x", "X.", 1)], prefix="").splitlines()[-1] == "x 1"


@given(NAMES, st.text(), st.dictionaries(st.text(), NUMBERS, min_size=1))
def test_any_label_and_number_comes_through_the_parser(
    name: str, help_text: str, values: dict[str, float]
) -> None:
    text = metrics_text([labelled(name, "gauge", help_text, "label", values)], prefix="app")
    (family,) = text_string_to_metric_families(text)
    assert (family.name, family.type) == (f"app_{name}", "gauge")
    assert {sample.labels["label"]: sample.value for sample in family.samples} == values


@pytest.mark.parametrize(
    ("value", "text"),
    [(math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"), (2**60, str(2**60))],
)
def test_numbers_of_their_own_kind(value: float, text: str) -> None:
    assert metrics_text([gauge("x", "X.", value)], "app").splitlines()[-1] == f"app_x {text}"


def test_a_label_that_is_no_utf8_still_makes_a_page() -> None:
    found = read([labelled("x", "gauge", "X.", "path", {"/a\udcff": 1})])
    assert found == {("app_x", labels(path="/a\\udcff")): 1}


@pytest.mark.parametrize("name", ["", "a-b", "1 2", "ö"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a metric"):
        metrics_text([gauge(name, "X.", 1)], prefix="")
    with pytest.raises(ValueError, match="is no name of a metric"):
        metrics_text([labelled("x", "gauge", "X.", name, {"a": 1})])


def test_a_snapshot() -> None:
    now = Snapshot(
        rss=9 * MB,
        anon=5 * MB,
        shmem=MB,
        file=3 * MB,
        swap=0,
        peak=11 * MB,
        limit=20 * MB,
        limit_source="cgroup v1 /g",
        group_used=8 * MB,
        oom_kills=2,
        pressure=1.25,
    )
    kinds = {"own": 6, "anon": 5, "shmem": 1, "file": 3, "rss": 9, "swap": 0, "peak": 11}
    assert read(memory_metrics(now)) == {
        **{("app_memory_bytes", labels(kind=k)): mb * MB for k, mb in kinds.items()},
        ("app_memory_limit_bytes", labels(source="cgroup v1 /g")): 20 * MB,
        ("app_memory_headroom_bytes", labels()): 12 * MB,
        ("app_oom_kills_total", labels()): 2,
        ("app_memory_pressure_percent", labels()): 1.25,
    }


def test_what_is_not_known_is_left_out() -> None:
    found = read(memory_metrics(Snapshot(rss=9 * MB, limit=20 * MB, limit_source="machine")))
    assert found == {
        ("app_memory_bytes", labels(kind="own")): 9 * MB,
        ("app_memory_bytes", labels(kind="rss")): 9 * MB,
        ("app_memory_limit_bytes", labels(source="machine")): 20 * MB,
        ("app_memory_headroom_bytes", labels()): 11 * MB,
    }


def test_this_process() -> None:
    now = snapshot()
    found = read(memory_metrics(now))
    assert found["app_memory_bytes", labels(kind="own")] == now.own
    assert found["app_memory_headroom_bytes", labels()] == now.headroom


def test_actions() -> None:
    summary = Summary("action.home", 7, 1, 2.5, MB, 3 * MB, 0, 0, leak=False)
    assert read(action_metrics([summary])) == {
        ("app_actions_total", labels(action="action.home")): 7,
        ("app_action_errors_total", labels(action="action.home")): 1,
        ("app_action_seconds_total", labels(action="action.home")): 2.5,
        ("app_action_peak_bytes", labels(action="action.home")): 3 * MB,
    }
    assert metrics_text(action_metrics([])) == ""


def test_the_guard() -> None:
    counts = {decision: i for i, decision in enumerate(DECISIONS)}
    found = read(guard_metrics(GuardState(MB, MB, "full", active=3, waiting=4, counts=counts)))
    assert found == {
        **{("app_guard_decisions_total", labels(decision=d)): i for d, i in counts.items()},
        ("app_guard_active", labels()): 3,
        ("app_guard_waiting", labels()): 4,
    }
