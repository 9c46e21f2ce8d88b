"""What can be the matter with a whole portal for a while (docs/fidelity.md, "Other codes")."""

from __future__ import annotations

from .errors import ApiError
from .model import Condition, Portal
from .store import Store

_FOREVER_MS = 2**62


class Conditions:
    """Puts portals into conditions, and refuses their calls as long as these last."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def migrate_portal(self, portal: Portal, until_ms: int) -> None:
        """Answer 477 until an instant (epoch milliseconds), as while HubSpot moves a portal between data centres."""
        self._store.conditions[portal.hub_id] = Condition("migration", until_ms)

    def lock_portal(self, portal: Portal, until_ms: int) -> None:
        """Answer 423 until an instant (epoch milliseconds)."""
        self._store.conditions[portal.hub_id] = Condition("lock", until_ms)

    def wrong_region(self, portal: Portal, correct_hublet: str) -> None:
        """Answer 488: the portal lives in another region than the one that was asked."""
        self._store.conditions[portal.hub_id] = Condition("misrouted", _FOREVER_MS, correct_hublet)

    def end_condition(self, portal: Portal) -> None:
        """End whatever is the matter with the portal."""
        self._store.conditions.pop(portal.hub_id, None)

    def check(self, portal: Portal, now_ms: int) -> None:
        """Raise ApiError (423, 477, 488) when something is the matter at ``now_ms`` (epoch milliseconds)."""
        condition = self._store.conditions.get(portal.hub_id)
        if condition is None or condition.until_ms <= now_ms:
            return
        if condition.kind == "misrouted":
            hublet = condition.correct_hublet
            raise ApiError(
                488,
                f"Hub {portal.hub_id} is unknown to this Hublet, but it appears to exist in Hublet {hublet}",
                {"correctHublet": hublet},
            )
        seconds = -((now_ms - condition.until_ms) // 1000)
        if condition.kind == "migration":
            raise ApiError(
                477,
                "Migration in Progress",
                retry_after_s=seconds,
                why=f"the portal is being migrated for another {seconds} s",
            )
        raise ApiError(423, "Locked", why=f"the portal is locked for another {seconds} s")
