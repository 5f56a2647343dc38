"""Trainings that are killed, thirty times and anywhere: what serves goes on serving."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from recommender import Recommender
from recommender.bundle.bundle import Bundle
from tests.conftest import ROOT

STAGES = ("import", "stars", "content", "ranking", "catalogue")
KILLS_A_STAGE = 6

# Forks a training for every seed it is told, after all that is slow to import; says its process,
# each stage as it begins, and how it ended.
NURSERY = """
import os, sys
from pathlib import Path

import scipy.sparse, sklearn.feature_extraction.text

from recommender.models.stars import StarsSettings
from recommender.dataset import from_directory
from recommender.models.ranking import RankingSettings
from recommender.training.pipeline import TrainingSettings, train

def tell(stage, fraction, told=[]):
    if stage not in told:
        told.append(stage)
        print(stage, flush=True)

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        stars = StarsSettings(n_factors=4, n_epochs=5, random_state=int(line))
        ranking = RankingSettings(n_factors=8)
        settings = TrainingSettings(stars=stars, ranking=ranking, choose=False)
        print(os.getpid(), flush=True)
        train(from_directory(Path(sys.argv[1])), sys.argv[2], settings, tell)
        os._exit(0)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Nursery:
    """Runs one training after the other in processes that can be killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.seconds: dict[str, float] = {}

    def train(self, seed: int, victim: str = "", share: float = 0.0) -> int:
        """Train; kill it once `share` of the time of the stage `victim` is over. The status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(seed, file=self._process.stdin, flush=True)
        pid = int(self._process.stdout.readline())
        stage, begun = "", time.monotonic()
        for line in self._process.stdout:
            if not victim:
                self.seconds[stage] = time.monotonic() - begun
            if line.startswith("ended"):
                return int(line.split()[1])
            stage, begun = line.strip(), time.monotonic()
            if stage == victim:
                time.sleep(share * self.seconds[stage])
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        raise AssertionError("the nursery has gone")


@contextmanager
def nursery(out: Path) -> Iterator[Nursery]:
    command = [sys.executable, "-c", NURSERY, str(ROOT / "data"), str(out)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Nursery(process)


def answers(out: Path) -> tuple[int, list[tuple[object, float]]]:
    """The seed of the bundle that serves, and what it answers."""
    matinee = Recommender.open(out)
    found = matinee.hybrid_recommend(matinee.users(1)[0], 10)
    seed = matinee.bundle.training.settings.stars["random_state"]
    return seed, [(item.movie.movie_id, item.score) for item in found]


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_thirty_kills(tmp_path: Path) -> None:
    chance = random.Random(7)
    victims = list(STAGES * KILLS_A_STAGE)
    chance.shuffle(victims)
    victims.append("catalogue")  # so that there is something to go on with at the end
    out = tmp_path / "bundle"
    killed = 0
    with nursery(out) as trainings:
        assert trainings.train(0) == 0
        serving = answers(out)
        for number, victim in enumerate(victims):
            seed = 1 + number // 2  # the second goes on where the first was killed
            share = chance.uniform(0, 1.1) if number < len(victims) - 1 else 0.0
            status = trainings.train(seed, victim, share)
            assert status in (0, -signal.SIGKILL)
            killed += status != 0
            found = answers(out)
            assert found == serving or found[0] == seed
            assert status != 0 or found[0] == seed
            serving = found
        assert killed >= 20  # the others had ended when it came
        assert trainings.train(seed) == 0
    bundle = Bundle.open(out)
    assert answers(out)[0] == seed
    assert [stage.name for stage in bundle.training.stages if stage.reused]
    (data,) = (path for path in out.iterdir() if path.name not in (".lock", "manifest.json"))
    assert {path.name for path in data.iterdir()} == set(bundle.files)
