from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.search.typos import allowed, distances, near, signature

few_letters = st.text(alphabet="abcé기", max_size=7)


def by_definition(one: str, other: str) -> int:
    @cache
    def apart(i: int, j: int) -> int:
        if min(i, j) == 0:
            return max(i, j)
        ways = [
            apart(i - 1, j) + 1,
            apart(i, j - 1) + 1,
            apart(i - 1, j - 1) + (one[i - 1] != other[j - 1]),
        ]
        if i > 1 and j > 1 and one[i - 2 : i] == other[j - 1] + other[j - 2]:
            ways.append(apart(i - 2, j - 2) + 1)
        return min(ways)

    return apart(len(one), len(other))


@given(few_letters, st.lists(few_letters, max_size=5))
def test_distances_are_those_of_the_definition(word: str, others: list[str]) -> None:
    assert distances(word, others).tolist() == [by_definition(word, other) for other in others]


@given(few_letters.filter(bool), few_letters.filter(bool))
def test_distance_is_the_same_both_ways(one: str, other: str) -> None:
    assert distances(one, [other]) == distances(other, [one])


@pytest.mark.parametrize(
    ("word", "typed", "typos"),
    [
        ("matrix", "matrix", 0),
        ("matrix", "matirx", 1),
        ("matrix", "matrx", 1),
        ("matrix", "matriix", 1),
        ("matrix", "natrix", 1),
        ("godfather", "godftahre", 2),
        ("matrix", "", 6),
    ],
)
def test_distance(word: str, typed: str, typos: int) -> None:
    assert distances(typed, [word]).tolist() == [typos]


@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=8), st.integers(0, 3))
def test_what_is_near_enough_is_never_passed_over(word: str, others: list[str], most: int) -> None:
    signatures = np.array([signature(other) for other in others], dtype=np.uint64)
    close = np.flatnonzero(distances(word, others) <= most)
    assert set(close) <= set(near(word, signatures, most))


def test_signatures_leave_few_to_compare() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("etaoinshrdlu"), 8)) for _ in range(2000)]
    signatures = np.array([signature(word) for word in words], dtype=np.uint64)
    assert 0 in near(words[0], signatures, 1)
    assert len(near(words[0], signatures, 1)) < 100


@pytest.mark.parametrize(("letters", "typos"), [(0, 0), (3, 0), (4, 1), (7, 1), (8, 2), (30, 2)])
def test_typos_allowed(letters: int, typos: int) -> None:
    assert allowed(letters) == typos
