"""All scenarios, in the order in which they are run and shown."""

from __future__ import annotations

from types import ModuleType

from ..scenario import Scenario
from . import clocks, concurrency, endings, lifetime, paths, refusals, repeats, requests, storage

_MODULES: tuple[ModuleType, ...] = (lifetime, clocks, paths, concurrency, endings, storage, repeats, refusals, requests)

SCENARIOS: dict[str, Scenario] = {
    found.name: found for module in _MODULES for found in vars(module).values() if isinstance(found, Scenario)
}
