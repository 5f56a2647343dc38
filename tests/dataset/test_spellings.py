"""Whatever mixture of the spellings that are read a data set is written in, it is the same one."""

import functools
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.dataset import ImportOptions, from_directory, import_dataset
from recommender.settings.memory_budget import MIN_BYTES
from tests.dataset.spellings import Data, sample, write_plain, write_spelled
from tests.dataset.test_importing import movies_of

# As many as a run of all tests has time for; a free search tries as many as its profile says.
N_SAMPLES, EXAMPLES = (
    (3, 8) if settings.default.derandomize else (40, settings.default.max_examples)
)
OPTIONS = ImportOptions(scale=(0.5, 5), memory_limit=MIN_BYTES)


@functools.cache
def plain(seed: int) -> tuple[Data, str, object]:
    """A data set, and the fingerprint and movies of its plain spelling."""
    data = sample(Random(seed))
    with tempfile.TemporaryDirectory() as name:
        write_plain(Path(name), data)
        found = import_dataset(from_directory(Path(name)), Path(name, "out"), OPTIONS)
        return data, found.fingerprint, movies_of(found)


# A free search takes about a second for each example.
@pytest.mark.timeout(300 if settings.default.derandomize else 3600)
@settings(deadline=None, max_examples=EXAMPLES)
@given(st.integers(0, N_SAMPLES - 1), st.data())
def test_every_spelling_is_the_same_data_set(seed: int, choices: st.DataObject) -> None:
    data, fingerprint, movies = plain(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        encoding = write_spelled(
            folder, data, lambda label, options: choices.draw(st.sampled_from(options), label)
        )
        options = replace(OPTIONS, encoding=encoding)
        found = import_dataset(from_directory(folder), folder / "out", options)
        assert movies_of(found) == movies
        assert found.report.unreadable_times == 0, found.report.lines()
        assert found.fingerprint == fingerprint
