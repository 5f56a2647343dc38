import csv
import io
import json
from collections.abc import Callable

from debug_memory import ActionRecord
from memory_toolkit.panel.exporting import COLUMNS, as_csv, as_json
from memory_toolkit.panel.host import Host, introduce

Record = Callable[..., ActionRecord]


def test_csv_holds_bytes_and_seconds(record: Record) -> None:
    odd = record('a "b", c\nd', session=None, error=True, duration=0.0123456789)
    rows = list(csv.DictReader(io.StringIO(as_csv([record(), odd]))))
    assert [list(row) for row in rows] == [list(COLUMNS)] * 2
    assert rows[0] == {
        "started": "1970-01-01T00:16:40.000+00:00",
        "name": "load",
        "action": "load",
        "session": "a1b2",
        "before": str(40 << 20),
        "after": str(42 << 20),
        "change": str(2 << 20),
        "peak": str(50 << 20),
        "peak_source": "exact",
        "rss_before": str(60 << 20),
        "rss_after": str(62 << 20),
        "duration": "0.25",
        "overlaps": "0",
        "error": "False",
    }
    assert rows[1]["name"] == 'a "b", c\nd'
    assert (rows[1]["session"], rows[1]["error"], rows[1]["duration"]) == ("", "True", "0.012346")


def test_json_holds_the_same(record: Record) -> None:
    (row,) = json.loads(as_json([record("메모리", session=None, error=True)]))
    assert list(row) == list(COLUMNS)
    assert (row["name"], row["session"], row["error"]) == ("메모리", None, True)
    assert row["change"] == row["after"] - row["before"] == 2 << 20


def test_nothing_recorded_is_a_head_and_an_empty_list() -> None:
    assert as_csv([]) == ",".join(COLUMNS) + "\r\n"
    assert json.loads(as_json([])) == []


def test_names_are_those_on_the_screen(record: Record) -> None:
    introduce(Host(language=lambda: "ko", translate={"action.find": "찾기"}.__getitem__))
    found = [record("action.find"), record("memory.return")]
    assert [row["name"] for row in json.loads(as_json(found))] == ["찾기", "메모리 정리하고 반환"]
    rows = csv.DictReader(io.StringIO(as_csv(found)))
    assert [row["action"] for row in rows] == ["action.find", "memory.return"]
