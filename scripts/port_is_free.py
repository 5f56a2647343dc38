"""Exit status 0 if nothing listens on the TCP port given as the only argument."""

import socket
import sys

with socket.socket() as probe:
    # As servers do: a connection that is only just closing does not hold the port.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("", int(sys.argv[1])))
    except (OSError, OverflowError, ValueError):
        sys.exit(1)
