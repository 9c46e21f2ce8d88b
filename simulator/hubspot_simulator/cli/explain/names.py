"""How people write a name: as a command prints it, as an option, as a variable, as the name of a test."""

from __future__ import annotations

import re

from ...core.words import letters
from ...settings import PREFIX, PYTEST_PREFIX

_BEFORE = (f"{PYTEST_PREFIX}|{PREFIX}|hubspot_|test_|(?:bug )?class |#").replace("_", "[_ -]?")


def spellings(name: str) -> list[str]:
    """Return the names that may be meant, in the form of ``letters``: as it stands, then without what is before it.

    ``--hubspot-token-ttl`` and ``HUBSPOT_SIMULATOR_TOKEN_TTL`` mean ``token_ttl``, ``docs/guard.md`` means ``guard``.
    """
    bare = re.sub(r"^.*#(?=.)|^docs/|\.md$|[.,;:]+$|=.*$|^-+", "", name.strip().strip("`'\""))
    return [letters(name), letters(re.sub(rf"^(?:{_BEFORE})", "", bare, flags=re.IGNORECASE))]
