"""Articles in SQLite, asked through a pool of five connections."""

import queue
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

FILE = Path(tempfile.gettempdir(), "example-articles.sqlite")
CONNECTIONS = 5
WAIT_SECONDS = 10.0
_pool: queue.LifoQueue[sqlite3.Connection | None] = queue.LifoQueue()
for _ in range(CONNECTIONS):
    _pool.put(None)


@contextmanager
def connection() -> Iterator[sqlite3.Connection]:
    """Lend a connection of the pool; it is opened when it is first lent.

    Raises:
        queue.Empty: none came back in time.
    """
    lent = _pool.get(timeout=WAIT_SECONDS)
    try:
        lent = lent or sqlite3.connect(FILE, check_same_thread=False)
        yield lent
    finally:
        _pool.put(lent)


def by_tag(tag: str) -> list[str]:
    """Return the texts of the articles with a tag."""
    with connection() as store:
        rows = store.execute("SELECT text FROM articles WHERE tags LIKE ?", (f"% {tag} %",))
        return [text for (text,) in rows]


def by_meaning(vector: np.ndarray) -> list[str]:
    """Return the texts of the three articles that are nearest to a sentence's vector."""
    with connection() as store:
        texts, vectors = zip(*store.execute("SELECT text, vector FROM articles"), strict=True)
    scores = np.frombuffer(b"".join(vectors), np.float32).reshape(len(texts), -1) @ vector
    return [texts[place] for place in scores.argsort()[::-1][:3]]
