"""What the settings of the models and of the batches are worth, in memory and on disk.

    .venv/bin/python benchmarks/knobs.py --bundle bundle

Prints Markdown tables: what one question and the list for every user take at most in own memory, by
the sizes of the batches and by the kind of similarity, and what a bundle takes on disk, by the
factors and the features that it is trained with (on the sample in data/, without evaluation).
"""

from __future__ import annotations

import argparse
import tempfile
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from memory_toolkit.measure.returning import return_memory
from memory_toolkit.measure.sizes import MB
from memory_toolkit.record.actions import action
from recommender import Recommender, Settings, TrainingSettings, train
from recommender.dataset import from_directory
from recommender.models.stars import StarsSettings

DATA = Path(__file__).resolve().parent.parent / "data"
BATCHES = ((1, 2048), (8, 2048), (32, 512), (32, 2048), (32, 8192), (128, 2048))
MODELS = ((10, 2000), (20, 2000), (50, 2000), (20, 500), (20, 8000))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    options = parser.parse_args()

    print("| user batch | movie batch | one user | every user |\n|---|---|---|---|")
    # Each in a process of its own: what threads have freed they take again without asking for it.
    fresh = get_context("spawn")
    with ProcessPoolExecutor(1, fresh, max_tasks_per_child=1) as pool:
        for users, movies in BATCHES:
            one, everyone = pool.submit(batches, options.bundle, users, movies).result()
            print(f"| {users} | {movies} | {one} | {everyone} |", flush=True)

    print("\n| similar by | one movie |\n|---|---|")
    matinee = Recommender.open(options.bundle)
    (movie,) = matinee.popular(1)
    for method in matinee.methods:
        took = peak(lambda m=method: matinee.find_similar_movies(movie.movie_id, 20, m))
        print(f"| {method} | {took} |", flush=True)

    print("\n| factors | features | stars model | content model | whole bundle |")
    print("|---|---|---|---|---|")
    for factors, features in MODELS:
        with tempfile.TemporaryDirectory() as folder:
            model = StarsSettings(n_factors=factors)
            chosen = TrainingSettings(max_features=features, stars=model)
            bundle = train(from_directory(DATA), Path(folder, "bundle"), chosen)
        sizes = [
            sum(size for name, size in bundle.files.items() if name.startswith(begin)) / MB
            for begin in ("stars_", "content_", "")
        ]
        figures = " | ".join(f"{size:.2f} MB" for size in sizes)
        print(f"| {factors} | {features} | {figures} |", flush=True)


def batches(bundle: Path, users: int, movies: int) -> tuple[str, str]:
    """What one user and what every user takes with batches of these sizes."""
    matinee = Recommender.open(bundle, Settings(user_batch=users, movie_batch=movies))
    (user,) = matinee.users(1)
    one = peak(lambda: matinee.hybrid_recommend(user, 20))
    import recommender.everybody  # noqa: F401 (what it imports is no matter of batches)

    with action("everybody") as asked:
        deque(matinee.recommend_all(20), maxlen=0)
    return one, f"{(asked.record.peak - asked.record.before) / MB:.1f} MB"


def peak(ask: Callable[[], object]) -> str:
    """What the second call of `ask` takes at most beyond what was held before; in words."""
    ask()
    return_memory()
    with action("ask") as asked:
        ask()
    return f"{(asked.record.peak - asked.record.before) / MB:.1f} MB"


if __name__ == "__main__":
    main()
