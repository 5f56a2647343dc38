"""A sentence encoder of the real layout that is small enough to be made for a test."""

import json
from pathlib import Path

import numpy as np
import pytest

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
WIDTH, INNER, LAYERS, HEADS, LONGEST = 16, 32, 2, 2, 128


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a BERT of random weights whose tokens are the letters and digits."""
    folder = tmp_path_factory.mktemp("model")
    vocabulary = [*MARKS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *"().,'"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    config = {"model_type": "bert", "hidden_act": "gelu", "layer_norm_eps": 1e-12}
    config |= {"hidden_size": WIDTH, "num_attention_heads": HEADS, "num_hidden_layers": LAYERS}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_safetensors(folder / "model.safetensors", _weights(len(vocabulary)))
    return folder


def write_safetensors(path: Path, arrays: dict[str, np.ndarray]) -> None:
    header, begin = {}, 0
    for name, array in arrays.items():
        end = begin + array.nbytes
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(array.tobytes() for array in arrays.values())
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def _weights(n_tokens: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (n_tokens, WIDTH),
        "embeddings.position_embeddings.weight": (LONGEST, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{name}{part}.weight": (WIDTH,), f"{name}{part}.bias": (WIDTH,)}
        for part, rows, columns in (
            *((f"attention.self.{each}", WIDTH, WIDTH) for each in ("query", "key", "value")),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", INNER, WIDTH),
            ("output.dense", WIDTH, INNER),
        ):
            shapes |= {f"{name}{part}.weight": (rows, columns), f"{name}{part}.bias": (rows,)}
    return {name: rng.normal(0, 0.5, shape).astype("<f4") for name, shape in shapes.items()}
