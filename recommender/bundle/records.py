"""JSON read into dataclasses: every value is checked to be of the kind that its field names."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

R = TypeVar("R")


def read_record(kind: type[R], value: Any, place: str) -> R:
    """Return the JSON object `value` as the dataclass `kind`.

    Fields may be int, float, str, bool, ``X | None``, ``tuple[X, ...]``, ``tuple[X, Y]``,
    ``Mapping[str, X]``, ``Any`` and dataclasses. Names that `kind` does not have are passed over,
    so that a newer writer can add some; fields with a default may be missing.

    Args:
        place: names `value` in errors.

    Raises:
        ValueError: a value is missing or of another kind; one line that names it.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{place} is no object")
    hints = get_type_hints(kind)
    found = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.name in value:
            found[field.name] = _read(hints[field.name], value[field.name], f"{place}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{place}.{field.name} is missing")
    return kind(**found)


def _read(kind: Any, value: Any, place: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        inner = next(one for one in arguments if one is not type(None))
        return None if value is None else _read(inner, value, place)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{place} is no list")
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) != len(value):
            raise ValueError(f"{place} has {len(value)} values where {len(kinds)} belong")
        return tuple(
            _read(one, item, f"{place}[{number}]")
            for number, (one, item) in enumerate(zip(kinds, value, strict=True))
        )
    if origin is Mapping:
        if not isinstance(value, dict):
            raise ValueError(f"{place} is no object")
        return {key: _read(arguments[1], item, f"{place}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return read_record(kind, value, place)  # type: ignore[arg-type]
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{place} is {value!r:.40}, no {kind.__name__}")
    return value
