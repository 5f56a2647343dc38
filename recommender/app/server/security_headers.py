"""Headers by which the browser protects visitors, and the token in front of Streamlit's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from streamlit import config

from recommender.app.server.metrics import refusal
from recommender.app.server.proxy_headers import is_encrypted

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Streamlit's page has a script and styles of its own in the page, and so have ours; nothing comes
# from another host, and no other site may show the app in a frame. Source: W3C, CSP Level 3.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


class SecurityHeaders:
    """Adds `HEADERS` to every answer, and ``Secure`` to every cookie that is sent over https.

    Streamlit's own /_stcore/metrics wants the token of /metrics. Source: the ASGI specification.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        base = config.get_option("server.baseUrlPath").strip("/")
        self._metrics = f"{'/' if base else ''}{base}/_stcore/metrics"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        encrypted = is_encrypted(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    _cookie(*header) if encrypted else header for header in message["headers"]
                ]
                known = {name.lower() for name, _ in headers}
                added = [header for header in HEADERS if header[0] not in known]
                message = {**message, "headers": headers + added}
            await send(message)

        app = self._app
        if scope["path"].rstrip("/") == self._metrics:
            app = refusal(Request(scope)) or app
        await app(scope, receive, send_with_headers)


def _cookie(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name.lower() == b"set-cookie" and b"; secure" not in value.lower():
        value += b"; Secure"
    return name, value
