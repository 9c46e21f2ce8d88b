"""Property values on their way in: coerced to text as HubSpot does, or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ..errors import ValidationError
from ..instants import from_datetime, iso_instant
from .types import ObjectType

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_NAME = re.compile(r"[a-z0-9_]{1,100}")
_DIGITS = re.compile(r"-?[0-9]{1,17}")
_INSTANT = re.compile(r"[0-9]+-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


def coerce(object_type: ObjectType, properties: object, hub_id: int) -> dict[str, str]:
    """Return the properties of a write as text; ``""`` clears one.

    Raises ValidationError in the form recorded from HubSpot (docs/fidelity.md, "Property validation").
    """
    if not isinstance(properties, Mapping):
        raise ValidationError(
            "Invalid input JSON on line 1, column 1: Some required fields were not set: [properties]"
            if properties is None
            else "Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.util.LinkedHashMap`",
            why="'properties' must be an object of property names and values",
        )
    bad_names = [name for name in properties if not _NAME.fullmatch(name)]
    if bad_names:
        raise ValidationError(
            "Names for properties should be lowercase and have less than 100 characters. "
            f"Invalid names: [{', '.join(bad_names)}]"
        )
    coerced = {name: _text(object_type, name, value) for name, value in properties.items()}
    problems = [problem for name, value in coerced.items() if (problem := _problem(object_type, name, value))]
    if problems:
        raise invalid_properties(problems, hub_id)
    return coerced


def invalid_properties(problems: list[tuple[str, str, str]], hub_id: int) -> ValidationError:
    """Return the refusal of properties; each problem is its name, HubSpot's code and the message."""
    details = [
        {
            "isValid": False,
            "message": message,
            "error": code,
            "name": name,
            "localizedErrorMessage": message,
            "portalId": hub_id,
        }
        for name, code, message in problems
    ]
    errors = [
        {"message": message, "code": code, "context": {"propertyName": [name]}} for name, code, message in problems
    ]
    listed = json.dumps(details, separators=(",", ":"), ensure_ascii=False)
    return ValidationError(
        f"Property values were not valid: {listed}",
        {"errors": errors},
        why="; ".join(message for _, _, message in problems),
    )


def _text(object_type: ObjectType, name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        raise ValidationError(
            "Invalid input JSON on line 1, column 1: Cannot deserialize value of type `java.lang.String`",
            why=f"the value of {name!r} must be a text, a number or a boolean",
        )
    text = str(value)
    if name in object_type.emails:
        return text.strip().lower()
    return _instant(text) if name in object_type.dates else text


def _instant(text: str) -> str:
    """Return a date or an epoch-millisecond value as an instant; any other text as it is."""
    try:
        if _DIGITS.fullmatch(text):
            return iso_instant(int(text))
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return iso_instant(from_datetime(when if when.tzinfo else when.replace(tzinfo=timezone.utc)))
    except (ValueError, OverflowError):
        return text


def _problem(object_type: ObjectType, name: str, value: str) -> tuple[str, str, str] | None:
    if name in object_type.read_only:
        return name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
    if name in object_type.emails and value and not _EMAIL.fullmatch(value):
        return name, "INVALID_EMAIL", f"Email address {value} is invalid"
    if name in object_type.dates and value and not _INSTANT.fullmatch(value):
        return name, "INVALID_DATE", f"{value} was not a valid date"
    return None
