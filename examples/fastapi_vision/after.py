"""The service with the toolkit: models loaded at the start, small batches, a guard."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from debug_memory import MB, Guard, Lazy
from examples.fastapi_vision.models import DETECTOR_MB, ENCODERS_MB, Model, photo
from memory_toolkit.integrations.asgi import MemoryMiddleware

logging.basicConfig(level=logging.INFO, format="%(message)s")
ENCODER_MB = ENCODERS_MB[os.environ.get("ENCODER", "large")]
MAX_ITEMS = int(os.environ.get("MAX_ITEMS", "80"))
BATCH_SIZE = int(os.environ.get("BATCH_SIZE", "4"))

detector = Lazy(lambda: Model(DETECTOR_MB), need=DETECTOR_MB * MB, idle=None, name="detector")
encoder = Lazy(lambda: Model(ENCODER_MB), need=ENCODER_MB * MB, idle=None, name="encoder")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Load both models before the first request is taken."""
    detector.preload()
    encoder.preload()
    yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(MemoryMiddleware, guard=Guard(), health="/api/health")


class Photos(BaseModel):
    """Names of the photos to look at."""

    names: list[str]


@app.post("/api/analyze")
def analyze(photos: Photos) -> dict[str, object]:
    """Return which photo stands out most."""
    if len(photos.names) > MAX_ITEMS:
        raise HTTPException(413, f"at most {MAX_ITEMS} photos at once")
    scores: list[float] = []
    for begin in range(0, len(photos.names), BATCH_SIZE):
        batch = np.stack([photo(name) for name in photos.names[begin : begin + BATCH_SIZE]])
        with Guard().admit("batch", 2 * batch.nbytes), detector as detect, encoder as encode:
            scores += (detect(batch).max(axis=1) + encode(batch).max(axis=1)).tolist()
    if scores:
        best = int(np.argmax(scores))
    return {"best": photos.names[best], "photos": len(scores)}
