"""Quality of Matinee's lists beside those of other libraries, all models on the same splits.

    python -m venv /tmp/libraries
    /tmp/libraries/bin/pip install -r benchmarks/quality/requirements.txt &&
        /tmp/libraries/bin/pip install --no-deps rectools==0.19.0
    .venv/bin/python -m benchmarks.quality --libraries /tmp/libraries/bin/python

The other libraries live in an environment of their own (RecTools without its dependencies, since
it asks for an older numpy than it needs); popularity, EASE, EDLAE and Matinee do without.
Each model runs in a process of its own, on one thread, and gets the same files: a fifth of each
user's ratings (--held-out) is there to judge by, and a fifth of the rest to choose settings by.
Settings are chosen anew for every split and for each meaning of relevance, never on what is judged;
Matinee chooses its own, as `matinee train` does. Prints a table for each data set and meaning.
What is done is kept in --work and not done again, whatever --trials and --seconds are then.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command_line import command_line, write_rows
from benchmarks.harness import recorded
from benchmarks.quality.datasets import DATA, ROOT, folder_of
from benchmarks.quality.job import CONTESTANTS, LOG, RESULT, Job, lists_file, write_job
from benchmarks.quality.models import OWN
from benchmarks.quality.table import judged, summed_up, tables
from benchmarks.report import Row
from memory_toolkit.record.recorder import CommandError
from recommender.bundle.history import History
from recommender.core.errors import MatineeError
from recommender.core.relevance import parse_relevant, relevant_from
from recommender.dataset import Dataset, from_directory, import_dataset
from recommender.evaluation.holdout import SHARE, split_random
from recommender.evaluation.metrics import RECALL_AT, self_information

_MAX_USERS = 20_000
_MAX_SEED = 2**32 - 1
# What keeps the usual numeric libraries to one thread.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
) | {"LK_NUM_THREADS": "1", "IRSPACK_NUM_THREADS_DEFAULT": "1"}


@dataclass(frozen=True)
class _Split:
    """One split of one data set, with what a job needs of it."""

    folder: Path
    dataset: Dataset
    train: History
    test: History
    users: np.ndarray
    texts: Path


def main() -> None:
    """Run the comparison that the command line describes."""
    options = _options()
    os.environ |= {**_ONE_THREAD, "PYTHONPATH": str(ROOT)}
    rows: list[Row] = []
    missing: list[str] = []
    try:
        for data in options.data:
            rows += _compare(data, options, missing)
    except MatineeError as error:
        sys.exit(f"quality: {error}")
    label = CONTESTANTS["matinee"].label
    text = tables(rows, label)
    print(f"\n{text}")
    (options.work / "quality.md").write_text(text, encoding="utf-8")
    write_rows(options.json, rows)
    for line in missing:
        print(f"MISSING: {line}", file=sys.stderr)
    sys.exit(bool(missing))


def _options() -> argparse.Namespace:
    parser = command_line(__doc__)
    parser.prog = "python -m benchmarks.quality"
    names, own = ",".join(CONTESTANTS), ",".join(one.name for one in OWN)
    parser.add_argument("--models", default=names, help=f"of {names}; without libraries: {own}")
    parser.add_argument(
        "--data", default="sample,ml-100k", help=f"of {','.join(DATA)}, or folders with data sets"
    )
    parser.add_argument("--seeds", default="1,2,3", help="one split each; %(default)s")
    parser.add_argument(
        "--held-out", type=float, default=SHARE, metavar="SHARE", help="%(default)s of each user's"
    )
    parser.add_argument("--relevant", default="liked,any", help="of liked, any, or stars")
    parser.add_argument(
        "--libraries", default=sys.executable, metavar="PYTHON", help="that has the other libraries"
    )
    parser.add_argument(
        "--trials", type=int, default=24, help="for each model's settings; %(default)s"
    )
    parser.add_argument(
        "--seconds", type=float, default=120.0, help="of CPU, after which no trial begins"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("build/quality"),
        metavar="FOLDER",
        help="keeps data and results",
    )
    options = parser.parse_args()
    for name in ("models", "data", "seeds", "relevant"):
        setattr(options, name, [word for word in getattr(options, name).split(",") if word])
        if not getattr(options, name):
            parser.error(f"--{name}: give at least one")
    if unknown := [name for name in options.models if name not in CONTESTANTS]:
        parser.error(f"--models: {', '.join(unknown)} unknown; give some of {names}")
    if not all(seed.isdecimal() and int(seed) <= _MAX_SEED for seed in options.seeds):
        parser.error("--seeds: give whole numbers from 0 on, such as 1,2,3")
    if options.trials < 1 or not 0 < options.held_out < 1:
        parser.error("--trials: give at least 1; --held-out: a share such as 0.25")
    try:
        options.relevant = [parse_relevant(word) for word in options.relevant]
    except MatineeError as error:
        parser.error(str(error))
    options.work = options.work.resolve()
    return options


def _compare(data: str, options: argparse.Namespace, missing: list[str]) -> list[Row]:
    """Return the rows of one data set."""
    source = folder_of(data, options.work / "data")
    name = Path(data).name
    if options.held_out != SHARE:
        name += f", {options.held_out:.0%} held out"
    folder = options.work / "runs" / name
    folder.mkdir(parents=True, exist_ok=True)
    dataset = import_dataset(from_directory(source), folder)
    for relevant in options.relevant:
        relevant_from(dataset.scale, relevant)  # refuses stars that are not on the scale
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for seed in options.seeds:
        split = _split(folder, dataset, int(seed), options.held_out)
        for model in options.models:
            result = _result(model, split, options)
            if problem := result.get("problem"):
                missing.append(f"{name}, seed {seed}, {model}: {problem}")
                continue
            for relevant in options.relevant:
                row = result[str(relevant)]
                found.setdefault((str(relevant), model), []).append(row)
                print(
                    f"{name}, seed {seed}, {relevant}: {model:<14} NDCG@10 {row['ndcg@10']:.4f}  "
                    f"{row['seconds']:.1f} s  {row['settings']}",
                    flush=True,
                )
    whole = {key: rows for key, rows in found.items() if len(rows) == len(options.seeds)}
    return [
        summed_up(CONTESTANTS[model].label, f"{name}, {relevant}", whole[str(relevant), model])
        for relevant in options.relevant
        for model in options.models
        if (str(relevant), model) in whole
    ]


def _split(folder: Path, dataset: Dataset, seed: int, share: float) -> _Split:
    """Return the split of `seed`; its train part is split again to choose settings by."""
    own = folder / str(seed)
    holdout = split_random(History.open(folder), own, seed, share=share)
    split_random(holdout.train, own / "validation", seed)
    users = np.flatnonzero(np.diff(holdout.test.offsets))
    users = np.sort(np.random.default_rng(seed).permutation(users)[:_MAX_USERS])
    texts = folder / "movies.parquet"
    return _Split(own, dataset, holdout.train, holdout.test, users, texts)


def _result(model: str, split: _Split, options: argparse.Namespace) -> dict[str, Any]:
    """Return what the job of `model` found, by what counts as relevant; or its problem."""
    folder = split.folder / "_".join([model, *map(str, options.relevant)])
    job = Job(
        model,
        options.relevant,
        str(split.folder / "train"),
        str(split.folder / "validation"),
        split.dataset.n_movies,
        split.dataset.scale,
        str(split.texts),
        split.users.tolist(),
        RECALL_AT,
        options.trials,
        options.seconds,
    )
    write_job(job, folder)
    if not (folder / RESULT).exists():
        python = options.libraries if CONTESTANTS[model].package else sys.executable
        try:
            recording = recorded(python, "-m", "benchmarks.quality.job", str(folder))
        except CommandError as error:
            return {"problem": f"--libraries: {error}"}
        if not (folder / RESULT).exists():
            return {"problem": f"it {recording.ending.text}; {folder / LOG} tells more"}
        result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
        peak = recording.highest.peak if recording.highest else 0
        (folder / RESULT).write_text(json.dumps(result | {"peak": peak}), encoding="utf-8")
    result = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    if "problem" in result:
        (folder / RESULT).unlink()  # tried again next time
        return dict(result)
    information = self_information(
        split.train.movie_counts(split.dataset.n_movies), split.train.n_users
    )
    for relevant in options.relevant:
        least = relevant_from(split.dataset.scale, relevant)
        lists = np.load(lists_file(folder, relevant))
        figures = judged(lists, split.users, split.test, least, information)
        result[str(relevant)] |= figures | {"peak": result["peak"]}
    return dict(result)


if __name__ == "__main__":
    main()
