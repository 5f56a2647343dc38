"""A real HTTP server over a folder that can be told to misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Given the request's handler and the file's bytes; answers in place of the server.
Fault = Callable[["Handler", bytes], None]


class Storage(ThreadingHTTPServer):
    """Serves `folder` on a free port of this machine.

    Attributes:
        faults: what to do instead of sending a file whose path is like the pattern.
        asked: the paths of all requests, in order.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        self.faults: dict[str, Fault] = {}
        self.asked: list[str] = []
        self.ended = threading.Event()
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Nothing: those who hang up are part of the tests."""


class Handler(SimpleHTTPRequestHandler):
    server: Storage

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        fault = next((f for p, f in self.server.faults.items() if fnmatch(self.path, p)), None)
        if fault is None:
            super().do_GET()
            return
        file = Path(self.translate_path(self.path))
        fault(self, file.read_bytes() if file.is_file() else b"")

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def send(self, body: bytes, length: int | None = None) -> None:
        """Send `body`, said to be of `length` bytes."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def storage_of(folder: Path) -> Iterator[Storage]:
    """A running `Storage`, ended at the end."""
    with Storage(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


def wrong_bytes(handler: Handler, body: bytes) -> None:
    handler.send(bytes(255 - byte for byte in body[:64]) + body[64:])


def too_long(handler: Handler, body: bytes) -> None:
    handler.send(body + b"more" * 1000)


def too_short(handler: Handler, body: bytes) -> None:
    handler.send(body[: len(body) // 2])


def hang_up(handler: Handler, body: bytes) -> None:
    """Drop the connection in the middle of the body."""
    handler.send(body[: len(body) // 2], len(body))
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def stall(handler: Handler, body: bytes) -> None:
    """Send half of it, then nothing more."""
    handler.send(body[: len(body) // 2], len(body))
    handler.server.ended.wait()


def silence(handler: Handler, body: bytes) -> None:
    """Take the request and say nothing."""
    handler.server.ended.wait()


def status(code: int) -> Fault:
    return lambda handler, body: handler.send_error(code)


def redirect(to: str) -> Fault:
    """Send whoever asks to the same path below `to`."""

    def fault(handler: Handler, body: bytes) -> None:
        handler.send_response(302)
        handler.send_header("Location", to + handler.path)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return fault
