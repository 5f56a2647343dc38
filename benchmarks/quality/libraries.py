"""Other libraries' models. Each is imported where it is fitted, so a missing one stops only itself.

`requirements.txt` beside this file has their versions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.quality.models import (
    REGULARIZATIONS,
    WEIGHTS,
    Contestant,
    Fitted,
    Settings,
    TrainPart,
    factors,
    linear,
)

# The score of a movie that a model knows nothing about: a candidate, but the last one.
_UNKNOWN = np.float32(-1e30)
_FACTORS = (8, 16, 32, 64, 128)


def _implicit_als(train: TrainPart, settings: Settings) -> Fitted:
    from implicit.als import AlternatingLeastSquares

    chosen = dict(settings)
    inputs = train.weighted(chosen.pop("weights"))
    model = AlternatingLeastSquares(iterations=15, random_state=0, num_threads=1, **chosen)
    model.fit(inputs, show_progress=False)
    return factors(model.user_factors, model.item_factors)


def _implicit_bpr(train: TrainPart, settings: Settings) -> Fitted:
    from implicit.bpr import BayesianPersonalizedRanking

    chosen = dict(settings)
    inputs = train.weighted(chosen.pop("weights"))
    model = BayesianPersonalizedRanking(random_state=0, num_threads=1, **chosen)
    model.fit(inputs, show_progress=False)
    return factors(model.user_factors, model.item_factors)


def _rectools_pure_svd(train: TrainPart, settings: Settings) -> Fitted:
    import pandas as pd
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import PureSVDModel

    inputs = train.weighted(settings["weights"]).tocoo()
    table = pd.DataFrame({Columns.User: inputs.row, Columns.Item: inputs.col})
    table[Columns.Weight], table[Columns.Datetime] = inputs.data, pd.Timestamp(0)
    dataset = Dataset.construct(table)
    model = PureSVDModel(factors=settings["factors"], random_state=0).fit(dataset)
    users = np.zeros((train.history.n_users, settings["factors"]), np.float32)
    movies = np.zeros((train.n_movies, settings["factors"]), np.float32)
    users[dataset.user_id_map.external_ids.astype(int)] = model.user_factors
    movies[dataset.item_id_map.external_ids.astype(int)] = model.item_factors
    return factors(users, movies)


def _lenskit(train: TrainPart, settings: Settings) -> Fitted:
    """The models of LensKit that no other contestant stands for."""
    import pandas as pd
    from lenskit.data import ItemList, RecQuery, from_interactions_df
    from lenskit.knn import ItemKNNScorer, SLIMScorer
    from lenskit.training import TrainingOptions

    inputs = train.weighted(settings["weights"]).tocoo()
    table = pd.DataFrame({"user_id": inputs.row, "item_id": inputs.col, "rating": inputs.data})
    dataset = from_interactions_df(table)
    strength = settings["strength"]
    scorer: Any
    if settings["kind"] == "slim":
        scorer = SLIMScorer(l1_reg=1.0, l2_reg=strength)
    else:
        scorer = ItemKNNScorer(feedback="implicit", max_nbrs=int(strength))
    scorer.train(dataset, TrainingOptions(rng=0))
    known = dataset.items.ids()
    items = ItemList(item_ids=known, vocabulary=dataset.items)

    def score(users: np.ndarray) -> np.ndarray:
        scores = np.full((len(users), train.n_movies), _UNKNOWN)
        for row, user in enumerate(users.tolist()):
            rated = dataset.user_row(user)
            if rated is not None:
                found = scorer(RecQuery(user_id=user, user_items=rated), items).scores()
                scores[row, known] = np.where(np.isnan(found), _UNKNOWN, found)
        return scores

    return Fitted(score, sum(map(_n_bytes, vars(scorer).values())))


def _n_bytes(value: Any) -> int:
    """Return the bytes of an array, dense or compressed; 0 for anything else."""
    parts = (getattr(value, name, None) for name in ("data", "indices", "indptr"))
    if hasattr(value, "indptr"):
        return sum(part.nbytes for part in parts if part is not None)
    return int(getattr(value, "nbytes", 0))


def _irspack_slim(train: TrainPart, settings: Settings) -> Fitted:
    from irspack import SLIMRecommender

    chosen = dict(settings)
    inputs = train.weighted(chosen.pop("weights"))
    model = SLIMRecommender(inputs.astype(np.float64), n_threads=1, **chosen).learn()
    return linear(inputs, model.W.astype(np.float32))


def _cornac_mult_vae(train: TrainPart, settings: Settings) -> Fitted:
    from cornac.data import Dataset
    from cornac.models import VAECF

    inputs = train.weighted(settings["weights"]).tocoo()
    ratings = zip(inputs.row.tolist(), inputs.col.tolist(), inputs.data.tolist(), strict=True)
    dataset = Dataset.build(list(ratings), seed=0)
    width, rest = settings["width"], {name: settings[name] for name in ("beta", "n_epochs")}
    model = VAECF(k=width // 2, autoencoder_structure=[width], seed=0, **rest).fit(dataset)
    known = np.array(list(dataset.item_ids))

    def score(users: np.ndarray) -> np.ndarray:
        scores = np.full((len(users), train.n_movies), _UNKNOWN)
        for row, user in enumerate(users.tolist()):
            if user in dataset.uid_map:
                scores[row, known] = model.score(dataset.uid_map[user])
        return scores

    return Fitted(score, sum(part.nelement() * 4 for part in model.vae.parameters()))


LIBRARIES = (
    Contestant(
        "implicit-als",
        "implicit ALS",
        _implicit_als,
        {"factors": 32, "regularization": 10.0, "alpha": 1.0, "weights": "stars"},
        {
            "factors": _FACTORS,
            "regularization": (0.1, 1.0, 3.0, 10.0, 30.0, 100.0),
            "alpha": (0.5, 1.0, 2.0, 5.0, 10.0),
            "weights": WEIGHTS,
        },
        package="implicit",
    ),
    Contestant(
        "implicit-bpr",
        "implicit BPR",
        _implicit_bpr,
        {"factors": 32, "regularization": 0.01, "learning_rate": 0.03, "iterations": 100}
        | {"weights": "same"},
        {
            "factors": _FACTORS,
            "regularization": (0.001, 0.003, 0.01, 0.03, 0.1),
            "learning_rate": (0.01, 0.03, 0.1),
            "iterations": (50, 100, 200, 400),
            "weights": ("liked", "same"),
        },
        package="implicit",
    ),
    Contestant(
        "rectools-svd",
        "RecTools PureSVD",
        _rectools_pure_svd,
        {"factors": 32, "weights": "stars"},
        {"factors": (8, 16, 24, 32, 48, 64, 128), "weights": WEIGHTS},
        package="rectools",
    ),
    Contestant(
        "lenskit",
        "LensKit",
        _lenskit,
        {"kind": "slim", "strength": 100.0, "weights": "same"},
        {"kind": ("slim", "item-knn"), "strength": REGULARIZATIONS, "weights": ("same", "liked")},
        package="lenskit",
    ),
    Contestant(
        "slim",
        "SLIM (irspack)",
        _irspack_slim,
        {"alpha": 0.03, "l1_ratio": 0.03, "weights": "stars"},
        {
            "alpha": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
            "l1_ratio": (0.003, 0.01, 0.03, 0.1),
            "weights": WEIGHTS,
        },
        package="irspack",
    ),
    Contestant(
        "mult-vae",
        "Mult-VAE (cornac)",
        _cornac_mult_vae,
        {"beta": 0.2, "n_epochs": 50, "width": 100, "weights": "same"},
        {
            "beta": (0.05, 0.2, 0.5),
            "n_epochs": (25, 50, 100),
            "width": (50, 100, 200),
            "weights": ("same", "liked"),
        },
        package="cornac",
    ),
)
