"""The app without the toolkit: each worker loads the model when it starts."""

from flask import Flask, request

from examples.flask_tags.store import by_meaning, by_tag
from examples.sentence_model import SentenceModel

app = Flask(__name__)
model = SentenceModel()


@app.get("/tags/<tag>")
def tagged(tag: str) -> list[str]:
    """Return the articles with a tag."""
    return by_tag(tag)


@app.get("/search")
def search() -> list[str]:
    """Return the articles that are nearest to ``?q=…`` by meaning."""
    return by_meaning(model.encode([request.args["q"]])[0])
