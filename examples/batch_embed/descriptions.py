"""Made-up descriptions, and the table that their vectors go into."""

import random
import sqlite3
import sys
from pathlib import Path

ADJECTIVES = ("young", "old", "lost", "hidden", "silent", "broken")
NOUNS = (
    "city",
    "river",
    "letter",
    "train",
    "doctor",
    "sister",
    "captain",
    "thief",
    "painter",
    "dog",
)
WORDS = [f"{adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS]
Row = tuple[int, str]


def descriptions(count: int) -> list[Row]:
    """Return `count` numbered texts of 124 words each."""
    chosen = random.Random(0)
    return [(number, " ".join(chosen.choices(WORDS, k=62))) for number in range(count)]


def arguments() -> tuple[Path, int]:
    """Return what the command line names: a database, and how many descriptions."""
    if len(sys.argv) != 3 or not sys.argv[2].isdecimal():
        sys.exit("usage: python -m examples.batch_embed.after DATABASE COUNT")
    return Path(sys.argv[1]), int(sys.argv[2])


def open_store(file: Path) -> sqlite3.Connection:
    """Open the database, with the table ``vectors``."""
    store = sqlite3.connect(file)
    store.execute("CREATE TABLE IF NOT EXISTS vectors (number INTEGER PRIMARY KEY, vector BLOB)")
    return store
