"""The app with the toolkit: the model is loaded when it is wanted and there is room for it."""

import logging
import os
import threading

from flask import Flask, request

from debug_memory import MB, Guard, Lazy, take_blas_buffers
from examples.flask_tags.store import by_meaning, by_tag
from examples.sentence_model import SentenceModel
from memory_toolkit.integrations.wsgi import protect_flask

logging.basicConfig(level=logging.INFO, format="%(process)d %(message)s")
# What a thread maps counts against the ceiling: its stack, 8 MB by default, and numpy's buffer.
threading.stack_size(MB)
take_blas_buffers(4)
app = Flask(__name__)
protect_flask(
    app,
    guard=Guard(wait=3.0),
    need=lambda environ: 8 * MB if environ["PATH_INFO"] == "/search" else 0,
)


idle_seconds = float(os.environ.get("IDLE_SECONDS", "600"))
model = Lazy(SentenceModel, need=120 * MB, idle=idle_seconds, name="sentence model")


@app.get("/tags/<tag>")
def tagged(tag: str) -> list[str]:
    """Return the articles with a tag."""
    return by_tag(tag)


@app.get("/search")
def search() -> list[str]:
    """Return the articles that are nearest to ``?q=…`` by meaning."""
    with model as loaded:
        return by_meaning(loaded.encode([request.args["q"]])[0])
