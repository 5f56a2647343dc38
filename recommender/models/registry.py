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
# What the others must beat; `matinee evaluate` trains them.
BASELINES: tuple[type[Model], ...] = (Popularity, DampedBias, CoOccurrence)
MODELS: dict[str, type[Model]] = {model.name: model for model in (*SERVED, *BASELINES)}
