"""The bundle: a trained recommender as memory-mapped files on disk."""
