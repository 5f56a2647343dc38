"""Who may see the panel: everybody, or who knows DEBUG_MEMORY_TOKEN where it is set."""

from __future__ import annotations

import hmac
import math
import threading
import time

import streamlit as st

from recommender.app.i18n.language import t
from recommender.app.server.configuration import settings

OPENED_KEY = "memory.opened"
# After a wrong token nobody's is looked at for a while, longer each time, so that guessing is slow.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


class _Pause:
    """How long no token is looked at, over all sessions; a right one ends the lengthening."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._until = 0.0

    def check(self, given: str, token: str) -> bool | None:
        """Whether `given` is the token; None if it was not looked at."""
        with self._lock:
            if self.left():
                return None
            right = hmac.compare_digest(given.encode(), token.encode())
            self._seconds = 0.0 if right else min(LONGEST_PAUSE, self._seconds * 2 or FIRST_PAUSE)
            self._until = time.monotonic() + self._seconds
            return right

    def left(self) -> int:
        """Whole seconds until the next token is looked at."""
        return max(0, math.ceil(self._until - time.monotonic()))


_pause = _Pause()


def may_see() -> bool:
    """Whether this session may see the panel; else a field asks for the token."""
    token = settings().debug_memory_token
    if token is None or st.session_state.get(OPENED_KEY):
        return True
    _ask(token)
    return False


@st.fragment
def _ask(token: str) -> None:
    with st.form("memory.access", clear_on_submit=True, border=False):
        given = st.text_input(
            t("memory.token"), type="password", autocomplete="off", key="memory.token"
        )
        sent = st.form_submit_button(t("memory.open"), icon=":material/lock_open:", width="stretch")
    if not sent:
        return
    right = _pause.check(given, token)
    if right:
        st.session_state[OPENED_KEY] = True
        st.rerun()
    st.error(
        t("memory.token_wrong" if right is False else "memory.token_paused", seconds=_pause.left())
    )
