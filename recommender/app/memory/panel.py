"""The toolkit's panel, with what it should know of Matinee: its texts, parts, caches and guard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from memory_toolkit.panel.host import Host, Loaded
from memory_toolkit.panel.page import draw_page
from memory_toolkit.panel.panel import draw_panel
from recommender.app.components import semantic_search
from recommender.app.components.addresses import address
from recommender.app.i18n.language import current_language, is_text, t
from recommender.app.server import flame_graph_file, loading
from recommender.app.server.configuration import settings
from recommender.app.server.housekeeper import guard
from recommender.app.server.startup import start_memory


def memory_panel() -> None:
    """Draw the panel in the sidebar; the app's own actions are recorded where they are taken."""
    draw_panel(_HOST)


def memory_page() -> None:
    """Draw the panel as a page."""
    draw_page(_HOST)


def _text(name: str) -> str:
    return t(name) if is_text(name) else name


def _bundle() -> Path:
    return settings().bundle_folder


def _ratings() -> Iterator[Path]:
    """Yield the file of visitors' ratings, and what was written beside it and not into it yet."""
    path = settings().profiles
    yield path
    yield Path(f"{path}-wal")


_HOST = Host(
    language=current_language,
    translate=_text,
    guard=guard,
    token=lambda: settings().debug_memory_token,
    start=start_memory,
    mapped={"memory_parts.bundle": _bundle},
    disk={"memory_parts.ratings": _ratings},
    clear=(loading.forget,),
    loaded={
        "memory_tools.unload": Loaded(semantic_search.is_loaded, semantic_search.unload),
    },
    flame_graph=flame_graph_file.address,
    file_prefix="matinee",
    page=lambda: address("memory"),
    record_runs=False,
)
