"""Streamlit's command as one of several workers: ``python -m recommender.app.server.serve_as_worker
run …``; the arguments are those of ``streamlit``, and `supervisor` starts it."""

from __future__ import annotations

import socket

from streamlit.web.cli import main as streamlit
from streamlit.web.server.starlette import starlette_server

from recommender.app.server.worker import take_place


def main() -> None:
    """Serve the app on the port that the workers share.

    Source: Streamlit 1.67, UvicornRunner.
    """
    here = take_place()
    bind = starlette_server._bind_server_socket

    def listen(
        server_address: str, bind_address: str, port: int, backlog: int
    ) -> tuple[socket.socket, str]:
        return here.listen(lambda: bind(server_address, bind_address, port, backlog))

    starlette_server._bind_server_socket = listen
    streamlit(prog_name="streamlit")


if __name__ == "__main__":
    main()
