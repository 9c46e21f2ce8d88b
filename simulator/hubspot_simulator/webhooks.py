"""Webhooks: the events that HubSpot posts to your app, how it signs them, and when it sends them again.

``event`` makes an event, ``sign_events`` the signed request that carries some, ``WebhookSender`` delivers them.
"""

from __future__ import annotations

from .core.webhooks import (
    Event,
    SignedRequest,
    decode_uri,
    event,
    sign,
    sign_events,
    sign_request,
    signature_v1,
    signature_v2,
    signature_v3,
)
from .serving.webhook_delivery import Attempt, Delivery, WebhookSender

__all__ = [
    "Attempt",
    "Delivery",
    "Event",
    "SignedRequest",
    "WebhookSender",
    "decode_uri",
    "event",
    "sign",
    "sign_events",
    "sign_request",
    "signature_v1",
    "signature_v2",
    "signature_v3",
]
