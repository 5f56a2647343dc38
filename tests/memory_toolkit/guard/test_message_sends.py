"""Streamlit's messages, in a process of its own, where there is no memory to serialize them."""

import subprocess
import sys

import pytest

from tests.memory_toolkit.planted import ROOT, linux

pytestmark = linux

CODE = """
import resource, sys, threading, time
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.web.server.starlette import starlette_websocket
from memory_toolkit.guard.message_sends import MESSAGE_SENDS
from memory_toolkit.measure.reading import read
from memory_toolkit.measure.sizes import MB

message = ForwardMsg()
message.delta.new_element.text.body = "x" * (8 * MB)
called = threading.Event()

def lift():
    called.wait()
    time.sleep(0.2)
    resource.setrlimit(resource.RLIMIT_DATA, (-1, -1))

if sys.argv[1] == "for a moment":
    threading.Thread(target=lift).start()
MESSAGE_SENDS.put()
resource.setrlimit(resource.RLIMIT_DATA, (read().data + 3 * MB, -1))
called.set()
try:
    print(len(starlette_websocket.serialize_forward_msg(message)) > 8 * MB)
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("short", "printed"),
    [("for a moment", "True"), ("for good", "SessionClientDisconnectedError")],
)
def test_a_message_waits_for_memory_and_at_last_its_visitor_reconnects(
    short: str, printed: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, short], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == printed, done.stderr
