"""Writes made-up articles with their tags and vectors: ``python -m examples.flask_tags.articles``.

gunicorn.conf.py runs it before the first worker starts, in a process that ends again.
"""

import os
import sqlite3
from itertools import product

from examples.flask_tags.store import FILE
from examples.sentence_model import SentenceModel

WHO = {"dog": "a puppy", "cat": "a kitten", "car": "an old automobile", "bread": "a fresh loaf"}
WHAT = {"travel": "crosses the country", "home": "waits in the kitchen", "money": "is sold"}
WHEN = {"winter": "in the snow", "summer": "on a hot day", "night": "after dark"}


def make() -> None:
    """Write the articles to the database."""
    rows = list(product(WHO, WHAT, WHEN))
    texts = [f"{WHO[who]} {WHAT[what]} {WHEN[when]}" for who, what, when in rows]
    vectors = SentenceModel().encode(texts)
    unfinished = FILE.with_suffix(f".{os.getpid()}")
    store = sqlite3.connect(unfinished)
    with store:
        store.execute("CREATE TABLE articles (text TEXT, tags TEXT, vector BLOB)")
        store.executemany(
            "INSERT INTO articles VALUES (?, ?, ?)",
            [
                (text, f" {' '.join(tags)} ", vector.tobytes())
                for text, tags, vector in zip(texts, rows, vectors, strict=True)
            ],
        )
    store.close()
    unfinished.replace(FILE)


if __name__ == "__main__" and not FILE.exists():
    make()
