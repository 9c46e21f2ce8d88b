"""Sets the local time of the code under test to a zone other than UTC.

freezegun shifts naive local time by its ``tz_offset``. This module fixes two errors: freezegun also shifts
``datetime.now(tz)``, which is an instant and does not depend on local time, and it leaves ``time.localtime()`` and
``astimezone()`` without a zone in the machine's own zone.
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
    """Set local time to ``utc_offset`` hours ahead of UTC. Enter this before freezegun starts with that offset."""
    original = vars(api.FakeDatetime)["now"]
    zone = os.environ.get("TZ")
    api.FakeDatetime.now = classmethod(_now)  # type: ignore[method-assign, assignment]
    _set_zone(_posix(utc_offset))
    try:
        yield
    finally:
        api.FakeDatetime.now = original  # type: ignore[method-assign]
        _set_zone(zone)


def _now(cls: Any, tz: tzinfo | None = None) -> datetime:
    moment: datetime = cls._time_to_freeze() or api.real_datetime.now(timezone.utc).replace(tzinfo=None)
    local = moment + cls._tz_offset() if tz is None else tz.fromutc(moment.replace(tzinfo=tz))
    fake: datetime = api.datetime_to_fakedatetime(local)
    return fake


def _posix(utc_offset: float) -> str:
    """Return a zone in POSIX notation, such as ``<+0900>-9:00``. POSIX offsets count westwards."""
    minutes = round(abs(utc_offset) * 60)
    east, west = ("+", "-") if utc_offset > 0 else ("-", "+")
    return f"<{east}{minutes // 60:02d}{minutes % 60:02d}>{west}{minutes // 60}:{minutes % 60:02d}"


def _set_zone(zone: str | None) -> None:
    if not hasattr(time, "tzset"):  # Windows has only a system-wide zone
        return
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()
