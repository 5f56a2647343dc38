"""Search by meaning: movies are found by what is said of them.

>>> from recommender.search.semantic import open_semantic
>>> open_semantic("bundle").search("a heist that goes wrong", 10)

`matinee embed` (`.embed`) makes what is searched; searching needs numpy only.
"""

from recommender.search.semantic.semantic_search import SemanticSearch, open_semantic

__all__ = ["SemanticSearch", "open_semantic"]
