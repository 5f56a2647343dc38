"""Feedback: whether ratings are stars, or tell only what somebody watched or liked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from recommender.bundle.history import History

STARS, COUNTS, LIKES, EQUAL = "stars", "counts", "likes", "equal"
# What the option --feedback can say; the others are told by the ratings.
FEEDBACK = (STARS, COUNTS)
_LIKES_SCALES = ((0.0, 1.0), (-1.0, 1.0))
_NOTES = {
    COUNTS: "the ratings are counts, kept as their logarithms; no stars are predicted",
    LIKES: "the ratings are likes and dislikes; no stars are predicted",
    EQUAL: "all ratings are equal, so any of them speaks for its movie; no stars are predicted",
}


def feedback_of(history: History, scale: tuple[float, float], given: str = STARS) -> str:
    """Return the kind of feedback that the ratings of `history` are.

    Args:
        scale: the lowest and highest rating that there can be.
        given: what --feedback says.

    Returns:
        ``counts`` if they were given as such; ``equal`` if all are the same, and not the
        lowest that there can be; ``likes`` if all are 0 and 1, or −1, 0 and 1; else ``stars``.
    """
    if given == COUNTS:
        return COUNTS
    lowest, highest, likes = np.inf, -np.inf, scale in _LIKES_SCALES
    for block in history.everything():
        lowest, highest = min(lowest, block.ratings.min()), max(highest, block.ratings.max())
        likes = likes and bool(np.isin(block.ratings, (*scale, 0.0)).all())
    if scale[0] < lowest == highest:
        return EQUAL
    return LIKES if likes else STARS


def feedback_notes(feedback: str) -> list[str]:
    """Return a line that says what the ratings are, where they are no stars."""
    return [_NOTES[feedback]] if feedback in _NOTES else []
