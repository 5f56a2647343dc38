"""`load_all_data` and `initialize_recommender`, importable from where they first were."""

from recommender.app.server.loading import initialize_recommender, load_all_data

__all__ = ["initialize_recommender", "load_all_data"]
