"""The ledger of the processes under one limit, each of them a real one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from memory_toolkit.guard.peers import Peers
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs memfd_create")


@contextmanager
def another(peers: Peers, *, used: int, most: int, need: int) -> Iterator[int]:
    """Another process, forked from this one, that has joined and waits."""
    ready, tell = os.pipe()
    pid = os.fork()
    if not pid:
        with suppress(BaseException):
            peers.agree(read().own, used, most, need)
            os.write(tell, b"x")
            signal.pause()
        os._exit(0)
    try:
        os.read(ready, 1)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(tell)


def test_a_process_that_joins_can_start_a_thread_before_the_others_have_given_way() -> None:
    own, peers = read().own, Peers()
    used, most = 3 * own, 3 * own + 300 * MB
    with another(peers, used=used, most=most, need=0):  # alone, it was given all
        joined = peers.agree(own, used, most, 0)
    assert 8 * MB < joined.ceiling - own < 12 * MB
    assert joined.fair - own > 140 * MB


def test_what_was_granted_stays_when_others_begin_to_use_the_limit() -> None:
    own, peers = read().own, Peers()
    used, most = 3 * own, 3 * own + 300 * MB
    with another(peers, used=used + 200 * MB, most=most, need=0):
        claimed = peers.agree(own, used, most, 150 * MB, claim=True)
        assert claimed.ceiling - own >= 150 * MB
        # Somebody else takes 100 MB: what is left is enough for what was granted,
        after = peers.agree(own, used + 100 * MB, most, 150 * MB)
        assert after.ceiling - own >= 150 * MB
        # or it is not, and the limit is kept.
        after = peers.agree(own, used + 200 * MB, most, 150 * MB)
        assert after.ceiling - own <= 100 * MB


def test_a_claim_that_does_not_fit_leaves_the_ceiling_and_asks_the_others() -> None:
    own, peers = read().own, Peers()
    used, most = 3 * own, 3 * own + 300 * MB
    with another(peers, used=used, most=most, need=0):
        before = peers.agree(own, used, most, 0)
        refused = peers.agree(own, used, most, 120 * MB, claim=True)
    assert refused.ceiling == before.ceiling
    assert refused.fair - own > 120 * MB
