"""Say how long a person has to wait."""

from __future__ import annotations

import math

from handlers.messages import Catalog

_MINUTE = 60
_NEARLY_AN_HOUR, _ABOUT_AN_HOUR, _LONG = 55, 65, 90
"""Minutes from which a delay is about an hour, up to which it is, and from which it is shown in hours."""


def delay(catalog: Catalog, seconds: float) -> str:
    """Return a delay in words, rounded up: an attempt before its end is useless."""
    if seconds <= _MINUTE:
        return catalog.text("delay.seconds", count=max(1, math.ceil(seconds)))
    minutes = math.ceil(seconds / _MINUTE)
    if _NEARLY_AN_HOUR <= minutes <= _ABOUT_AN_HOUR:
        return catalog.text("delay.hours.1")
    if minutes <= _LONG:
        return catalog.text("delay.minutes", count=minutes)
    return catalog.text("delay.hours", count=math.ceil(minutes / _MINUTE))
