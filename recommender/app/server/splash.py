"""The splash: what a browser shows until Streamlit's scripts have been loaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from streamlit import config, file_util

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ROOT, _TITLE = '<div id="root"></div>', "<title>Streamlit</title>"
_STYLES = """
.splash { position: fixed; inset: 0; display: grid; place-content: center; gap: 1rem;
  justify-items: center; font: 600 2.25rem Georgia, serif;
  background: %(light_background)s; color: %(light_text)s }
.splash i { width: 6rem; height: 3px; border-radius: 2px; overflow: hidden;
  background: linear-gradient(90deg, transparent, %(light_accent)s, transparent) }
@media (prefers-color-scheme: dark) {
  .splash { background: %(dark_background)s; color: %(dark_text)s }
  .splash i { background: linear-gradient(90deg, transparent, %(dark_accent)s, transparent) } }
@media (prefers-reduced-motion: no-preference) {
  .splash i { animation: splash 1.2s ease-in-out infinite alternate }
  @keyframes splash { from { transform: scaleX(.2) } } }
"""
# These stay, behind the app: nothing is seen before the app's own styles come, which would move it;
# they make it visible.
_PLACES = """
.stMainBlockContainer:has(.st-key-head) { visibility: hidden }
.st-key-clicks { display: none }
.stApp .stMainBlockContainer { max-width: none; padding: 0 1rem 10rem }
@media (min-width: 900px) { .stApp .stMainBlockContainer { padding-inline: 5rem } }
.stApp .st-key-head { min-height: 3.75rem; max-height: 3.75rem }
@media (max-width: 640px) { .stApp .st-key-head { min-height: 3.5rem; max-height: 3.5rem } }
"""


class Splash:
    """Puts the app's name, in the theme's colours, into the page that loads the scripts.

    They replace it when they draw. The page is the same for everybody and every address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        replaced = False

        async def send_splash(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_page(message):
                replaced = True
                headers = MutableHeaders(scope=message)
                headers["content-length"] = str(len(_page()))
                # They tell of the file and not of what is made of it.
                del headers["etag"], headers["last-modified"]
            elif message["type"] == "http.response.body" and replaced:
                if message.get("more_body"):
                    return
                body = _page() if scope["method"] == "GET" else b""
                message = {"type": "http.response.body", "body": body}
            elif message["type"] == "http.response.pathsend" and replaced:
                message = {"type": "http.response.body", "body": _page()}
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            # Whoever opens a page: Streamlit would compress it below the home page.
            plain = [header for header in scope["headers"] if header[0] != b"accept-encoding"]
            scope = {**scope, "headers": plain}
        await self._app(scope, receive, send_splash)


def _is_page(message: Message) -> bool:
    """Return whether Streamlit's page begins here; a flame graph is HTML, too."""
    headers = MutableHeaders(scope=message)
    kind, length = headers.get("content-type", ""), headers.get("content-length")
    return (
        message["status"] == 200 and kind.startswith("text/html") and length == str(len(_plain()))
    )


@cache
def _plain() -> bytes:
    return Path(file_util.get_static_dir(), "index.html").read_bytes()


@cache
def _page() -> bytes:
    """Streamlit's page with the splash in the place where the app will be."""
    page = _plain().decode()
    colours = {
        f"{theme}_{name}": config.get_option(f"theme.{theme}.{option}")
        for theme in ("light", "dark")
        for name, option in (
            ("background", "backgroundColor"),
            ("text", "textColor"),
            ("accent", "primaryColor"),
        )
    }
    splash = '<div class="splash" aria-hidden="true">Matinee<i></i></div>'
    page = page.replace(_TITLE, f"<title>Matinee</title><style>{_STYLES % colours}</style>")
    root = _ROOT.replace("></", f">{splash}</")
    return page.replace(_ROOT, f"{root}<style>{_PLACES}</style>").encode()
