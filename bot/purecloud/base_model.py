"""The base of the models: how a response with other fields than the documented ones is read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel


def _without_nulls(value: Any) -> Any:
    if value is None:
        return ()
    return [item for item in value if item is not None] if isinstance(value, list) else value


def _datetime_or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> datetime | None:
    try:
        date: datetime | None = validate(value)
    except ValidationError:
        return None
    return date.replace(tzinfo=UTC) if date and date.tzinfo is None else date


def _none_if_unreadable(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


_Item = TypeVar("_Item")
_Part = TypeVar("_Part")
ListField = Annotated[tuple[_Item, ...], BeforeValidator(_without_nulls)]
"""A list that the API may omit or send as null."""

OptionalDatetime = Annotated[datetime | None, WrapValidator(_datetime_or_none)]
"""A date-time with a time zone (UTC if the API sends none), None if it cannot be read."""


OptionalPart = Annotated[_Part | None, WrapValidator(_none_if_unreadable)]
"""A part of a response that the caller can do without, None if it cannot be read."""


class Model(BaseModel):
    """A part of a response. Unknown fields are ignored; missing and null fields are empty."""

    # hide_input_in_errors: invalid input may be a token or personal data, and errors are logged.
    # defer_build: most models are never used, and building them all takes a tenth of the start-up time.
    model_config = ConfigDict(
        defer_build=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class Page(Model):
    """A page of a listing or a search. One that says nothing of other pages is the last."""

    def has_next(self, _number: int) -> bool:
        """Return whether a page follows the one with this number; the first page has number 1."""
        return False


class CountedPage(Page):
    """A page that says how many there are."""

    page_count: int | None = None

    def has_next(self, number: int) -> bool:
        """Return whether a page follows the one with this number; the first page has number 1."""
        return number < (self.page_count or 1)
