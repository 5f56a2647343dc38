"""About: what the models are, where the data come from, and their terms."""

from __future__ import annotations

import streamlit as st

from recommender.app.components import frame
from recommender.app.components.markup import with_links
from recommender.app.i18n.language import t
from recommender.app.server.loading import load_all_data


def page() -> st.Page:
    """Return the page that says what the models are, their measured quality, and the credits."""
    return st.Page(_draw, title=t("about.menu"), icon=":material/info:", url_path="about")


@frame.body
def _draw() -> None:
    bundle = load_all_data()
    training = bundle.training
    data, settings, models = training.data, training.settings, training.models
    st.title(t("about.title"), anchor=False)
    st.markdown(t("about.intro"))
    st.header(t("about.models"), anchor=False)
    st.markdown(
        t(
            "about.models_text",
            factors=settings.stars["n_factors"],
            ranking_factors=settings.ranking["n_factors"],
            terms=f"{models['content']['n_terms']:,.0f}",
            users=f"{data.trained_users:,}",
            movies=f"{data.trained_movies:,}",
            min_user=settings.min_user_ratings,
            min_movie=settings.min_movie_ratings,
        )
    )
    quality = training.quality
    if quality:
        st.header(t("about.quality"), anchor=False)
        st.markdown(
            t(
                "about.quality_text" if data.has_stars else "about.quality_without_stars",
                users=f"{quality.users:,}",
                times=f"{quality.ndcg / max(quality.popularity_ndcg, 1e-9):.1f}",
                ndcg=f"{quality.ndcg:.3f}",
                popularity=f"{quality.popularity_ndcg:.3f}",
                mae=f"{quality.mae:.2f}",
            )
        )
    st.header(t("about.data"), anchor=False)
    low, high = data.scale
    st.markdown(
        t(
            "about.data_text" if data.has_stars else "about.data_without_stars",
            ratings=f"{data.ratings:,}",
            users=f"{data.users:,}",
            movies=f"{data.movies:,}",
            mean=f"{data.mean_rating:.2f}",
            low=f"{low:g}",
            high=f"{high:g}",
            created=bundle.created[:10],
            size=f"{bundle.size / 2**20:.1f}",
        )
    )
    credit = settings.credit
    st.markdown(with_links(credit) if credit else t("about.no_credit"))
    st.header(t("about.memory"), anchor=False)
    st.markdown(t("about.memory_text"))
