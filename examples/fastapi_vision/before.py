"""The service without the toolkit: killed by the first request with 80 photos."""

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from examples.fastapi_vision.models import DETECTOR_MB, ENCODERS_MB, Model, photo

app = FastAPI()
models: dict[str, Model] = {}


class Photos(BaseModel):
    """Names of the photos to look at."""

    names: list[str]


@app.post("/api/analyze")
def analyze(photos: Photos) -> dict[str, object]:
    """Return which photo stands out most."""
    if not models:
        models["detector"] = Model(DETECTOR_MB)
        models["encoder"] = Model(ENCODERS_MB["large"])
    batch = np.stack([photo(name) for name in photos.names])
    found = models["detector"](batch), models["encoder"](batch)
    scores = found[0].max(axis=1) + found[1].max(axis=1)
    if len(scores):
        best = int(scores.argmax())
    return {"best": photos.names[best], "photos": len(scores)}
