"""The script with the toolkit: batches of three, each stored before the next."""

import logging

from debug_memory import MB, Lazy, batches, format_bytes, snapshot
from examples.batch_embed.descriptions import Row, arguments, descriptions, open_store
from examples.sentence_model import SentenceModel

logging.basicConfig(level=logging.INFO, format="%(message)s")
file, count = arguments()
store = open_store(file)
model = Lazy(SentenceModel, need=110 * MB, idle=None, name="sentence model")


def embed(rows: list[Row]) -> None:
    """Store the vectors of `rows`."""
    with model as loaded:
        vectors = loaded.encode([text for _, text in rows])
    with store:
        store.executemany(
            "INSERT INTO vectors VALUES (?, ?)",
            [(number, vector.tobytes()) for (number, _), vector in zip(rows, vectors, strict=True)],
        )


def is_stored(row: Row) -> bool:
    """Return whether an earlier run has stored this row."""
    found = store.execute("SELECT 1 FROM vectors WHERE number = ?", row[:1])
    return found.fetchone() is not None


report = batches(descriptions(count), embed, done=is_stored, size=3, name="embed")
model.unload()
print(f"{report.rows} stored, {report.skipped} skipped, {format_bytes(snapshot().own)} at the end")
