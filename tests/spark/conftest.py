"""Spark on this machine, and a cluster of processes; both need Java and the extra `spark`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.services import need

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.support.spark_cluster import Cluster


@pytest.fixture(scope="session")
def java() -> str:
    """The program that Spark runs in."""
    pytest.importorskip("pyspark", reason="Spark needs the extra `spark`")
    return need("java", "openjdk-17-jre-headless")


# For data of a few rows.
SMALL = {
    "spark.driver.memory": "1g",
    "spark.default.parallelism": "2",
    "spark.sql.shuffle.partitions": "2",
}


@pytest.fixture(scope="package")
def spark(java: str) -> Iterator[SparkSession]:
    """The one session of these tests, on two cores of this machine."""
    from recommender.spark.session import open_session

    with open_session("local[2]", SMALL) as session:
        yield session


@pytest.fixture(scope="module")
def cluster(java: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A standalone cluster of two workers, which have numpy, pyarrow and scipy but not Matinee."""
    from tests.support import spark_cluster

    with spark_cluster.cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
