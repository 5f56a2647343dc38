"""What the app puts around each action of a visitor, and what that costs.

    .venv/bin/python benchmarks/action_cost.py --bundle bundle

Each row comes from a process of its own, set as the row says, in which the same questions (movies
for one user) are asked by turns with nothing and with the app's `acting` around them. Prints a
Markdown table: the median of either, the median of the differences of neighbours, and the middle
half of these.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from machine import one_line

SETTINGS = {
    "panel off, guard off": {"DEBUG_MEMORY": "false", "MATINEE_GUARD": "false"},
    "panel off, guard on": {"DEBUG_MEMORY": "false", "MATINEE_GUARD": "true"},
    "panel on, guard on": {"DEBUG_MEMORY": "true", "MATINEE_GUARD": "true"},
}
WARM_UP = 20


class Cost(NamedTuple):
    """Seconds: medians, and the quartiles of the differences."""

    bare: float
    within: float
    difference: float
    low: float
    high: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--repeats", type=int, default=1000, help="of each question")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, too")
    options = parser.parse_args()
    print(one_line(), end="\n\n")
    print("| | nothing around | in an action | difference | middle half | share |")
    print("|---|---|---|---|---|---|")
    rows = []
    for name, variables in SETTINGS.items():
        cost = _alone(variables | {"MATINEE_BUNDLE": str(options.bundle)}, options.repeats)
        share = cost.difference / cost.bare
        spread = f"{1e6 * cost.low:.0f} to {1e6 * cost.high:.0f} µs"
        print(
            f"| {name} | {1e3 * cost.bare:.2f} ms | {1e3 * cost.within:.2f} ms "
            f"| {1e6 * cost.difference:.0f} µs | {spread} | {share:.1%} |",
            flush=True,
        )
        rows.append(
            {"setting": name, "bare_ms": 1e3 * cost.bare, "within_ms": 1e3 * cost.within}
            | {"difference_us": 1e6 * cost.difference, "spread": spread, "share": share}
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def _alone(variables: dict[str, str], repeats: int) -> Cost:
    """What `measure` finds in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(measure, variables, repeats).result()


def measure(variables: dict[str, str], repeats: int) -> Cost:
    """Ask by turns; every other time the question in an action comes first."""
    os.environ |= variables
    from recommender.app.server.guarded_action import acting
    from recommender.app.server.housekeeper import guard
    from recommender.app.server.loading import initialize_recommender

    matinee = initialize_recommender()
    users = matinee.users(repeats + WARM_UP)
    keeper = guard()
    if keeper is not None:
        keeper.start()

    def ask(which: int) -> None:
        matinee.recommend_for_user(users[which % len(users)], 12)

    def act(which: int) -> None:
        with acting("action.for_you", matinee.need):
            ask(which)

    bare: list[float] = []
    within: list[float] = []
    for which in range(repeats + WARM_UP):
        ways: list[tuple[Callable[[int], None], list[float]]] = [(ask, bare), (act, within)]
        for way, times in ways[:: 1 if which % 2 else -1]:
            started = time.perf_counter()
            way(which)
            times.append(time.perf_counter() - started)
    if keeper is not None:
        keeper.stop()
    del bare[:WARM_UP], within[:WARM_UP]
    differences = [b - a for a, b in zip(bare, within, strict=True)]
    low, middle, high = statistics.quantiles(differences, n=4)
    return Cost(statistics.median(bare), statistics.median(within), middle, low, high)


if __name__ == "__main__":
    main()
