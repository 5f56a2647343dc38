"""The script without the toolkit: all rows at once, and killed before the first is stored."""

from examples.batch_embed.descriptions import arguments, descriptions, open_store
from examples.sentence_model import SentenceModel

file, count = arguments()
store = open_store(file)
rows = descriptions(count)
vectors = SentenceModel().encode([text for _, text in rows])
with store:
    store.executemany(
        "INSERT INTO vectors VALUES (?, ?)",
        [(number, vector.tobytes()) for (number, _), vector in zip(rows, vectors, strict=True)],
    )
