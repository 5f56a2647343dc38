"""Training settings: from the environment, and from a JSON file as `matinee tune` writes it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recommender.bundle.feedback import STARS
from recommender.bundle.manifest import SettingsRecord
from recommender.core.errors import SettingsError, one_line
from recommender.core.relevance import parse_relevant
from recommender.dataset import ImportOptions
from recommender.models.ranking import RankingSettings
from recommender.models.stars import StarsSettings
from recommender.settings.environment import Settings
from recommender.training.pipeline import TrainingSettings

_MODELS = ("stars", "ranking")
_NUMBERS = ("min_user_ratings", "min_movie_ratings", "max_features")
_LARGEST = 2**32 - 1  # where seeds end
_RANGES: dict[str, tuple[float, float]] = {
    "n_factors": (1, 1000),
    "rank": (1, 1000),
    "regularization": (0.001, _LARGEST),
    "regularization_exponent": (-1, 2),
    "neutral": (-1, 1),
    "lowest_weight": (0, 1),
    "popularity_exponent": (-1, 1),
}
_RELEVANT = "relevant"
# What the file may say beside settings: how they were found.
_NOTES = "tuned"


def default_settings() -> TrainingSettings:
    """The settings where no file and no option says otherwise; the environment has its say.

    Raises:
        SettingsError: a variable has a value that cannot be used.
    """
    knobs = Settings.from_environment()
    stars = StarsSettings(n_factors=knobs.factors)
    return TrainingSettings(max_features=knobs.features, stars=stars)


def load_settings(path: str | Path) -> TrainingSettings:
    """The settings in the JSON file at `path`; what it does not name keeps its default.

    The file holds an object with the objects ``stars`` (see `StarsSettings`) and ``ranking`` (see
    `RankingSettings`), and perhaps ``relevant`` (see `relevance`), ``min_user_ratings``,
    ``min_movie_ratings`` and ``max_features``. With ``ranking``, no search chooses other settings.

    Raises:
        SettingsError: it cannot be read, or holds a name or a value that cannot be used.
    """
    path = Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}; check --settings") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not JSON ({error}); check --settings") from None
    base = default_settings()
    known = (*_MODELS, *_NUMBERS, _RELEVANT, _NOTES)
    chosen: dict[str, Any] = {}
    for name, value in _object(values, str(path), known).items():
        if name in _MODELS:
            default: StarsSettings | RankingSettings = getattr(base, name)
            names = tuple(n for n in dataclasses.asdict(default) if n != "choose_for")
            given = _object(value, f"{path}, {name}", names)
            checked: dict[str, Any] = {
                one: _number(number, getattr(default, one), f"{path}, {name}.{one}")
                for one, number in given.items()
            }
            chosen[name] = dataclasses.replace(default, **checked)
            chosen["choose"] = chosen.get("choose", base.choose) and name != "ranking"
        elif name in _NUMBERS:
            chosen[name] = _number(value, getattr(base, name), f"{path}, {name}")
        elif name == _RELEVANT:
            chosen[name] = parse_relevant(str(value))
    return dataclasses.replace(base, **chosen)


def recorded_settings(record: SettingsRecord) -> TrainingSettings:
    """Return the settings that a bundle was trained with; what it does not say has its default."""
    scale = record.imports.get("scale")
    return TrainingSettings(
        record.min_user_ratings,
        record.min_movie_ratings,
        record.max_features,
        StarsSettings(**_known(StarsSettings, record.stars)),
        RankingSettings(**_known(RankingSettings, record.ranking)),
        parse_relevant(str(record.relevant)),
        record.choose,
        ImportOptions(
            scale=(float(scale[0]), float(scale[1])) if scale else None,
            feedback=str(record.imports.get("feedback", STARS)),
        ),
        record.credit,
    )


def _known(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _object(values: Any, place: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise SettingsError(f"{place}: this must be an object, such as {{}}")
    for name in values:
        if name not in known:
            raise SettingsError(
                f"{place}: no setting is called {name!r}; there are: {', '.join(known)}"
            )
    return values


def _number(value: Any, default: float, place: str) -> float:
    """`value` if it can take the place of `default`: a whole number where that is one."""
    whole = isinstance(default, int)
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    low, high = _RANGES.get(place.rpartition(".")[2], (0, _LARGEST))
    if not fits or not low <= value <= high:
        raise SettingsError(
            f"{place} is {one_line(repr(value), 40)}; "
            f"give a {'whole ' if whole else ''}number from {low:.10g} to {high:.10g}"
        )
    return value if whole else float(value)
