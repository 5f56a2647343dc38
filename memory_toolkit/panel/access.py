"""Access to the panel: for everybody, or for who knows DEBUG_MEMORY_TOKEN; with a rate limit."""

from __future__ import annotations

import hmac
import math
import threading
import time

import streamlit as st

from memory_toolkit.panel.host import host
from memory_toolkit.panel.texts import t

OPENED_KEY = "memory.opened"
# After a wrong token nobody's is looked at for a while, longer each time, so that guessing is slow.
MIN_PAUSE, MAX_PAUSE = 1.0, 30.0


class _RateLimit:
    """A rate limit for tokens over all sessions, with backoff; a right one resets it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._until = 0.0

    def check(self, given: str, token: str) -> bool | None:
        """Return whether `given` is the token; None if the rate limit forbade a check."""
        with self._lock:
            if self.left():
                return None
            right = hmac.compare_digest(given.encode(), token.encode())
            self._seconds = 0.0 if right else min(MAX_PAUSE, self._seconds * 2 or MIN_PAUSE)
            self._until = time.monotonic() + self._seconds
            return right

    def left(self) -> int:
        """Return the whole seconds until the next token is looked at."""
        return max(0, math.ceil(self._until - time.monotonic()))


_rate_limit = _RateLimit()


def may_see(key: str = "memory") -> bool:
    """Return whether this session may see the panel; else draw a field for the token.

    Args:
        key: begins the keys of the widgets, since the panel and its page may ask at once.
    """
    token = host().token()
    if token is None or st.session_state.get(OPENED_KEY):
        return True
    _ask(token, key)
    return False


@st.fragment
def _ask(token: str, key: str) -> None:
    with st.form(f"{key}.access", clear_on_submit=True, border=False):
        given = st.text_input(
            t("memory.token"), type="password", autocomplete="off", key=f"{key}.token"
        )
        sent = st.form_submit_button(t("memory.open"), icon=":material/lock_open:", width="stretch")
    if not sent:
        return
    right = _rate_limit.check(given, token)
    if right:
        st.session_state[OPENED_KEY] = True
        st.rerun()
    st.error(
        t(
            "memory.token_wrong" if right is False else "memory.token_paused",
            seconds=_rate_limit.left(),
        )
    )
