"""A recommender that unpickles its similarity matrix on every rerun, within 512 MB."""
