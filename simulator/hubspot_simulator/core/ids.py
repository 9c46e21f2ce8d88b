"""Identifiers that look random and are not: all come from the random seed."""

from __future__ import annotations

import hashlib
import random
import threading
from uuid import UUID

# What may be the matter with a well-formed credential that is not known here, in words.
OTHER_SEED = (
    "of a simulator whose random seed differs (serve draws a new one at each start unless --random-seed is given)"
)


class Ids:
    """The identifiers of one simulator. Each kind has a stream of its own, so that one does not move another.

    ``seed`` and ``name`` (of the test) decide everything. Threads may share it: no two get the same from a stream.
    """

    def __init__(self, seed: str, name: str) -> None:
        self._source = f"{seed}\0{name}"
        self._streams: dict[str, random.Random] = {}
        self._lock = threading.Lock()
        self.signing_key = hashlib.sha256(f"{self._source}\0key".encode()).digest()
        """The key that signs the access tokens of this simulator."""

    def _stream(self, purpose: str) -> random.Random:
        """Return a stream, made when it is first asked for: each costs some ten microseconds."""
        found = self._streams.get(purpose)
        if found is None:
            with self._lock:  # of two threads that come first, one would take a stream that the other throws away
                found = self._streams.get(purpose)
                if found is None:
                    found = self._streams[purpose] = random.Random(self._seed(purpose))
        return found

    def _seed(self, purpose: str) -> str:
        """Return what a stream begins with.

        Every answer shows a correlation id, a refusal too. Some hundred of them give the state of this generator away,
        and its state what it was seeded with: behind a hash, that tells nothing of the seed of the credentials.
        """
        seed = f"{self._source}\0{purpose}"
        return hashlib.sha256(seed.encode()).hexdigest() if purpose == "correlations" else seed

    @property
    def faults(self) -> random.Random:
        """What decides whether a fault with a probability hits."""
        return self._stream("faults")

    @property
    def form_token(self) -> str:
        """What the consent form carries: who has not seen the page cannot post it."""
        return hashlib.sha256(f"{self._source}\0form".encode()).hexdigest()

    def uuid(self) -> str:
        """Return a UUID (version 4): a client id, a client secret."""
        return str(UUID(int=self._stream("credentials").getrandbits(128), version=4))

    def hublet_uuid(self, hublet: str) -> str:
        """Return a refresh token or an authorization code: hublet and UUID."""
        return f"{hublet}-{self.uuid()}"

    def number(self, digits: int) -> int:
        """Return a whole number of that many digits: a hub id, an app id, a user id."""
        return self._stream("credentials").randrange(10 ** (digits - 1), 10**digits)

    def nonce(self) -> bytes:
        """Return the 20 bytes that tell two tokens of one instant apart."""
        return self._stream("nonces").randbytes(20)

    def correlation_id(self, now_ms: int) -> str:
        """Return a UUID (version 7) of that instant (epoch milliseconds)."""
        text = "%032x" % (
            (now_ms & 0xFFFFFFFFFFFF) << 80
            | 0x7 << 76
            | 0x2 << 62
            | (self._stream("correlations").getrandbits(74) & ~(0xF << 74)) & 0x0FFF_3FFF_FFFF_FFFF_FFFF
        )
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def next_record_id(self, last: int | None) -> int:
        """Return an id for a new CRM record, above ``last``. HubSpot's ids are not consecutive either."""
        if last is None:
            return self._stream("records").randrange(10**10, 10**11)
        return last + self._stream("records").randrange(1, 50)
