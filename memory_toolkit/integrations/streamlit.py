"""The memory panel for anybody's Streamlit app, in one line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # without DEBUG_MEMORY nothing of it is imported
    from memory_toolkit.panel.host import Host

SWITCH_VARIABLE = "DEBUG_MEMORY"
_ON = ("1", "true", "yes", "on")


def streamlit_panel(host: Host | None = None) -> None:
    """Draw the memory panel in the sidebar, if the environment's DEBUG_MEMORY is true.

    It brings itself up to date each second: a gauge of own memory beside the limit, the last
    minutes, actions with their change and peak, parts, and tools, in English and Korean. Each run
    of a page or a fragment and each callback is recorded by itself, from the second run of the
    first page on. With DEBUG_MEMORY_TOKEN set it asks for that first. Where DEBUG_MEMORY is not
    true it does nothing, and imports nothing.

    Args:
        host: what the app calls its things, and the parts and caches that it registers.
    """
    if not _is_on():
        return
    from memory_toolkit.panel.host import Host
    from memory_toolkit.panel.panel import draw_panel

    draw_panel(host or Host())


def streamlit_memory_page(host: Host | None = None) -> None:
    """Draw the panel as a page, where there is room, if the environment's DEBUG_MEMORY is true.

    The last minutes with the limit and its thresholds, a table with a line an action, the parts,
    and the sessions; see `streamlit_panel` for the rest. Give it an address of its own::

        st.Page(debug_memory.streamlit_memory_page, title="Memory", url_path="memory")

    Args:
        host: as of `streamlit_panel`.
    """
    if not _is_on():
        return
    from memory_toolkit.panel.host import Host
    from memory_toolkit.panel.page import draw_page

    draw_page(host or Host())


def _is_on() -> bool:
    return os.environ.get(SWITCH_VARIABLE, "").strip().lower() in _ON
