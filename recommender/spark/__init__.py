"""Training on an Apache Spark cluster: the same command, the same bundle.

`session` starts Spark, `importing` reads and indexes the ratings, `stars` and `ranking` fit the
models, and `engine` puts them in the place of `recommender.training.engine.LocalEngine`.
"""

NO_COUNTS = "--feedback counts needs --engine local"
LOCAL_MASTER = "local[*]"  # this machine, all cores
