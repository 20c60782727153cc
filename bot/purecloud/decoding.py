"""Decode JSON into models: classes whose annotations name the fields that the client reads.

A library for this takes 10 MB of memory and a tenth of the start (decision 0051).
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import (
    Annotated,
    Any,
    Final,
    NewType,
    Self,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

Decode = Callable[[Any], Any]
"""Returns the value of a field from its JSON, which is not null. Raises ValueError."""

Count = NewType("Count", int)
"""A number of things, from 0 to 9999."""

_Part = TypeVar("_Part")
OptionalPart = Annotated[_Part | None, "optional"]
"""A field that the caller can do without, None if it cannot be decoded."""

_MAX_COUNT: Final = 9999

_Model = TypeVar("_Model", bound="Model")


class _NotDecodable(ValueError):
    """A value is not what the model says. The message never quotes it, because it may be a token."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Model:
    """A part of a response, which cannot be changed. A field without a default is required.

    A field that is missing or null has its default. Unknown fields are ignored.
    """

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - fields(type(self))
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        vars(self).update(values)

    @classmethod
    def key(cls, field: str) -> str:
        """Return the key of a field in JSON, by default its name in camel case."""
        first, *others = field.split("_")
        return first + "".join(map(str.capitalize, others))

    @classmethod
    def decode(cls, value: Any) -> Self:
        """Return the model of a JSON object. Raises ValueError."""
        document, model = _object(value), cls.__new__(cls)
        found = vars(model)
        for name, (key, decode) in fields(cls).items():
            given = document.get(key)
            if given is not None:
                found[name] = decode(given)
            elif not hasattr(cls, name):
                raise _NotDecodable(key)
        return model

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            getattr(self, one) == getattr(other, one) for one in fields(type(self))
        )

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, one) for one in fields(type(self))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


def decode_body(model: type[_Model], body: bytes) -> _Model:
    """Return the model of a JSON document in UTF-8. Raises ValueError."""
    try:
        return model.decode(json.loads(body.decode()))
    except RecursionError:
        raise _NotDecodable("too deep") from None


_fields: dict[type[Model], Mapping[str, tuple[str, Decode]]] = {}


def fields(model: type[Model]) -> Mapping[str, tuple[str, Decode]]:
    """Return the fields of a model: for each name its key in JSON and how its value is decoded."""
    if model not in _fields:
        hints = get_type_hints(model, include_extras=True)
        _fields[model] = {name: (model.key(name), _decoder(hint)) for name, hint in hints.items()}
    return _fields[model]


def _decoder(hint: Any) -> Decode:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _lenient(_decoder(arguments[0]))
    if origin in (Union, types.UnionType):  # with None, which no decoder receives
        return _decoder(arguments[0])
    if origin is tuple:
        return _list_of(_decoder(arguments[0]))
    if origin is Mapping:
        return _mapping_to(_decoder(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, Model):
        return hint.decode
    return _DECODERS[hint]


def _lenient(decode: Decode) -> Decode:
    def decode_or_none(value: Any) -> Any:
        try:
            return decode(value)
        except ValueError:
            return None

    return decode_or_none


def _list_of(decode: Decode) -> Decode:
    def decode_list(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _NotDecodable("list")
        return tuple(decode(item) for item in value if item is not None)

    return decode_list


def _mapping_to(decode: Decode) -> Decode:
    def decode_mapping(value: Any) -> dict[str, Any]:
        return {_text(key): decode(item) for key, item in _object(value).items() if item is not None}

    return decode_mapping


def _object(value: Any) -> dict[str, Any]:
    """Return an object as it is, also with what is null: a condition must not become empty."""
    if not isinstance(value, dict):
        raise _NotDecodable("object")
    return value


def _text(value: Any) -> str:
    """Return a text that can be encoded; some APIs send ids as numbers."""
    if isinstance(value, str):
        value.encode()  # raises ValueError for a lone surrogate
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise _NotDecodable("text")


def _number(value: Any) -> float:
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise _NotDecodable("number")
    try:
        number = float(value)
    except OverflowError:
        raise _NotDecodable("number") from None
    if not isfinite(number):
        raise _NotDecodable("number")
    return number


def _whole_number(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise _NotDecodable("whole number")
    return int(number)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_COUNT:
        raise _NotDecodable("count")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _NotDecodable("flag")
    return value


def _datetime(value: Any) -> datetime:
    """Return a date-time with a time zone, UTC if the text has none."""
    if not isinstance(value, str):
        raise _NotDecodable("date-time")
    date = datetime.fromisoformat(value)
    return date if date.tzinfo else date.replace(tzinfo=UTC)


_DECODERS: Final[Mapping[Any, Decode]] = {
    str: _text,
    int: _whole_number,
    float: _number,
    bool: _flag,
    Count: _count,
    datetime: _datetime,
    dict[str, Any]: _object,
}
