import mmap
import re
import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from streamlit.testing.v1 import AppTest

from debug_memory import MB, ActionRecord, Summary, action, actions, summaries
from memory_toolkit.panel.pieces import megabytes
from memory_toolkit.panel.table import ORDERS, SHOWN_ACTIONS, _totals
from memory_toolkit.panel.texts import texts
from memory_toolkit.record import actions as toolkit
from tests.memory_toolkit.panel.drawn import flat, html, show, words

Record = Callable[..., ActionRecord]


def names(side: AppTest) -> list[str]:
    """The names in the table, from above."""
    return re.findall(r'<th colspan="\d" scope="rowgroup">(.*?)</th>', html(side))


def by_name(side: AppTest) -> AppTest:
    return show(side, "actions").sidebar.segmented_control[1].set_value("memory.totals").run()


def summary(name: str, **given: object) -> Summary:
    plain: dict[str, object] = {
        "calls": 40,
        "errors": 0,
        "seconds": 2.0,
        "median_peak": 3 * MB,
        "worst_peak": 9 * MB,
        "last_change": 0,
        "growth_per_call": 0,
        "leak": False,
    }
    return Summary(name=name, **{**plain, **given})  # type: ignore[arg-type]


def new_pages() -> mmap.mmap:
    """40 MB of the system's: of its own, a process that lives long may have as many free."""
    pages = mmap.mmap(-1, 40 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for place in range(0, len(pages), mmap.PAGESIZE):
        pages[place] = 1
    return pages


def test_before_anything_was_measured(side: AppTest) -> None:
    assert texts()["en"]["memory.empty"] in words(show(side.run(), "actions"))
    assert "<table" not in html(side)
    assert texts()["en"]["memory.empty"] in words(by_name(side))


def test_one_row_for_each_action_of_any_thread(side: AppTest) -> None:
    with action("load <b>"):
        kept = new_pages()
    thread = threading.Thread(target=action("memory.return")(lambda: None))
    thread.start()
    thread.join()
    found = words(show(side.run(), "actions"))
    # A name that is a key of the texts is translated, any other is shown and escaped.
    assert names(side) == ["Collect and return memory", "load &lt;b&gt;"]
    newest, oldest = actions()
    assert f"|{datetime.fromtimestamp(newest.started):%H:%M:%S}|" in found
    change = megabytes(oldest.change, signed=True)
    assert f"|{megabytes(oldest.before)}|{megabytes(oldest.after)}|{change}|" in found
    assert f"{megabytes(oldest.peak)}|{oldest.duration * 1000:.0f} ms|" in found
    assert oldest.change > 38 * MB
    assert texts()["en"]["memory.legend"] in found
    assert len(kept) == 40 * MB


def test_what_disturbed_an_action_and_whose_it_was(
    side: AppTest, without_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolkit, "_session", lambda: "f00d")
    with action("other"):
        thread = threading.Thread(target=action("inside")(lambda: None))
        thread.start()
        thread.join()
    with pytest.raises(OSError, match="gone"), action("failing"):
        raise OSError("gone")
    found = words(show(side.run(), "actions"))
    assert found.count("|others at the same time: 1|") == 2
    assert found.count("|ended in an error|") == 1
    assert found.count("|f00d · ") == 3
    assert found.count("|~") == 3


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("newest", ["late", "middle", "early"]),
        ("change", ["middle", "late", "early"]),
        ("peak", ["early", "middle", "late"]),
        ("duration", ["middle", "early", "late"]),
    ],
)
def test_the_order_can_be_chosen(
    side: AppTest, record: Record, order: str, expected: list[str]
) -> None:
    toolkit._records.extend(
        [
            record("early", started=1, peak=90 * MB, after=30 * MB, duration=2),
            record("middle", started=2, peak=80 * MB, after=60 * MB, duration=3),
            record("late", started=3, peak=70 * MB, after=50 * MB, duration=1),
        ]
    )
    show(side.run(), "actions")
    assert names(side) == ["late", "middle", "early"]
    side.sidebar.selectbox(key="memory.order").set_value(f"memory.order_{order}").run()
    assert names(side) == expected
    assert f"memory.order_{order}" in ORDERS


def test_a_part_of_the_name_filters_both_tables(side: AppTest) -> None:
    for name in ("memory.return", "index", "reindex"):
        with action(name):
            pass
    show(side.run(), "actions")
    assert names(side.sidebar.text_input[0].set_value(" INDEX ").run()) == ["reindex", "index"]
    assert sorted(names(by_name(side))) == ["index", "reindex"]
    # What is compared is the name that the visitor sees.
    assert names(side.sidebar.text_input[0].set_value("collect").run()) == [
        "Collect and return memory"
    ]
    assert names(side.sidebar.text_input[0].set_value("memory.return").run()) == []


def test_no_more_are_listed_than_can_be_read(side: AppTest, record: Record) -> None:
    toolkit._records.extend(record(f"n{n}", started=n) for n in range(SHOWN_ACTIONS + 3))
    found = words(show(side.run(), "actions"))
    assert len(names(side)) == SHOWN_ACTIONS
    assert "n2" not in names(side)
    assert f"|{SHOWN_ACTIONS} of {SHOWN_ACTIONS + 3}; the files below hold all.|" in found


def test_clearing_forgets_actions_and_summaries(side: AppTest) -> None:
    with action("load"):
        pass
    show(side.run(), "actions")
    assert names(side) == ["load"]
    side.sidebar.button[-1].click().run()
    assert names(side) == []
    assert summaries() == []


def test_by_name_it_says_what_they_took_together(side: AppTest) -> None:
    for _ in range(3):
        with action("load"):
            kept = new_pages()
            del kept
    with pytest.raises(OSError, match="gone"), action("load"):
        raise OSError("gone")
    found = words(by_name(side.run()))
    assert names(side) == ["load"]
    (one,) = summaries()
    assert f"|{one.seconds / 4 * 1000:.0f} ms on average|" in found
    assert f"|4|{megabytes(one.median_peak)}|{megabytes(one.worst_peak)}|" in found
    assert one.worst_peak > 38 * MB
    assert "|ended in an error: 1|" in found
    assert "leak" not in found


def test_what_seems_to_leak_comes_first_and_is_said() -> None:
    leaking = summary("memory.return", leak=True, growth_per_call=1_300_000, worst_peak=MB)
    found = flat(_totals([summary("large", worst_peak=900 * MB), leaking]))
    assert "Collect and return memory seems to leak: each call keeps 1.2 MB." in found
    assert found.index("|40|3.0|1.0|+1.2|") < found.index("|40|3.0|900.0|0.0|")
