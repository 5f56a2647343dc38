"""The registry of models: add a model here, and it is trained, served, compared and tested."""

from __future__ import annotations

from recommender.models.co_occurrence import CoOccurrence
from recommender.models.content import ContentModel
from recommender.models.damped_bias import DampedBias
from recommender.models.popularity import Popularity
from recommender.models.protocol import Model
from recommender.models.ranking import RankingModel
from recommender.models.stars import StarsModel

# In every bundle, trained in this order: a model may build on those before it.
SERVED: tuple[type[Model], ...] = (StarsModel, ContentModel, RankingModel)
# Those that can order a list: all but the content model, which is the hybrid's other part. The
# first does where nobody names one.
ORDERING: tuple[type[Model], ...] = (
    RankingModel,
    *(model for model in SERVED if model not in (RankingModel, ContentModel)),
)
# Their names, which `rank_by` takes.
RANK_BY: tuple[str, ...] = tuple(model.name for model in ORDERING)
# What the others must beat; `matinee evaluate` trains them.
BASELINES: tuple[type[Model], ...] = (Popularity, DampedBias, CoOccurrence)
MODELS: dict[str, type[Model]] = {model.name: model for model in (*SERVED, *BASELINES)}
