"""What bodies and queries say: JSON objects and the fields of forms."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; empty when the body is not one."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def form_fields(text: str) -> dict[str, str]:
    """Return the fields of a form or a query; of several with the same name, the first."""
    try:
        return dict(reversed(parse_qsl(text, keep_blank_values=True)))
    except ValueError:
        return {}
