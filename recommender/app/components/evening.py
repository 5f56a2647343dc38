"""An evening as its members see it: who is there, the link for a guest, whom a movie suits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import streamlit as st

from recommender.app.components import clicks
from recommender.app.components.markup import escape
from recommender.app.i18n.language import t
from recommender.visitors.evenings import HOST, Evening, Member

# Not among those of every page, which each page sends.
STYLES = Path(__file__).with_name("evening.css")
# Without HTTPS a browser has no clipboard but that of execCommand.
_COPY = """{
const button = document.querySelector(".mt-link button");
button.onclick = async () => {
  const field = button.previousElementSibling;
  field.select();
  await (navigator.clipboard?.writeText(field.value) ?? document.execCommand("copy"));
  button.querySelector("span").textContent = button.dataset.copied;
};
}"""
# The name in the address under which a link brings its token.
TOKEN = "evening"
# Places up to this one are alike, and so are those of which one is so many times the other.
_NEAR, _TIMES = 12, 3


def name_of(member: Member, evening: Evening) -> str:
    """Return what a member is called, as the one who asks reads it."""
    if member.seat == evening.seat:
        return t("together.you")
    if member.name:
        return member.name
    return t("together.host") if member.seat == HOST else t("together.guest", number=member.seat)


def people(evening: Evening, silent: Sequence[Member]) -> None:
    """Draw who is there, and say so of the others who are `silent`: have rated nothing."""
    others = [member for member in silent if member.seat != evening.seat]
    note = f"<span>{escape(t('together.silent'))}</span>"
    items = "".join(
        f"<li><b><bdi>{escape(name_of(member, evening))}</bdi></b>"
        f"{note if member in others else ''}</li>"
        for member in evening.members
    )
    label = escape(t("together.people"))
    st.html(f'<ul class="mt-people" role="list" aria-label="{label}">{items}</ul>')


def link(token: str) -> None:
    """Draw the link for one guest, with a button that copies it."""
    here = urlsplit(st.context.url or "")
    address = here._replace(query=urlencode({TOKEN: token}), fragment="").geturl()
    st.html(
        f'<div class="mt-link"><p>{escape(t("together.link_help"))}</p>'
        f'<input readonly value="{escape(address)}" aria-label="{escape(t("together.link"))}">'
        f'<button type="button" data-copied="{escape(t("together.copied"))}">'
        f"{clicks.icon('content_copy')}<span>{escape(t('together.copy'))}</span></button></div>"
        f"<script>{_COPY}</script>",
        unsafe_allow_javascript=True,
    )


def suits(places: Sequence[int | None], evening: Evening) -> str:
    """Return as HTML whom a movie suits.

    Args:
        places: its place in the list of each of the members, None where one has none.
    """
    known = [
        (place, member)
        for place, member in zip(places, evening.members, strict=True)
        if place is not None
    ]
    (best, first), (worst, second) = min(known, key=_place), max(known, key=_place)
    if len(known) == 1:
        text = t("together.suits_one", first=name_of(first, evening))
    elif worst <= max(_NEAR, _TIMES * best):
        text = t("together.suits_both") if len(known) == 2 else t("together.suits_all")
    elif second.seat == evening.seat:
        text = t("together.suits_more_than_you", first=name_of(first, evening))
    elif first.seat == evening.seat:
        text = t("together.suits_you_more", second=name_of(second, evening))
    else:
        names = {"first": name_of(first, evening), "second": name_of(second, evening)}
        text = t("together.suits_more", **names)
    return f'<p class="mt-suits">{clicks.icon("group")}{escape(text)}</p>'


def _place(known: tuple[int, Member]) -> int:
    return known[0]
