"""The app: what Streamlit runs for every visitor, and what the server around it consists of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import streamlit as st

from recommender.app.pages import DEBUG, HIDDEN, LAB, MAIN, url_path


def draw() -> None:
    """Draw the page that the visitor's address names, within the frame around every page."""
    from recommender.app.components import frame
    from recommender.app.i18n import language
    from recommender.app.pages import not_found

    language.take_from_address()
    main, lab = pages(MAIN), pages((*LAB, *DEBUG) if frame.is_debugging() else LAB)
    known = [*main, *lab, *pages(HIDDEN)]
    if missing := not_found.page([page.url_path for page in known]):
        known.append(missing)
    page = st.navigation(known, position="hidden")
    title = "Matinee" if page is main[0] else f"{page.title} · Matinee"
    st.set_page_config(page_title=title, page_icon="🎬", layout="wide")
    frame.draw(page, main, lab, url_path("discover"))


def pages(names: Iterable[str]) -> list[st.Page]:
    """Import the pages of these names, in order, as Streamlit's."""
    return [import_module(f"recommender.app.pages.{name}").page() for name in names]


def server_options(own_at_start: int) -> dict[str, Any]:
    """Prepare the process, and return the keyword arguments of `st.App`: lifespan, routes and
    middleware.

    A setting that cannot be used ends the process with one line, status 2.

    Args:
        own_at_start: own memory before this package was imported, in bytes.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from recommender.app.server import (
        flame_graph_file,
        health,
        metrics,
        poster_files,
        startup,
        visitor,
    )
    from recommender.app.server.compressed_files import CompressedFiles
    from recommender.app.server.configuration import settings
    from recommender.app.server.connection_limits import ConnectionLimits
    from recommender.app.server.security_headers import SecurityHeaders
    from recommender.app.server.splash import Splash
    from recommender.app.server.upload_limits import UploadLimits

    startup.prepare(own_at_start)
    judge = health.Health()

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        async with startup.lifespan(app), judge.told_to_workers():
            yield

    hosts = settings().allowed_hosts
    connections = settings().connections, settings().connections_per_address
    return {
        "lifespan": lifespan,
        "routes": [
            *health.routes(judge),
            *metrics.routes(),
            *flame_graph_file.routes(),
            *poster_files.routes(),
        ],
        "middleware": [
            Middleware(SecurityHeaders),
            *([Middleware(TrustedHostMiddleware, hosts, www_redirect=False)] if hosts else []),
            Middleware(ConnectionLimits, *connections),
            Middleware(UploadLimits),
            Middleware(visitor.VisitorCookie),
            Middleware(CompressedFiles),
            Middleware(Splash),
        ],
    }
