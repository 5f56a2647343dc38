"""A visitor's ratings as their own: take them along, bring them in, delete them."""

from __future__ import annotations

import streamlit as st

from recommender.app.components.markup import plain
from recommender.app.i18n.language import t
from recommender.app.server.guarded_action import guarded_action
from recommender.app.server.import_slot import import_slot, within_deadline
from recommender.app.server.visitor import current_visitor, profile_errors_as_text
from recommender.recommender import Recommender
from recommender.visitors.ratings_files import MAX_BYTES, from_file
from recommender.visitors.ratings_matching import Matched, match, to_csv
from recommender.visitors.ratings_table import GZIP, ZIP
from recommender.visitors.records import VisitorRatings

_FILE_NAME = "matinee-ratings.csv"
_UPLOADS, _REPORT = "own_file_uploads", "own_file_report"
_DELETIONS, _DELETED = "own_deletions", "own_deleted"
_MISSING_SHOWN = 50
# What reading a file takes at most, for each of its bytes, and for `MAX_ROWS` short ones.
IMPORT_BYTES = 12
_ROWS_BYTES = 6 * 2**20


def draw(matinee: Recommender, visitor_ratings: VisitorRatings) -> None:
    """Draw the three, each under its heading."""
    export(matinee, visitor_ratings)
    st.header(t("my_ratings.import"), anchor=False)
    _import(matinee)
    delete(visitor_ratings)


def export(matinee: Recommender, visitor_ratings: VisitorRatings) -> None:
    """Draw the button that gives everything as a file."""
    st.header(t("my_ratings.export"), anchor=False)
    st.markdown(t("my_ratings.export_text"))
    st.download_button(
        t("my_ratings.export_button", count=f"{len(visitor_ratings):,}"),
        # Made at once: what a callable makes may be let go of by the run of another visitor.
        to_csv(visitor_ratings, matinee),
        file_name=_FILE_NAME,
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        disabled=not visitor_ratings,
    )


def delete(visitor_ratings: VisitorRatings) -> None:
    """Draw the button that deletes everything, after a question, and say when it is done."""
    st.header(t("my_ratings.delete"), anchor=False)
    st.markdown(t("my_ratings.delete_text"))
    # A new key is a popover that is closed: the question does not stay open when it is answered.
    deletions = st.session_state.setdefault(_DELETIONS, 0)
    with st.popover(
        t("my_ratings.delete_button"),
        icon=":material/delete:",
        disabled=not visitor_ratings,
        key=f"own_delete_{deletions}",
    ):
        st.markdown(t("my_ratings.delete_sure"))
        st.button(t("my_ratings.delete_yes"), type="primary", on_click=_delete)
    if st.session_state.pop(_DELETED, False) and not visitor_ratings.erasing:
        st.success(t("my_ratings.deleted"), icon=":material/check:")


def _import(matinee: Recommender) -> None:
    uploads = st.session_state.setdefault(_UPLOADS, 0)
    file = st.file_uploader(
        t("my_ratings.import_text"),
        type=["csv", "tsv", "txt", "json", "zip"],
        key=f"own_file_{uploads}",
        max_upload_size=MAX_BYTES // 2**20,
    )
    if file is not None:
        st.session_state.pop(_REPORT, None)
        data = file.getvalue()
        size = MAX_BYTES if data.startswith((ZIP, GZIP)) else file.size
        max_bytes = matinee.max_bytes + IMPORT_BYTES * size + _ROWS_BYTES
        with (
            st.spinner(t("my_ratings.importing")),
            profile_errors_as_text(),
            import_slot(),
            guarded_action("action.import", max_bytes),
        ):
            file_ratings = from_file(data, matinee.scale, name=file.name)
            matched = match(file_ratings, matinee, within_deadline)
            visitor = current_visitor()
            visitor.store.put(visitor.secret, matched.ratings, matched.marks)
            st.session_state[_REPORT] = matched
        # A new key is an empty field: the file is let go of, and the same one can come again.
        st.session_state[_UPLOADS] += 1
        st.rerun()
    report = st.session_state.get(_REPORT)
    if report is None:
        return
    st.success(
        t("my_ratings.imported", count=f"{len(report.ratings) + len(report.marks):,}"),
        icon=":material/check:",
    )
    _report(report)


def _report(report: Matched) -> None:
    """Draw what to know beside the ratings that were taken over."""
    file = report.file
    if report.watched:
        watched, stars = f"{report.watched:,}", f"{report.watched_stars:g}"
        st.info(t("my_ratings.watched", count=watched, stars=stars), icon=":material/visibility:")
    if file.scale:
        low, high = (f"{end:g}" for end in file.scale)
        st.info(t("my_ratings.mapped", low=low, high=high), icon=":material/swap_horiz:")
    if file.unreadable_times:
        times = f"{file.unreadable_times:,}"
        st.info(t("my_ratings.unreadable_times", count=times), icon=":material/schedule:")
    if file.unrated:
        st.info(t("my_ratings.unrated", count=f"{file.unrated:,}"), icon=":material/star_border:")
    for key, names in (("my_ratings.missing", report.missing), ("my_ratings.series", file.series)):
        if names:
            with st.expander(t(key, count=f"{len(names):,}")):
                shown = [f"- {plain(name)}" for name in names[:_MISSING_SHOWN]]
                if len(names) > _MISSING_SHOWN:
                    shown.append(f"- {t('my_ratings.missing_more')}")
                st.markdown("\n".join(shown))


def _delete() -> None:
    with profile_errors_as_text():
        visitor = current_visitor()
        visitor.store.delete(visitor.secret)
        st.session_state.pop(_REPORT, None)
        st.session_state[_DELETED] = True
        st.session_state[_DELETIONS] += 1
