"""The app with a bundle at an address, as a process of its own."""

import os
import re
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from recommender.core.address import Address
from recommender.remote.publishing import publish
from tests.app.server.test_startup import fetch, wait_for, wait_for_line
from tests.browser.serving import Server, serve
from tests.conftest import ROOT
from tests.remote.origin_server import Storage, stall, status, wrong_bytes

SERVED = "; what was fetched before is served"


def serve_address(address: str, folder: Path) -> AbstractContextManager[Server]:
    cache = {"MATINEE_BUNDLE_CACHE": str(folder / "cache"), "MATINEE_BUNDLE_SECONDS": "1"}
    return serve(address, folder, **cache)


def wait_for_reason(server: Server, state: str, reason: str) -> str:
    """The reason that /healthz gives, once it is like `reason`."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = wait_for(server, state) or ""
        if re.search(reason, found):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


@pytest.mark.slow
def test_whatever_happens_at_the_address_the_good_version_is_served(
    address: Address, behind: Address, storage: Storage, newer_bundle: Path, tmp_path: Path
) -> None:
    storage.faults["*"] = status(503)
    secret = address.full.replace("://", "://me:s3cret@")
    with serve_address(secret, tmp_path) as server:
        shown = address.full.replace("://", "://…@")
        reason = f"^{re.escape(shown)}/manifest.json: the server answers 503$"
        wait_for_reason(server, "unavailable", reason)
        storage.faults = {"*/movie_year.npy": stall}
        wait_for_reason(
            server, "unavailable", f"^{re.escape(shown)} is being fetched: .* of .* MB$"
        )
        storage.faults.clear()
        storage.ended.set()  # what was held back hangs up, and is asked for again
        wait_for(server, "ready")
        wait_for_line(server, "[after drawing every page]")

        storage.faults["*/movie_mean.npy"] = wrong_bytes
        publish(newer_bundle, behind)
        wrong = f"movie_mean.npy: its checksum is not that of the manifest{SERVED}"
        assert wait_for_reason(server, "degraded", wrong).startswith(shown)
        assert fetch(server, "/healthz")[0] == 200
        storage.faults.clear()
        wait_for(server, "ready")
        log = wait_for_line(server, "[after opening the new version]")
        imported = server.imported()
    assert not {"fsspec", "aiohttp", "yarl"} & imported
    assert "Traceback" not in log
    assert "s3cret" not in server.log.read_text("utf-8")
    # Once for each trouble, and not for each look.
    assert log.count("the server answers 503") == 1
    assert log.count("its checksum is not that of the manifest") == 1

    storage.faults["*"] = status(500)
    with serve_address(secret, tmp_path) as server:
        wait_for_reason(server, "degraded", f"the server answers 500{SERVED}$")
        storage.faults.clear()
        wait_for(server, "ready")


def test_without_the_extra_it_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\nfound = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'fsspec' else found(name, *rest)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py")],
        cwd=tmp_path,
        env={
            **os.environ,
            "MATINEE_BUNDLE": "s3://b/x",
            "PYTHONPATH": str(tmp_path),
            "STREAMLIT_SERVER_PORT": "0",
            "STREAMLIT_SERVER_HEADLESS": "true",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "matinee: a bundle at an address needs fsspec, which is not installed: pip install "
    )
