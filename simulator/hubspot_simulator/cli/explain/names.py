"""Normalizes the spellings of a name: as printed, or as an option, a variable or a test's name."""

from __future__ import annotations

import re

from ...core.words import letters
from ...settings import PREFIX, PYTEST_PREFIX

_PREFIXES = (f"{PYTEST_PREFIX}|{PREFIX}|hubspot_|test_|(?:bug )?class |#").replace("_", "[_ -]?")


def spellings(name: str) -> list[str]:
    """Return the possible names, in the form of ``letters``: the whole name, then the name without prefixes.

    ``--hubspot-token-ttl`` and ``HUBSPOT_SIMULATOR_TOKEN_TTL`` mean ``token_ttl``, ``docs/guard.md`` means ``guard``.
    """
    bare = re.sub(r"^.*#(?=.)|^docs/|\.md$|[.,;:]+$|=.*$|^-+", "", name.strip().strip("`'\""))
    return [letters(name), letters(re.sub(rf"^(?:{_PREFIXES})", "", bare, flags=re.IGNORECASE))]
