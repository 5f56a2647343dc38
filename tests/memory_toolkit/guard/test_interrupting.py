"""Interruptions of threads, each in a process of its own, which a mistake could hang."""

import subprocess
import sys

INTERRUPTED = """
import threading
from memory_toolkit.guard.interrupting import interrupt

ready, ended = threading.Event(), []
def work():
    try:
        ready.set()
        while True:
            pass
    except MemoryError:
        ended.append(True)

thread = threading.Thread(target=work)
thread.start()
ready.wait()
interrupt(thread.ident)
thread.join()
print(ended)
"""
TAKEN_BACK = """
import sys, threading
from memory_toolkit.guard.interrupting import interrupt, take_back

for pending in (False, True):
    try:
        if pending:
            interrupt(threading.get_ident())
    except MemoryError:
        print("came")
    take_back()

def call():
    return 1

sys.setprofile(lambda *given: None)
print(sum(call() for _ in range(1000)))
"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout


def test_a_thread_ends_with_a_memory_error() -> None:
    assert run(INTERRUPTED) == "[True]\n"


def test_after_taking_back_nothing_comes_and_nothing_hangs() -> None:
    assert run(TAKEN_BACK) == "came\n1000\n"
