"""The command ``matinee serve``, which starts the app everywhere: run.sh, the image, every host."""

from __future__ import annotations

import argparse
import os
import shlex
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from recommender.bundle.bundle import Bundle
from recommender.bundle.manifest import manifest_stamp
from recommender.cli import shared
from recommender.core.errors import SettingsError
from recommender.core.optional_packages import require_training
from recommender.core.project_files import APP, SAMPLE, SUPERVISOR
from recommender.core.serving_variables import VARIABLES
from recommender.settings.environment import Settings
from recommender.settings.worker_count import worker_count

PORT = 8501  # Streamlit's own
_PORT_VARIABLE, _PORT_OPTION = "STREAMLIT_SERVER_PORT", "--server.port"

_TLS_VARIABLE, _TLS_OPTION = "STREAMLIT_SERVER_SSL_CERT_FILE", "--server.sslCertFile"


def add_command(commands: Any) -> None:
    """Add the command to the subparsers `commands`."""
    command = shared.add_command(
        commands,
        "serve",
        _run,
        "start the app in the browser, on the port of STREAMLIT_SERVER_PORT or PORT, else 8501",
    )
    command.add_argument(
        "--workers",
        metavar="N",
        help="processes that serve behind the port, or auto: one for each core and 128 MB of the "
        "memory limit, four at most (default: MATINEE_WORKERS, else auto)",
    )
    command.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="-- ARGUMENTS",
        help="for Streamlit, as in: serve -- --server.port 8600",
    )


def _run(options: argparse.Namespace) -> None:
    if options.workers is not None:
        os.environ["MATINEE_WORKERS"] = options.workers
        Settings.from_environment()  # a number that cannot be used is said before a training
    given = options.arguments
    given = given[1:] if given[:1] == ["--"] else given
    free_port(given)  # said before a training, not after it
    if words := sample_training(options.knobs):
        print("Training on the sample data (once; a minute or two) …", flush=True)
        training = options.parser.parse_args(words)
        training.run(training)
    serve(given)


def sample_training(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the words of ``matinee train`` that make the bundle to be served from the sample.

    None are needed where a bundle is named or one lies in ./bundle.

    Raises:
        BundleError: what lies in ./bundle cannot be used.
        SettingsError: the packages for training are not installed.
    """
    if environment.get("MATINEE_BUNDLE", "").strip():
        return []
    bundle = settings.bundle_folder
    if manifest_stamp(bundle) is not None:
        Bundle.open(bundle)
        return []
    require_training(purpose="no bundle is here (MATINEE_BUNDLE names one); training the sample")
    files = (
        "--ratings",
        str(SAMPLE / "ratings.parquet"),
        "--movies",
        str(SAMPLE / "movies.parquet"),
    )
    credit = (SAMPLE / "CREDIT.txt").read_text("utf-8").strip()
    return ["train", *files, "--evaluate", "--credit", credit, "--out", str(bundle)]


def serve(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> NoReturn:
    """Become Streamlit's server of the app; the working directory stays what it is.

    The process is replaced and not a child: the host's signals reach the server, and the variables
    that are read before Python starts count.

    Args:
        arguments: for Streamlit, as ``--server.port=8600``.
        environment: what is set comes before `VARIABLES`. MATINEE_WORKERS is the number of
            processes that serve, see `worker_count`. MATINEE_RUN_UNDER is a command that runs
            the server: ``python debug_memory.py run --limit 256M --``.

    Raises:
        SettingsError: the port is no port or in use, or there can be no several workers.
    """
    port = free_port(arguments, environment)
    print(f"Matinee is at http://localhost:{port} (Ctrl+C stops it)", flush=True)
    under = shlex.split(environment.get("MATINEE_RUN_UNDER", ""))
    serving = [sys.executable, "-m", "streamlit", "run", str(APP), *arguments]
    count = worker_count(Settings.from_environment(environment), _obstacle(arguments, environment))
    if count > 1:
        serving[2] = "recommender.app.server.serve_as_worker"
        serving = [sys.executable, "-I", str(SUPERVISOR), str(count), *serving]
    command = [*under, *serving]
    os.execvpe(command[0], command, {**VARIABLES, **environment, _PORT_VARIABLE: str(port)})


def _obstacle(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Return why only one process can serve; None if several can."""
    if environment.get("MATINEE_RUN_UNDER", "").strip():
        return "MATINEE_RUN_UNDER runs one process"
    named = any(argument.partition("=")[0] == _TLS_OPTION for argument in arguments)
    if named or environment.get(_TLS_VARIABLE, "").strip():
        return f"the server itself speaks TLS ({_TLS_OPTION}); a proxy in front of it may do that"
    return None


def free_port(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Return the port that the app will have, see `port_of`.

    Raises:
        SettingsError: it is no port, or in use.
    """
    port = port_of(arguments, environment)
    if not _is_free(port):
        raise SettingsError(
            f"port {port} is in use; stop what runs there, or choose another: {_PORT_VARIABLE}=8600"
        )
    return port


def port_of(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return the port that the app is to have: of Streamlit's option, its variable, or ``PORT``, by
    which many hosts say where they expect an app.

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
