"""A few attacks of the benchmark, on the real app."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.attacks import Target, disguised_paths
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
NAMES = ("half_heads", "wrong_tokens", "disguised_paths")


@pytest.mark.slow
def test_visitors_see_no_error_and_nobody_is_told_the_metrics(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.abuse", "--bundle", str(tiny_bundle)),
            *("--visitors", "2", "--think", "0.2", "--seconds", "3", "--attack", *NAMES),
            *("--json", str(tmp_path / "rows.json")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    # How quick they were is not judged here: others use the machine as well.
    problems = [line for line in done.stdout.splitlines() if line.startswith("FAILED: ")]
    assert not [line for line in problems if "percentile" not in line], done.stdout + done.stderr
    nobody, heads, tokens, paths = json.loads((tmp_path / "rows.json").read_text())
    assert nobody["clicks"] > 0
    assert "× opened" in heads["answers"]
    assert "× 429" in tokens["answers"]
    assert "× 401" in paths["answers"]


def test_figures_for_a_stranger_are_a_leak() -> None:
    """Test the attack itself, on a server that tells everybody."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n# TYPE matinee gauge\n")
        writer.close()

    async def main() -> Target:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        target = Target(server.sockets[0].getsockname()[1], 0.5)
        async with asyncio.timeout(30):
            await disguised_paths(target)
        server.close()
        return target

    # In a thread of its own: the browser tests leave an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        target = pool.submit(asyncio.run, main()).result()
    assert target.answers["200 metrics of /metrics"]
