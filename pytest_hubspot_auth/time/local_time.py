"""The local time of the code under test, where it is not UTC.

freezegun shifts naive local time by its ``tz_offset``. Two things it gets wrong are put right here: it shifts
``datetime.now(tz)`` too, which is an instant and has nothing to do with where the machine stands, and it leaves
``time.localtime()`` and ``astimezone()`` without a zone at the machine's own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone, tzinfo
from typing import Any

from freezegun import api


@contextmanager
def local_time(utc_offset: float) -> Iterator[None]:
    """Have this process stand so many hours ahead of UTC. Enter it before freezegun starts with that ``tz_offset``."""
    usual = vars(api.FakeDatetime)["now"]
    zone = os.environ.get("TZ")
    api.FakeDatetime.now = classmethod(_now)  # type: ignore[method-assign, assignment]
    _set_zone(_posix(utc_offset))
    try:
        yield
    finally:
        api.FakeDatetime.now = usual  # type: ignore[method-assign]
        _set_zone(zone)


def _now(cls: Any, tz: tzinfo | None = None) -> datetime:
    moment: datetime = cls._time_to_freeze() or api.real_datetime.now(timezone.utc).replace(tzinfo=None)
    found = moment + cls._tz_offset() if tz is None else tz.fromutc(moment.replace(tzinfo=tz))
    shown: datetime = api.datetime_to_fakedatetime(found)
    return shown


def _posix(utc_offset: float) -> str:
    """Return a zone as POSIX writes it: ``<+0900>-9:00``, for POSIX counts westwards."""
    minutes = round(abs(utc_offset) * 60)
    east, west = ("+", "-") if utc_offset > 0 else ("-", "+")
    return f"<{east}{minutes // 60:02d}{minutes % 60:02d}>{west}{minutes // 60}:{minutes % 60:02d}"


def _set_zone(zone: str | None) -> None:
    if not hasattr(time, "tzset"):  # Windows: its zone is the whole system's
        return
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()
