"""A replica is killed while visitors rate movies: how long they are away, and what is lost.

    .venv/bin/python -m benchmarks.replicas --ratings-url postgresql://USER:PASSWORD@HOST/DATABASE

Starts two replicas of the app within real memory limits (control groups; needs root), HAProxy with
deploy/haproxy.cfg in front of them, and visitors who speak Streamlit's protocol over WebSockets.
They rate movies and look at other pages; after a third of the time one replica gets SIGKILL (with
--hang it stops answering), and after half it is back. Whose connection is gone does what the page
in a browser does. At the end, what the database holds is held against what each of them was shown
as kept.

Prints Markdown tables: the seconds from SIGKILL until a visitor's page was drawn by the other
replica, how many clicks the killed one took along unanswered (they may have to be done again), and
what the processes took. Exits with 1 if a rating was lost, a visitor saw an error or did not come
back, or one of the other replica noticed anything. Its tables in the database go at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psycopg
import websockets

from benchmarks.command_line import command_line, write_rows
from benchmarks.harness import conclude
from memory_toolkit.measure.sizes import MB, parse_size
from recommender.app.components.stars import stars_of
from recommender.app.server.visitor import COOKIE
from recommender.settings.env_file import read_env_file
from recommender.settings.environment import Settings
from recommender.visitors.stores import open_database
from tests.support.replicas import Proxy, Replica, haproxy, proxy, replicas
from tests.support.tab import Drawn, Tab

TEMPLATE = Path(__file__).resolve().parent.parent / "deploy" / "256mb.env"
SAMPLE_SECONDS = 0.25
SETTLED_SECONDS = 5.0  # until the first page of each visitor is there
GONE = (OSError, websockets.WebSocketException)
Row = dict[str, str | float]


@dataclass
class Visitor:
    """One person with a browser tab.

    Attributes:
        replica: that of their cookie.
        kept: the star, from 0, of each movie whose rating was drawn as kept.
        in_the_air: movies whose click the killed replica took along, unanswered.
        recovered: when the page was drawn anew, as of `time.monotonic`, each time.
        seconds: from each click to the end of its run.
    """

    tab: Tab
    think: float
    random: random.Random
    errors: Counter[str]
    replica: str = ""
    kept: dict[str, int] = field(default_factory=dict)
    in_the_air: set[str] = field(default_factory=set)
    recovered: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    async def stay(self, end: float) -> None:
        """Rate movies and look at other pages until `end`."""
        self._note(await self.tab.open("my-ratings"))
        self.replica = self.tab.cookie("matinee_replica")
        while time.monotonic() < end:
            if await self.tab.watch(self.think * self.random.uniform(0.5, 1.5)):
                await self._come_back()
            rating = ""
            try:
                if self.tab.path != "my-ratings":
                    self._note(await self.tab.go("my-ratings"))
                elif self.random.random() < 0.3:
                    self._note(await self.tab.go(self.random.choice(("", "about", "similar"))))
                elif movies := self.tab.offered():
                    rating = self.random.choice(movies)
                    await self._rate(rating)
            except GONE:
                if rating:
                    self.in_the_air.add(rating)
                await self._come_back()
        await self.tab.close()

    async def _rate(self, movie: str) -> None:
        star = self.random.randrange(5)
        self._note(await self.tab.click("rate", movie, str(star)))
        self.kept[movie] = star
        self.in_the_air.discard(movie)

    async def _come_back(self) -> None:
        try:
            drawn = await self.tab.reconnect()
        except GONE as error:
            self.errors[f"did not come back: {error!r}"] += 1
            raise
        self.errors.update(drawn.problems)
        self.recovered.append(time.monotonic())

    def _note(self, drawn: Drawn) -> None:
        self.seconds.append(drawn.seconds)
        self.errors.update(drawn.problems)


@dataclass
class Taken:
    """The most that was seen of what the processes take.

    Attributes:
        own: own memory of each replica, in bytes, by name.
        rss: resident memory of the proxy, in bytes.
        connections: of visitors with the proxy.
    """

    own: Counter[str] = field(default_factory=Counter)
    rss: int = 0
    connections: int = 0

    async def watch(self, front: Proxy, running: list[Replica]) -> None:
        """Take samples, one every `SAMPLE_SECONDS`, until the task is cancelled."""
        while True:
            for one in running:
                self.own[one.name] = max(self.own[one.name], one.own())
            self.rss = max(self.rss, front.rss())
            told = front.ask("show info").splitlines()
            (now,) = (line.split()[1] for line in told if line.startswith("CurrConns:"))
            self.connections = max(self.connections, int(now))
            await asyncio.sleep(SAMPLE_SECONDS)


def main() -> None:
    """Kill a replica while visitors rate movies, and print what they saw."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # all that was started must end, too
    program = haproxy()
    if program is None:
        sys.exit("benchmarks/replicas.py: HAProxy is not installed (Debian: apt install haproxy)")
    given = {
        **read_env_file(TEMPLATE),
        "MATINEE_BUNDLE": str(options.bundle.resolve()),
        "MATINEE_RATINGS_URL": options.ratings_url,
        "MATINEE_RATINGS_SCHEMA": f"benchmark_{uuid.uuid4().hex[:12]}",
    }
    settings = Settings.from_environment(given)
    errors: Counter[str] = Counter()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="matinee-replicas-") as name,
            replicas(Path(name), given, options.limit) as running,
            proxy(program, running, Path(name)) as front,
        ):
            means = running[0].box.means.split()[0]
            people = [
                Visitor(Tab(front.port), options.think, random.Random(number), errors)
                for number in range(options.sessions)
            ]
            killed_at, taken = asyncio.run(_run(options, people, front, running))
            kills = sum(one.box.oom_kills() for one in running)
        lost = _lost(people, settings)
    finally:
        with psycopg.connect(options.ratings_url) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {settings.ratings_schema} CASCADE".encode())
    rows, failures = _report(options, people, killed_at, taken, lost, means)
    if kills:
        failures.append(f"the kernel killed {kills} processes for want of memory")
    write_rows(options.json, rows)
    print()
    conclude(failures)


def _options() -> argparse.Namespace:
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument(
        "--ratings-url",
        default=os.environ.get("MATINEE_RATINGS_URL"),
        required="MATINEE_RATINGS_URL" not in os.environ,
        help="a PostgreSQL database that may be written to; MATINEE_RATINGS_URL without it",
    )
    parser.add_argument("--sessions", type=int, default=20, help="visitors at the same time")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long they stay")
    parser.add_argument("--limit", type=parse_size, default=parse_size("256M"), help="of a replica")
    parser.add_argument("--think", type=float, default=1.0, help="seconds between two clicks")
    parser.add_argument(
        "--hang", action="store_true", help="the replica hangs (SIGSTOP) instead of being killed"
    )
    return parser.parse_args()


async def _run(
    options: argparse.Namespace, people: list[Visitor], front: Proxy, running: list[Replica]
) -> tuple[float, Taken]:
    """Let them come, kill a replica and start it again; when that was, and what all took."""
    # Each visitor may wait for an answer in a thread, as may this.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(len(people) + 4))
    taken = Taken()
    watching = asyncio.create_task(taken.watch(front, running))
    end = time.monotonic() + options.seconds
    staying = []
    for person in people:
        staying.append(asyncio.create_task(person.stay(end)))
        await asyncio.sleep(options.think / len(people))
    await asyncio.sleep(max(SETTLED_SECONDS, options.seconds / 3))
    victim = running[0]
    killed_at = time.monotonic()
    victim.process.send_signal(signal.SIGSTOP if options.hang else signal.SIGKILL)
    await asyncio.sleep(options.seconds / 6)
    if options.hang:
        victim.process.send_signal(signal.SIGCONT)
    else:
        await asyncio.to_thread(victim.process.wait)
        await asyncio.to_thread(victim.start)
    await asyncio.gather(*staying)
    await asyncio.to_thread(victim.wait)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return killed_at, taken


def _lost(people: list[Visitor], settings: Settings) -> int:
    """Count the ratings that were drawn as kept and that the database does not have."""
    store = open_database(settings)
    scale = (0.5, 5.0)
    lost = 0
    for person in people:
        found = {str(m): s for m, s in store.ratings_of(person.tab.cookie(COOKIE)).stars.items()}
        for movie, star in person.kept.items():
            # A click that nobody answered may have been kept all the same.
            if movie not in person.in_the_air:
                lost += found.get(movie) != stars_of(star, scale)
    store.close()
    return lost


def _report(
    options: argparse.Namespace,
    people: list[Visitor],
    killed_at: float,
    taken: Taken,
    lost: int,
    means: str,
) -> tuple[list[Row], list[str]]:
    """Print the tables; their rows, and what went wrong in sentences."""
    errors = people[0].errors
    moved = [one for one in people if one.replica == "one"]
    away = [one.recovered[0] - killed_at for one in moved if one.recovered]
    noticed = sum(bool(one.recovered) for one in people if one.replica != "one")
    clicks = [seconds for one in people for seconds in one.seconds]
    p50, p95 = np.percentile(away, (50, 95)).tolist() if away else (np.nan, np.nan)
    median, slow = (1000 * s for s in np.percentile(clicks, (50, 95)).tolist())
    kept = sum(len(one.kept) for one in people)
    air = sum(len(one.in_the_air) for one in people)
    print(
        f"{len(people)} visitors, {options.seconds:g} s, {options.think:g} s between two clicks, "
        f"two replicas of {options.limit / MB:.0f} MB ({means})\n"
    )
    print("| visitors of the killed replica | away p50 s | p95 s | at most s | noticed by others |")
    print("|---|---|---|---|---|")
    print(f"| {len(moved)} | {p50:.2f} | {p95:.2f} | {max(away, default=np.nan):.2f} | {noticed} |")
    print("\n| clicks | p50 ms | p95 ms | errors | ratings | lost | unanswered clicks |")
    print("|---|---|---|---|---|---|---|")
    counts = f"{errors.total()} | {kept} | {lost} | {air}"
    print(f"| {len(clicks)} | {median:.0f} | {slow:.0f} | {counts} |")
    print("\n| at most | MB | connections |\n|---|---|---|")
    for name, own in taken.own.items():
        print(f"| replica {name}, own memory | {own / MB:.1f} | |")
    print(f"| HAProxy, RSS | {taken.rss / MB:.1f} | {taken.connections} |")
    failures = [f"{count} × {error}" for error, count in errors.items()]
    failures += [f"{lost} ratings lost"] if lost else []
    failures += [f"{noticed} visitors of the other replica were disconnected"] if noticed else []
    if len(away) < len(moved):
        failures.append(f"{len(moved) - len(away)} visitors never came back")
    summary: Row = {"visitors": len(people), "moved": len(moved), "away_p50_s": p50}
    summary |= {"away_p95_s": p95, "away_most_s": max(away, default=np.nan), "noticed": noticed}
    summary |= {"clicks": len(clicks), "p50_ms": median, "p95_ms": slow, "errors": errors.total()}
    summary |= {"ratings": kept, "lost": lost, "unanswered": air}
    memory: list[Row] = [{"process": name, "mb": own / MB} for name, own in taken.own.items()]
    memory.append({"process": "haproxy", "mb": taken.rss / MB, "connections": taken.connections})
    rows = [{"table": "summary", **summary}, *({"table": "memory", **row} for row in memory)]
    return rows, failures


if __name__ == "__main__":
    main()
