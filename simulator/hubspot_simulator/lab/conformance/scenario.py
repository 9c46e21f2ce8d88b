"""A scenario: one thing that an integration must survive."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...core.redaction import shown, shown_lines

if TYPE_CHECKING:
    from .trial import Trial


@dataclass(frozen=True)
class Scenario:
    """One thing that an integration must survive.

    ``classes`` are the numbers of the bug classes that it looks for, ``title`` says what a right integration does,
    ``doc`` what the scenario does and where the bug was seen. ``settings`` are the simulator's. ``needs`` names the
    optional parts of the adapter without which it is not applicable. ``findings`` are those of the audit that fail
    it beside its own checks.
    """

    name: str
    classes: tuple[int, ...]
    title: str
    doc: str
    check: Callable[[Trial], None] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """The name of its test in the suite."""
        return "test_" + self.name.replace("-", "_")


@dataclass(frozen=True)
class Result:
    """How an integration did in a scenario.

    ``outcome`` is ``passed``, ``failed`` or ``not applicable``; ``reason`` the message of the failure, or why it is
    not applicable; ``findings`` the ids of all that the audit found. ``adapter_error`` says what is wrong with the
    adapter, when that is why it failed: it tells nothing of the integration then.
    """

    scenario: Scenario
    outcome: str
    reason: str = ""
    findings: tuple[str, ...] = ()
    adapter_error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, without secrets: it is written into files."""
        return {
            "scenario": self.scenario.name,
            "title": self.scenario.title,
            "classes": list(self.scenario.classes),
            "outcome": self.outcome,
            "reason": shown_lines(self.reason),
            "findings": list(self.findings),
            "adapter_error": shown(self.adapter_error, most=2000),
        }


def scenario(
    *classes: int,
    settings: Mapping[str, Any] | None = None,
    needs: tuple[str, ...] = (),
    findings: tuple[str, ...] = (),
) -> Callable[[Callable[[Trial], None]], Scenario]:
    """Make a scenario of a function. Its name, and the first and the further paragraphs of its docstring, say what."""

    def make(check: Callable[[Trial], None]) -> Scenario:
        title, _, doc = inspect.cleandoc(check.__doc__ or "").partition("\n\n")
        return Scenario(
            name=check.__name__.replace("_", "-"),
            classes=classes,
            title=" ".join(title.split()),
            doc=" ".join(doc.split()),
            check=check,
            settings=dict(settings or {}),
            needs=needs,
            findings=findings,
        )

    return make
