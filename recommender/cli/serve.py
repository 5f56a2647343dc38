"""Starts the app: one command, `matinee serve`, for run.sh, the container image and every host."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from recommender.core.errors import SettingsError

APP = Path("streamlit_app.py")
PORT = 8501  # Streamlit's own
# The serving process answers many visitors at once, a little each. What threads and allocators do
# to be fast with large tasks only takes memory here; docs/settings.md says how much.
VARIABLES = {
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
    # Python's own allocator gives memory back by the megabyte, and one small object that stays
    # holds a whole one; the system's gives back each page that is free.
    "PYTHONMALLOC": "malloc",
}
_PORT_VARIABLE, _PORT_OPTION = "STREAMLIT_SERVER_PORT", "--server.port"


def serve(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> NoReturn:
    """Become Streamlit's server of the app in the working directory.

    The process is replaced and not a child: the host's signals reach the server, and the variables
    that are read before Python starts count.

    Args:
        arguments: for Streamlit, as ``--server.port=8600``.
        environment: what is set comes before `VARIABLES`.

    Raises:
        SettingsError: there is no app here, or the port is no port or in use.
    """
    if not APP.is_file():
        raise SettingsError(f"no {APP} in {Path.cwd()}; start this in Matinee's folder")
    port = port_of(arguments, environment)
    if not _is_free(port):
        raise SettingsError(
            f"port {port} is in use; stop what runs there, or choose another: {_PORT_VARIABLE}=8600"
        )
    print(f"Matinee is at http://localhost:{port} (Ctrl+C stops it)", flush=True)
    command = [sys.executable, "-m", "streamlit", "run", str(APP), *arguments]
    os.execve(sys.executable, command, {**VARIABLES, **environment, _PORT_VARIABLE: str(port)})


def port_of(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The port that the app will have: of Streamlit's option, its variable, or ``PORT``, by which
    many hosts say where they expect an app.

    Raises:
        SettingsError: it is no port.
    """
    source, text = "", ""
    for name in ("PORT", _PORT_VARIABLE):
        if environment.get(name, "").strip():
            source, text = f"{name}=", environment[name].strip()
    for index, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option == _PORT_OPTION:
            source = f"{_PORT_OPTION} "
            text = value if equals else "".join(arguments[index + 1 : index + 2])
    if not source:
        return PORT
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise SettingsError(f"{source}{text}: give a port from 1 to 65535")
    return int(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that is only just closing does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
