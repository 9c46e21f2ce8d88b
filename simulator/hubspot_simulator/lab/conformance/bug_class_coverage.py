"""Which scenarios look for a bug class, and whether anything detects it."""

from __future__ import annotations

from .bug_classes import BugClass
from .scenarios import SCENARIOS


def scenarios_for(bug_class: BugClass) -> tuple[str, ...]:
    """Return the names of the scenarios that look for a bug class."""
    return tuple(name for name, scenario in SCENARIOS.items() if bug_class.number in scenario.classes)


def is_covered(bug_class: BugClass) -> bool:
    """Tell whether a scenario or a finding detects a bug class."""
    return bool(scenarios_for(bug_class) or bug_class.findings)
