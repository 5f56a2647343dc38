import re
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

import pytest

from debug_memory import MB, ActionRecord, Point
from memory_toolkit.panel.timeline_chart import COLUMNS, SHOWN_ACTIONS, timeline
from tests.memory_toolkit.panel.drawn import flat

Record = Callable[..., ActionRecord]
NOW = 1_700_000_005.0  # a multiple of five seconds
LIMIT = 1000 * MB


def points(seconds: int, own: int = 50 * MB) -> list[Point]:
    """So many notes, one each second, the last of them now."""
    return [Point(NOW - seconds + 1 + second, own, 0) for second in range(seconds)]


def corners(html: str, name: str) -> list[tuple[float, float]]:
    """Return where the corners of a shape are, in per cent."""
    polygon = re.search(rf'class="{name}" style="clip-path: polygon\((.*?)\)"></div>', html)
    assert polygon is not None
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+)% ([\d.]+)%", polygon[1])]


def test_nothing_is_drawn_before_the_first_note() -> None:
    assert timeline([], [], NOW, LIMIT) == ""
    assert timeline(points(3), [], NOW + 3600, LIMIT) == ""


def test_the_area_is_what_was_held() -> None:
    noted = [*points(300)[:150], *points(150, 75 * MB)]
    html = timeline(noted, [], NOW, LIMIT)
    assert "|Last 5 min, highest 75.0 MB|" in flat(html)
    assert "|95 MB|" in flat(html)
    area = corners(html, "memory-area")
    assert area[0][1] == area[-1][1] == 100.0
    left = [y for x, y in area[1:-1] if x < 49]
    right = [y for x, y in area[1:-1] if x > 51]
    assert set(left) == {round(100 * (1 - 50 / 95), 1)}
    assert set(right) == {round(100 * (1 - 75 / 95), 1)}
    assert 90 < len(left) + len(right) <= COLUMNS + 4


def test_of_many_notes_the_highest_are_drawn() -> None:
    noted = points(600)
    noted[301] = noted[301]._replace(own=80 * MB)
    html = timeline(noted, [], NOW, LIMIT)
    assert len(corners(html, "memory-area")) <= COLUMNS + 5
    assert min(y for _, y in corners(html, "memory-area")) == round(100 * (1 - 80 / 100), 1)


def test_it_is_drawn_anew_each_five_seconds_only() -> None:
    noted = points(120)
    first = timeline(noted, [], NOW, LIMIT)
    later = [*noted, *(Point(NOW + second, 60 * MB, 0) for second in range(1, 6))]
    assert timeline(later[:-1], [], NOW + 4.9, LIMIT) == first
    assert timeline(later, [], NOW + 5, LIMIT) != first


@pytest.mark.parametrize(("limit", "drawn"), [(100 * MB, True), (200 * MB, False)])
def test_the_limit_is_drawn_when_it_is_near(limit: int, drawn: bool) -> None:
    html = timeline(points(60), [], NOW, limit)
    assert ("|limit|" in flat(html)) == drawn
    if drawn:
        assert '<u style="top: 33.3%">' in html  # 100 of 150 MB
        assert html.count('<u class="memory-share"') == 3
        assert '<u class="memory-share" style="top: 46.7%"></u>' in html  # 80 of 150 MB
        assert "|70%|80%|95%|limit|" in flat(timeline(points(60), [], NOW, limit, large=True))


def test_an_action_is_marked_with_what_it_took(record: Record) -> None:
    one = record('load "x" <b>', started=NOW - 30, duration=6.0, peak_source="at least", error=True)
    html = timeline(points(60), [one, record(started=NOW - 3600)], NOW, LIMIT)
    (mark,) = re.findall(r"<i[ >].*?</i>", html)
    time = f"{datetime.fromtimestamp(NOW - 30):%H:%M:%S}"
    assert f'title="{time} load &quot;x&quot; &lt;b&gt;: +2.0 MB, peak ≥50.0 MB, 6.0 s"' in mark
    assert "class=memory-failed" in mark
    assert "left: 50.0%; top: 23.1%; width: 10.0%; height: 15.4%" in mark  # of 60 s and 65 MB


def test_a_peak_that_no_note_caught_is_in_the_picture(record: Record) -> None:
    html = timeline(points(60), [record(started=NOW - 9, peak=190 * MB)], NOW, LIMIT)
    assert "highest 190.0 MB" in html
    assert "|250 MB|" in flat(html)


def test_only_the_newest_actions_are_marked(record: Record) -> None:
    records = [record(f"n{second}", started=NOW - second) for second in range(300)]
    html = timeline(points(600), records[::-1], NOW, LIMIT)
    assert html.count("<i title") == SHOWN_ACTIONS
    assert " n99:" in html
    assert " n100:" not in html


@pytest.mark.parametrize(
    ("seconds", "apart", "form"), [(60, 15, "%H:%M:%S"), (200, 60, "%H:%M"), (600, 120, "%H:%M")]
)
def test_the_times_below_it(seconds: int, apart: int, form: str) -> None:
    html = timeline(points(seconds), [], NOW, LIMIT)
    labels = re.findall(r'<span style="left: ([\d.]+)%">([\d:]+)</span>', html)
    assert 2 <= len(labels) <= 5
    for (left, text), (right, _) in pairwise(labels):
        assert float(right) - float(left) == pytest.approx(100 * apart / seconds, abs=1)
        moment = NOW - seconds * (1 - float(left) / 100)
        assert text in {f"{datetime.fromtimestamp(moment + d):{form}}" for d in (-1, 0, 1)}


def test_the_last_minute_alone_can_be_shown() -> None:
    noted = [*points(300, 90 * MB)[:-61], *points(60)]
    assert "|Last 1 min, highest 50.0 MB|" in flat(timeline(noted, [], NOW, LIMIT, seconds=60))
