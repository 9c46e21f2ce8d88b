"""What the marks on a test say: their arguments, and what is wrong with them.

Light, as the plugin is: every test of everybody is asked for its marks.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from hubspot_simulator.settings_table import read

MARK = "hubspot"
SWEEP_MARK = "hubspot_sweep"
SWEEP_FIXTURE = "_hubspot_sweep_point"
NOT_BY_MARK = ("hosts", "trusted_hosts", "host", "port")  # the server is the session's


def mark_arguments(item: Any) -> dict[str, Any]:
    """Return the arguments of the marks on an item, the closest winning."""
    arguments: dict[str, Any] = {}
    for mark in item.iter_markers(MARK):
        arguments = {**mark.kwargs, **arguments}
    return arguments


def wrong_mark(item: pytest.Item) -> str:
    """Return what is wrong with the marks ``hubspot`` on an item, with its file and line; nothing for most."""
    try:
        for mark in item.iter_markers(MARK):
            _check_mark(mark)
    except ValueError as error:
        return f"{mark_place(item)}.{MARK}: {error}"
    return ""


def mark_place(item: pytest.Item) -> str:
    """Return the file and line of an item, and the beginning of a mark on it, for messages about that mark."""
    path, line, _ = item.location
    return f"{path}:{'' if line is None else line + 1}: @pytest.mark"


def _check_mark(mark: pytest.Mark) -> None:
    """Raise ValueError for a wrong argument of a mark."""
    if mark.args:
        raise ValueError(f"it takes keywords only, such as token_ttl=60; got {mark.args!r}")
    for name, value in mark.kwargs.items():
        if name in CLOCK_ARGUMENTS:
            read_clock_argument(name, value)
        elif name in NOT_BY_MARK:
            raise ValueError(f"{name!r} is a setting of the session's server: set it by ini or command line")
        else:
            read(name, value)


def _parse_waiting(value: object) -> str:
    """Return what the mark's ``waiting=`` names. Raises ValueError with the accepted values."""
    if value not in ("real", "simulated"):
        raise ValueError(
            f"waiting={value!r}: expected 'real', the default, or 'simulated' (hubspot-simulator explain waiting)"
        )
    return str(value)


def _parse_utc_offset(value: object) -> float:
    """Return the hours that the mark's ``utc_offset=`` names. Raises ValueError with the accepted ones."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -24 < value < 24:
        raise ValueError(f"utc_offset={value!r}: expected hours ahead of UTC, such as 9 (Tokyo) or -5 (New York)")
    return value


def _parse_now(value: object) -> datetime:
    """Return the instant that the mark's ``now=`` names: ISO 8601 text or a datetime, naive ones in UTC.

    Raises ValueError with the accepted forms.
    """
    expected = f"now={value!r}: expected an ISO 8601 instant such as '2026-11-23T10:00:00Z', or a datetime"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            raise ValueError(expected) from None
    if not isinstance(value, datetime):
        raise ValueError(expected)
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


CLOCK_ARGUMENTS = {"now": _parse_now, "utc_offset": _parse_utc_offset, "waiting": _parse_waiting}


def read_clock_argument(name: str, value: object) -> Any:
    """Return what an argument of the mark means to ``HubspotClock``. Raises ValueError."""
    return CLOCK_ARGUMENTS[name](value)
