"""The pages that people see at ``/oauth/authorize``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ...core.consent import Request
from ...core.model import Portal


def ask(request: Request, portals: Sequence[Portal], selected: Portal, parameters: Mapping[str, str]) -> str:
    """Return the page that asks a user to connect an app."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in parameters.items()
    )
    return hidden


def refused(message: str) -> str:
    """Return the page that says why HubSpot refuses."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>HubSpot (simulated)</title></head>'
        f"<body><h1>Couldn't complete the connection</h1><p>{escape(message)}</p></body></html>"
    )


def cancelled() -> str:
    """Return the page after a cancellation."""
    return "cancelled"
