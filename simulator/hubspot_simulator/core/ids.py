"""Identifiers that look random and are not: all come from the random seed."""

from __future__ import annotations

import hashlib
import random
from functools import cached_property
from uuid import UUID

# What may be the matter with a well-formed credential that is not known here, in words.
OTHER_SEED = (
    "of a simulator whose random seed differs (serve draws a new one at each start unless --random-seed is given)"
)


class Ids:
    """The identifiers of one simulator. Each kind has a stream of its own, so that one does not move another.

    ``seed`` and ``name`` (of the test) decide everything.
    """

    def __init__(self, seed: str, name: str) -> None:
        self._source = f"{seed}\0{name}"

    def _stream(self, purpose: str) -> random.Random:
        return random.Random(f"{self._source}\0{purpose}")

    @cached_property
    def _credentials(self) -> random.Random:
        return self._stream("credentials")

    @cached_property
    def _correlations(self) -> random.Random:
        return self._stream("correlations")

    @cached_property
    def _nonces(self) -> random.Random:
        return self._stream("nonces")

    @cached_property
    def _records(self) -> random.Random:
        return self._stream("records")

    @cached_property
    def faults(self) -> random.Random:
        """What decides whether a fault with a probability hits."""
        return self._stream("faults")

    @cached_property
    def signing_key(self) -> bytes:
        """The key that signs the access tokens of this simulator."""
        return hashlib.sha256(f"{self._source}\0key".encode()).digest()

    @property
    def form_token(self) -> str:
        """What the consent form carries: who has not seen the page cannot post it."""
        return hashlib.sha256(f"{self._source}\0form".encode()).hexdigest()

    def uuid(self) -> str:
        """Return a UUID (version 4): a client id, a client secret."""
        return str(UUID(int=self._credentials.getrandbits(128), version=4))

    def hublet_uuid(self, hublet: str) -> str:
        """Return a refresh token or an authorization code: hublet and UUID."""
        return f"{hublet}-{self.uuid()}"

    def number(self, digits: int) -> int:
        """Return a whole number of that many digits: a hub id, an app id, a user id."""
        return self._credentials.randrange(10 ** (digits - 1), 10**digits)

    def nonce(self) -> bytes:
        """Return the 20 bytes that tell two tokens of one instant apart."""
        return self._nonces.randbytes(20)

    def correlation_id(self, now_ms: int) -> str:
        """Return a UUID (version 7) of that instant (epoch milliseconds)."""
        text = "%032x" % (
            (now_ms & 0xFFFFFFFFFFFF) << 80
            | 0x7 << 76
            | 0x2 << 62
            | (self._correlations.getrandbits(74) & ~(0xF << 74)) & 0x0FFF_3FFF_FFFF_FFFF_FFFF
        )
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def next_record_id(self, last: int | None) -> int:
        """Return an id for a new CRM record, above ``last``. HubSpot's ids are not consecutive either."""
        if last is None:
            return self._records.randrange(10**10, 10**11)
        return last + self._records.randrange(1, 50)
