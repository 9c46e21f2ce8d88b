"""What an integration gets to know when an account is connected to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...core.connected_installation import ConnectedInstallation


@dataclass(frozen=True)
class Connection:
    """An account that has been connected: what the code exchange gave, and where HubSpot is.

    ``tokens`` is HubSpot's token response: token_type, refresh_token, access_token, hub_id, scopes, expires_in (may be
    absent) and token_use. ``obtained_at`` is the instant of that response, aware, in UTC. ``stored`` is None at first;
    after a restart it is what ``stored(client)`` returned before, and the client must be built from it.
    """

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    hub_id: int
    tokens: Mapping[str, Any] = field(repr=False)
    obtained_at: datetime
    stored: Any = field(default=None, repr=False)


@dataclass
class Connected:
    """A client that an adapter has built, and for what."""

    client: Any
    connection: Connection
    installed: ConnectedInstallation
    closed: bool = False
