"""The page of a recording: what it says, and that it needs nothing else."""

import json
import re
from html.parser import HTMLParser

import pytest

from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.ending import Ending
from memory_toolkit.record.page import page
from memory_toolkit.record.recorder import Recording, Sample


def recorded(limit: int, *sizes: int, command: str = "train.py") -> Recording:
    recording = Recording(("python3", command), 0.5, limit * MB, "cgroup v1 /x", ("a <note>",))
    for number, own in enumerate(sizes):
        sample = Sample(number / 2, own * MB, (own + 1) * MB, 8 * MB, 1, 77, "python3")
        recording.add(sample, 0.002)
    recording.ending = Ending("limit", "was killed by the limit", 137)
    return recording


class _Reader(HTMLParser):
    """Collects the text, and the addresses that a browser would ask for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.asked, self.tags = "", [], []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self.asked += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_says_how_the_command_ended_and_what_it_took() -> None:
    read = _Reader(page(recorded(64, 10, 50, 20)))
    for words in (
        *("It was killed by the limit.", "python3 train.py", "a <note>", "51.0 MB", "80%"),
        *("limit 64.0 MB", "peak 51.0 MB", "51.0 MB after 0.5 s", "cgroup v1 /x"),
    ):
        assert words in read.text
    assert ("p", {"class": "ending limit"}) in read.tags


def test_it_asks_the_network_for_nothing() -> None:
    html = page(recorded(64, 10, 50))
    assert _Reader(html).asked == ["data:,"]
    assert not re.search(r"https?:|@import|url\(", html)


def test_a_hostile_command_stays_text() -> None:
    hostile = "</script><img src=x onerror=alert(1)>"
    read = _Reader(page(recorded(64, 10, 50, command=hostile)))
    assert hostile in read.text
    assert not any(tag == "img" for tag, _ in read.tags)


def test_the_lines_stand_where_the_figures_say() -> None:
    html = page(recorded(100, 0, 49))
    (limit,) = re.findall(r'class="mark limit" style="bottom:([\d.]+)%"', html)
    (peak,) = re.findall(r'class="peak \w+" style="left:100.00%;bottom:([\d.]+)%"', html)
    assert float(peak) / float(limit) == pytest.approx(0.5, abs=0.001)
    data = json.loads(re.search(r"const points = (\[.*?\]), seconds", html)[1])  # type: ignore[index]
    assert data == [[0.0, 0.0, 1.0, 8.0], [0.5, 49.0, 50.0, 8.0]]


def test_a_limit_far_above_is_said_and_not_drawn() -> None:
    html = page(recorded(24_000, 10, 50))
    assert "limit of 24,000.0 MB lies far above the picture" in html
    assert 'class="mark' not in html


def test_a_command_without_samples_has_a_page() -> None:
    read = _Reader(page(recorded(64)))
    assert "It ended before the first sample." in read.text
    assert not any(tag == "svg" for tag, _ in read.tags)
