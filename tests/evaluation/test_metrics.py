import numpy as np
import pytest

from recommender.evaluation.metrics import (
    ListMetrics,
    StarsMetrics,
    recall,
    self_information,
)


def test_recall_looks_at_twenty() -> None:
    top = np.arange(30)
    assert recall(top, np.array([0, 19, 20, 99])) == 0.5


def test_self_information() -> None:
    found = self_information(np.array([8, 4, 1, 0]), 8)
    assert found.tolist() == [0.0, 1.0, 3.0, 3.0]


def test_list_metrics() -> None:
    found = ListMetrics(np.array([0.0, 1.0, 2.0, 3.0]))
    found.add(np.array([0, 1]), np.array([0]))
    found.add(np.array([1]), np.array([3]))
    found.add(np.zeros(0, dtype=int), np.array([3]))  # nothing was left to recommend
    result = found.result()
    assert result["ndcg@10"].tolist() == [1.0, 0.0, 0.0]
    assert result["recall@20"].tolist() == [1.0, 0.0, 0.0]
    assert result["novelty"].tolist() == [0.5, 1.0]
    assert result["coverage@10"].tolist() == [0.5]


def test_coverage_counts_the_first_ten_only() -> None:
    found = ListMetrics(np.zeros(40))
    found.add(np.arange(20), np.array([0]))
    assert found.result()["coverage@10"].tolist() == [0.25]


def test_stars_metrics_over_blocks() -> None:
    found = StarsMetrics()
    found.add(np.array([3.0, 4.0]), np.array([3.0, 2.0]))
    found.add(np.array([1.0]), np.array([2.0]))
    assert found.result()["rmse"][0] == pytest.approx(np.sqrt(5 / 3))
    assert found.result()["mae"][0] == pytest.approx(1.0)
