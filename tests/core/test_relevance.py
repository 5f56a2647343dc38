import numpy as np
import pytest

from recommender.core.errors import SettingsError
from recommender.core.relevance import ndcg, parse_relevant, relevant_from


@pytest.mark.parametrize(
    ("scale", "liked", "not_liked"),
    [((0.5, 5.0), 4.0, 3.5), ((1.0, 5.0), 4.0, 3.5), ((1.0, 10.0), 8.0, 7.0), ((0, 100), 75, 74)],
)
def test_liked_is_three_quarters_of_the_way_up(
    scale: tuple[float, float], liked: float, not_liked: float
) -> None:
    assert not_liked < relevant_from(scale) <= liked


def test_ndcg_by_hand() -> None:
    top = np.array([7, 3, 9, 5])
    assert ndcg(top, np.array([7])) == pytest.approx(1.0)
    assert ndcg(top, np.array([3])) == pytest.approx(1 / np.log2(3))
    assert ndcg(top, np.array([1])) == 0.0
    ideal = 1 + 1 / np.log2(3)
    assert ndcg(top, np.array([5, 7])) == pytest.approx((1 + 1 / np.log2(5)) / ideal)


def test_ndcg_looks_at_ten_and_cannot_ask_for_more() -> None:
    top = np.arange(20)
    assert ndcg(top, np.array([10])) == 0.0
    assert ndcg(top, np.arange(15)) == pytest.approx(1.0)
    assert ndcg(np.zeros(0, dtype=int), np.array([1])) == 0.0


def test_any_rating_or_from_some_stars_on() -> None:
    assert relevant_from((1.0, 5.0), parse_relevant("any")) == 1.0
    assert relevant_from((1.0, 5.0), parse_relevant("3")) == 3.0
    assert relevant_from((1.0, 5.0), parse_relevant("liked")) == relevant_from((1.0, 5.0))


def test_what_cannot_be_relevant() -> None:
    for text in ("many", "nan", "inf", "-1e999"):
        with pytest.raises(SettingsError, match=f"--relevant {text}: give liked, any or a number"):
            parse_relevant(text)
    with pytest.raises(SettingsError, match="--relevant 7: the ratings go from 1 to 5"):
        relevant_from((1.0, 5.0), 7.0)
