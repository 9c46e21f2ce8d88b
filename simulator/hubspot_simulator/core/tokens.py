"""Access tokens, which are self-contained as HubSpot's are.

An access token is base64url (no padding) of a protobuf message (docs/fidelity.md, "Token formats"). Its expiry
stands in it, and a signature over the rest shows who issued it.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from .instants import END_MS

_SIGNATURE_FIELD = 6
_SIGNATURE_LENGTH = 20
_BASE64URL = re.compile("[A-Za-z0-9_-]+")


class MalformedToken(ValueError):
    """A string that is not an access token."""


@dataclass(frozen=True)
class AccessToken:
    """What an access token says. ``expires_at_ms`` (epoch milliseconds) is None when it says nothing of it."""

    expires_at_ms: int | None = None
    scopes: bytes = b""
    hub_id: int = 0
    user_id: int = 0
    app_id: int = 0
    signature: bytes = field(default=b"", repr=False)
    scope_groups: bytes = b""
    nonce: bytes = b""
    hublet: str = ""
    signed_part: bytes = field(default=b"", repr=False)
    canonical: bool = True

    @property
    def identity(self) -> bytes:
        """What tells it from every other token, a forged copy included."""
        return self.nonce + self.signature


def issue(token: AccessToken, key: bytes, *, length: int = 0) -> str:
    """Return the text of a token, signed with ``key``.

    It is brought to ``length`` characters by more scope groups when it is shorter, or to one less where base64 has
    no text of that length.
    """
    missing = length * 3 // 4 - len(_from_text(_issue(token, key))) if length else 0
    if missing > 0:
        padded = replace(token, scope_groups=token.scope_groups + bytes(missing))
        if len(padded.scope_groups) > 0x7F >= len(token.scope_groups):  # its length takes a second byte
            padded = replace(padded, scope_groups=padded.scope_groups[:-1])
            if len(padded.scope_groups) == 0x7F:  # and now it does not
                padded = replace(padded, scopes=padded.scopes + bytes(1))
        return _issue(padded, key)
    return _issue(token, key)


def _issue(token: AccessToken, key: bytes) -> str:
    before = b"".join(
        (
            _varint_field(1, token.expires_at_ms or 0),
            _bytes_field(2, token.scopes),
            _varint_field(3, token.hub_id),
            _varint_field(4, token.user_id),
            _varint_field(5, token.app_id),
        )
    )
    after = b"".join(
        (
            _bytes_field(7, token.scope_groups),
            _bytes_field(8, token.nonce),
            _bytes_field(9, token.hublet.encode()),
            _bytes_field(10, b""),
            _bytes_field(11, b""),
            _varint_field(12, 0),
            _varint_field(13, 0),
        )
    )
    signature = _sign(before + after, key)
    return _to_text(before + _bytes_field(_SIGNATURE_FIELD, signature) + after)


@lru_cache(maxsize=1024)
def parse(text: str) -> AccessToken:
    """Return what a token says, whoever issued it. Raises MalformedToken when it is none."""
    data = _from_text(text)
    fields: dict[int, int | bytes] = {}
    signed = []
    for number, value, raw in _fields(data):
        if value is not None:
            fields[number] = value
        if number != _SIGNATURE_FIELD:
            signed.append(raw)
    expires_at_ms = _integer(fields.get(1))
    if expires_at_ms is not None and expires_at_ms >= END_MS:
        raise MalformedToken("its expiry is no date")
    return AccessToken(
        expires_at_ms=expires_at_ms,
        scopes=_octets(fields.get(2)),
        hub_id=_integer(fields.get(3)) or 0,
        user_id=_integer(fields.get(4)) or 0,
        app_id=_integer(fields.get(5)) or 0,
        signature=_octets(fields.get(6)),
        scope_groups=_octets(fields.get(7)),
        nonce=_octets(fields.get(8)),
        hublet=_octets(fields.get(9)).decode("utf-8", "replace"),
        signed_part=b"".join(signed),
        canonical=_to_text(data) == text,
    )


def try_parse(text: str) -> AccessToken | None:
    """Return what a token says, whoever issued it; None for a text that is not an access token."""
    try:
        return parse(text)
    except MalformedToken:
        return None


def is_signed(token: AccessToken, key: bytes) -> bool:
    """Tell whether ``key`` signed what the token says, and the token is written as it was issued."""
    return token.canonical and hmac.compare_digest(token.signature, _sign(token.signed_part, key))


def is_foreign(text: str, key: bytes) -> bool:
    """Tell whether a text is an access token that says when it expires, and another key than ``key`` signed it."""
    token = try_parse(text)
    return token is not None and bool(token.expires_at_ms) and not is_signed(token, key)


def _sign(data: bytes, key: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")[:_SIGNATURE_LENGTH]


def shorten(secret: str) -> str:
    """Return a secret as people may see it: its ends."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= 16 else "…"


def _to_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_text(text: str) -> bytes:
    if not _BASE64URL.fullmatch(text):  # the decoder would skip what is foreign to its alphabet
        raise MalformedToken("it is not base64url")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Base64Error:
        raise MalformedToken("it is not base64url") from None


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes | None, bytes]]:
    """Yield number, value and raw bytes of each field; the value is None for the types that no token uses."""
    position = 0
    while position < len(data):
        start = position
        tag, position = _read_varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        value: int | bytes | None = None
        if wire_type == 0:
            value, position = _read_varint(data, position)
        elif wire_type == 1:
            position += 8
        elif wire_type == 2:
            length, position = _read_varint(data, position)
            value = data[position : position + length]
            position += length
        elif wire_type == 5:
            position += 4
        else:
            raise MalformedToken("it is no protobuf message")
        if number == 0 or position > len(data):
            raise MalformedToken("it is no protobuf message")
        yield number, value, data[start:position]


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise MalformedToken("it is cut short")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
    raise MalformedToken("it is no protobuf message")


def _integer(value: int | bytes | None) -> int | None:
    return value if isinstance(value, int) else None


def _octets(value: int | bytes | None) -> bytes:
    return value if isinstance(value, bytes) else b""
