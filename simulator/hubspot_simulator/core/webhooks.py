"""Webhooks: what HubSpot sends, how it signs that, and when it sends it again (docs/fidelity.md, "Webhooks").

Nothing is sent from here: see ``webhook_delivery``. All instants are epoch milliseconds.
"""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64encode
from binascii import crc32
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit

from .instants import iso_instant
from .redaction import redact

MAX_EVENTS = 100  # in one request
TIMEOUT_SECONDS = 5.0  # how long the receiver may take
# When a failed delivery is tried again, in minutes after its first attempt. HubSpot documents ten retries within
# 24 hours, with delays that grow; these delays are the simulator's own, and not random so that tests can rely on them.
RETRY_MINUTES = (1, 5, 15, 30, 60, 120, 240, 480, 840, 1440)

Event = Mapping[str, Any]
Version = Literal["v1", "v2"]

_DECODED = {f"%{ord(character):02X}": character for character in ":/?@!$'()*,;"}
_ENCODED = re.compile("|".join(_DECODED), re.IGNORECASE)
_URL = re.compile(r"https?://[!-\"$-~]+")  # printable ASCII without a fragment
_CHANGE_FLAGS = {"creation": "CREATED", "deletion": "DELETED"}


def signature_v1(client_secret: str, body: bytes | str) -> str:
    """Return the ``X-HubSpot-Signature`` of version 1: over secret and body, in hexadecimal digits."""
    return sha256(client_secret.encode() + _octets(body)).hexdigest()


def signature_v2(client_secret: str, method: str, uri: str, body: bytes | str) -> str:
    """Return the ``X-HubSpot-Signature`` of version 2: over secret, method, URI as it stands, and body."""
    return sha256(f"{client_secret}{method}{uri}".encode() + _octets(body)).hexdigest()


def signature_v3(client_secret: str, method: str, uri: str, body: bytes | str, timestamp_ms: int) -> str:
    """Return the ``X-HubSpot-Signature-v3``: over method, decoded URI, body and timestamp, in base64.

    ``timestamp_ms`` is when the request is sent (epoch milliseconds).
    """
    source = f"{method}{decode_uri(uri)}".encode() + _octets(body) + str(timestamp_ms).encode()
    return b64encode(hmac.digest(client_secret.encode(), source, "sha256")).decode("ascii")


def decode_uri(uri: str) -> str:
    """Return a URI as version 3 signs it: the codes of ``: / ? @ ! $ ' ( ) * , ;`` are decoded, all others stay."""
    return _ENCODED.sub(lambda found: _DECODED[found[0].upper()], uri)


def sign(
    client_secret: str, method: str, uri: str, body: bytes | str, timestamp_ms: int, *, version: Version = "v1"
) -> dict[str, str]:
    """Return the headers that HubSpot sends together with a body.

    ``uri`` is the full URL with its query. ``timestamp_ms`` is when the request is sent (epoch milliseconds).
    ``version`` is that of ``X-HubSpot-Signature``: ``v1`` for CRM object subscriptions, ``v2`` for workflow actions
    and CRM cards. Raises ValueError for another one; version 3 is always there.
    """
    if version == "v1":
        signature = signature_v1(client_secret, body)
    elif version == "v2":
        signature = signature_v2(client_secret, method, uri, body)
    else:
        raise ValueError(f"version={version!r}: expected 'v1' or 'v2'; the signature of version 3 is always sent")
    return {
        "Content-Type": "application/json",
        "X-HubSpot-Signature": signature,
        "X-HubSpot-Signature-Version": version,
        "X-HubSpot-Signature-v3": signature_v3(client_secret, method, uri, body, timestamp_ms),
        "X-HubSpot-Request-Timestamp": str(timestamp_ms),
    }


@dataclass(frozen=True, repr=False)
class SignedRequest:
    """A request as HubSpot sends it, to be posted now or when time has passed.

    ``signed_at_ms`` (epoch milliseconds) is its timestamp. ``dataclasses.replace`` makes a forged one of it.
    """

    url: str
    method: str
    headers: dict[str, str]
    body: bytes
    signed_at_ms: int

    def __repr__(self) -> str:
        # without the query, where secrets stand
        return f"<SignedRequest {self.method} {self.url.partition('?')[0]} signed at {iso_instant(self.signed_at_ms)}>"


def sign_request(
    client_secret: str, method: str, url: str, body: bytes | str, timestamp_ms: int, *, version: Version = "v1"
) -> SignedRequest:
    """Return a signed request; the arguments are those of ``sign``.

    A URL without a path gets ``/``, as it is sent. Raises ValueError for one that cannot be sent as it stands:
    anything but http or https, credentials, a fragment, characters that are not percent-encoded.
    """
    url = _sendable(url)
    headers = sign(client_secret, method, url, body, timestamp_ms, version=version)
    return SignedRequest(url, method, headers, _octets(body), timestamp_ms)


def sign_events(client_secret: str, url: str, events: Event | Sequence[Event], timestamp_ms: int) -> SignedRequest:
    """Return the request that carries one event or up to 100, as HubSpot posts it to a CRM object subscription.

    ``timestamp_ms`` is when it is sent (epoch milliseconds). Raises ValueError for no event, for more, and for a URL
    that ``sign_request`` refuses.
    """
    text = json.dumps(batch(events), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return sign_request(client_secret, "POST", url, text, timestamp_ms)


def batch(events: Event | Sequence[Event]) -> list[dict[str, Any]]:
    """Return copies of the events of one request. Raises ValueError unless there are 1 to 100."""
    copies = [dict(event) for event in ([events] if isinstance(events, Mapping) else events)]
    if not 1 <= len(copies) <= MAX_EVENTS:
        raise ValueError(f"{len(copies)} events: HubSpot sends 1 to {MAX_EVENTS} in a request; deliver more in parts")
    return copies


def event(
    app_id: int,
    hub_id: int,
    occurred_at_ms: int,
    subscription_type: str = "contact.creation",
    object_id: int = 123,
    **fields: Any,
) -> dict[str, Any]:
    """Return an event of a CRM object subscription.

    ``occurred_at_ms`` is when it happened (epoch milliseconds). ``fields``, named as on the wire, replace what is
    there or are added: ``propertyName="email"``. Ids come from the other values: equal arguments give equal ids.
    """
    values = (app_id, hub_id, occurred_at_ms, subscription_type, object_id, sorted(fields.items()))
    flag = _CHANGE_FLAGS.get(subscription_type.rpartition(".")[2])
    return {
        "eventId": crc32(repr(values).encode()) & 0x7FFF_FFFF,  # HubSpot's are as large
        "subscriptionId": crc32(f"{app_id} {subscription_type}".encode()) % 10_000_000,
        "portalId": hub_id,
        "occurredAt": occurred_at_ms,
        "subscriptionType": subscription_type,
        "attemptNumber": 0,
        "objectId": object_id,
        "changeSource": "CRM_UI",
        **({"changeFlag": flag} if flag else {}),
        "appId": app_id,
        **fields,
    }


def retry_at_ms(first_at_ms: int, number: int) -> int | None:
    """Return when a retry is due, counted from 1, after a first attempt at ``first_at_ms``; None after the last.

    Both instants are epoch milliseconds.
    """
    return first_at_ms + RETRY_MINUTES[number - 1] * 60_000 if number <= len(RETRY_MINUTES) else None


def _octets(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _sendable(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").encode("idna"), parts.port  # each raises when it is none
        valid = host and "@" not in parts.netloc and _URL.fullmatch(url)
    except ValueError:
        valid = False
    if not valid:
        without = re.sub("//[^/]*@", "//…@", url)
        raise ValueError(
            f"url {redact(without)!r}: expected an http or https URL with a host, in percent-encoded ASCII, "
            "without credentials or a fragment"
        )
    origin = f"{parts.scheme}://{parts.netloc}"
    return url if parts.path else f"{origin}/{url[len(origin) :]}"
