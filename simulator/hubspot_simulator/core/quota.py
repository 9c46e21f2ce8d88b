"""What is left of a caller's rate limits."""

from __future__ import annotations

from typing import NamedTuple


class Quota(NamedTuple):
    """What a caller may still do after a call: within an interval, within a second, and where it is limited, today."""

    interval_ms: int
    limit: int
    remaining: int
    limit_per_second: int
    remaining_this_second: int
    limit_per_day: int | None = None
    remaining_today: int | None = None
