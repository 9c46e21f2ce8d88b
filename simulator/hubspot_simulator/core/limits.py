"""Rate limits, on the simulator's clock (docs/fidelity.md, "Rate limits")."""

from __future__ import annotations

from collections.abc import Sequence

from ..settings import Settings
from .errors import ApiError
from .ids import Ids
from .model import App, Caller
from .quota import Quota
from .store import Store

INTERVAL_MS = 10_000
_DAY_MS = 86_400_000
_SECOND_MS = 1_000


class RateLimits:
    """Counts calls, refuses those above a limit when limits are enforced, and tells what is left."""

    def __init__(self, store: Store, ids: Ids, settings: Settings) -> None:
        self._store = store
        self._ids = ids
        self._settings = settings

    def count(self, caller: Caller, now_ms: int) -> Quota:
        """Count an authenticated call at ``now_ms`` (epoch milliseconds) and return what is left after it.

        Raises ApiError (429) with the same quota.
        """
        settings = self._settings
        key = (caller.kind, caller.app_id, caller.portal.hub_id)
        windows = [((*key, "interval"), INTERVAL_MS, settings.rate_limit)]
        if caller.kind == "private_app":
            since_midnight = (now_ms + caller.portal.utc_offset_minutes * 60_000) % _DAY_MS + 1
            windows.append(((*key, "day"), since_midnight, settings.rate_limit_daily))
        used, *today = self._count(now_ms, windows)
        used_today = sum(today)
        refused = settings.rate_limits and (used > settings.rate_limit or used_today > settings.rate_limit_daily)
        quota = self._quota(max(0, settings.rate_limit - used + refused))
        if today:
            left = max(0, settings.rate_limit_daily - used_today + refused)
            quota = quota._replace(limit_per_day=settings.rate_limit_daily, remaining_today=left)
        if settings.rate_limits and used_today > settings.rate_limit_daily:
            raise self._daily(now_ms, quota)
        if settings.rate_limits and used > settings.rate_limit:
            raise self._ten_secondly(caller.kind, caller.app_id, caller.portal.hub_id, quota)
        return quota

    def exceeded(self, limit: str, app_id: int, hub_id: int, now_ms: int) -> ApiError:
        """Return the 429 of an OAuth app that is above the limit ``daily`` or ``ten_secondly_rolling``."""
        quota = self._quota(0)
        if limit == "daily":
            return self._daily(now_ms, quota)
        return self._ten_secondly("oauth", app_id, hub_id, quota)

    def _quota(self, remaining: int) -> Quota:
        limit = self._settings.rate_limit
        per_second = limit // 10
        return Quota(INTERVAL_MS, limit, remaining, per_second, min(remaining, max(0, per_second - 1)))

    def _daily(self, now_ms: int, quota: Quota) -> ApiError:
        return self._refusal("daily", "DAILY", {"requestId": self._ids.correlation_id(now_ms)}, quota)

    def _ten_secondly(self, kind: str, app_id: int, hub_id: int, quota: Quota) -> ApiError:
        group = f"publicapi:{kind}-api-calls-ten-secondly:{app_id}:{hub_id}"
        return self._refusal("ten_secondly_rolling", "TEN_SECONDLY_ROLLING", {"groupName": group}, quota)

    def count_token_call(self, app: App, now_ms: int) -> None:
        """Count a call of the token endpoint. Raises ApiError (429)."""
        limit = self._settings.rate_limit_token
        if not (self._settings.rate_limits and limit):
            return
        if self._count(now_ms, [(("token", app.app_id), _SECOND_MS, limit)])[0] > limit:
            raise self.token_exceeded(now_ms, f"more than {limit} token requests of this app within a second")

    def token_exceeded(self, now_ms: int, why: str | None = None) -> ApiError:
        """Return the 429 of the token endpoint."""
        return ApiError(
            429,
            "You have reached your rate limit.",
            {"correlationId": "", "policyName": "SECONDLY", "requestId": self._ids.correlation_id(now_ms)},
            leading={"errorType": "RATE_LIMIT"},
            why=why,
        )

    def _refusal(self, limit: str, policy: str, fields: dict[str, str], quota: Quota) -> ApiError:
        return ApiError(
            429,
            f"You have reached your {limit} limit.",
            {"policyName": policy, **fields},
            leading={"errorType": "RATE_LIMIT"},
            quota=quota,
        )

    def _count(self, now_ms: int, windows: Sequence[tuple[tuple[object, ...], int, int]]) -> list[int]:
        """Count a call and return how many there were in each window: its key, its length in ms, and its limit.

        Refused calls do not count.
        """
        with self._store.lock:
            used = []
            for key, window_ms, _ in windows:
                calls = self._store.calls[key]
                while calls and calls[0] <= now_ms - window_ms:
                    calls.popleft()
                used.append(len(calls) + 1)
            over = any(count > limit for count, (_, _, limit) in zip(used, windows, strict=True))
            if not (over and self._settings.rate_limits):
                for key, _, _ in windows:
                    self._store.calls[key].append(now_ms)
            return used
