import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender.core.top_n import TopN, largest


@given(
    scores=st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, -np.inf]), min_size=1, max_size=40),
    n=st.integers(1, 12),
    width=st.integers(1, 40),
)
def test_equals_a_full_sort_whatever_the_blocks(scores: list[float], n: int, width: int) -> None:
    row = np.array(scores)
    best = TopN(2, n)
    for start in range(0, len(row), width):
        block = row[start : start + width]
        best.add(np.stack([block, -np.inf * np.ones_like(block)]), start)
    (columns, values), (none, _) = best.rows()
    order = sorted(range(len(row)), key=lambda i: (-row[i], i))
    expected = [i for i in order if row[i] > -np.inf][:n]
    assert columns.tolist() == expected
    assert values.tolist() == [row[i] for i in expected]
    assert none.tolist() == []


def test_the_largest_of_those_that_may_come() -> None:
    values = np.array([3, 9, 9, 1, 5], np.int32)
    assert largest(values, 3).tolist() == [1, 2, 4]
    assert largest(values, 9, values != 9).tolist() == [4, 0, 3]
    assert largest(values, 2, np.zeros(5, bool)).tolist() == []
