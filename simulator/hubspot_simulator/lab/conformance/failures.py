"""How a scenario ends other than well, and how a failure reads."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.redaction import shown, shown_lines
from .bug_classes import BUG_CLASSES

if TYPE_CHECKING:
    from ...core.exchange import Exchange
    from .scenario import Scenario

SHOWN = 12
_HERE = str(Path(__file__).parent)
_TEXT = 240
_LAST = 3


class ScenarioFailed(AssertionError):
    """The integration did what the scenario forbids, or not what it asks for."""


class AdapterError(ScenarioFailed):
    """The adapter itself does not work, so that nothing can be said of the integration.

    ``adapter`` is its name. ``did`` is the sentence that says what is wrong, ``remedy`` one or more that say what to
    do; ``context`` says when.
    """

    def __init__(
        self,
        adapter: str,
        did: str,
        remedy: str = "",
        exchanges: Sequence[Exchange] = (),
        error: BaseException | None = None,
        context: str = "",
    ) -> None:
        self.did = did
        lines = [f"The adapter {adapter} does not work: {did}", context]
        where = place(error)
        lines.append(f"The exception came from {where}" if where else "")
        if exchanges:
            lines += ["What HubSpot was asked at last:", *(f"  {exchange}" for exchange in exchanges[-_LAST:])]
        lines += [f"What to do: {remedy}" if remedy else "", "More: hubspot-simulator explain adapter"]
        super().__init__(shown_lines("\n".join(line for line in lines if line)))


class NotApplicable(Exception):
    """The scenario cannot be tried on this integration; the message is the reason."""


class Stuck(Exception):
    """Concurrent work did not come back."""


class Runaway(BaseException):
    """Ends a client that sends requests without end. No BaseException but this is raised into foreign code."""


def message(
    scenario: Scenario,
    did: str,
    exchanges: Sequence[Exchange] = (),
    error: BaseException | None = None,
    should: str = "",
) -> str:
    """Return the text of a failure: what the integration did, what it should do, and what shows it.

    ``did`` and ``should`` are sentences; ``should`` is the scenario's title without it.
    """
    lines = [f"{scenario.name}: {did}", f"What a right integration does: {should or scenario.title}"]
    if exchanges:
        lines.append("The exchanges that show it:")
        if len(exchanges) > SHOWN:
            lines.append(f"  ... the last {SHOWN} of {len(exchanges)}:")
        lines += [f"  {exchange}" for exchange in exchanges[-SHOWN:]]
    where = place(error)
    if where:
        lines.append(f"The exception came from {where}")
    titles = "; ".join(f"{number} ({BUG_CLASSES[number].title})" for number in scenario.classes)
    lines.append(f"Bug class {titles}. More: hubspot-simulator explain {scenario.name}")
    return shown_lines("\n".join(lines))


def brief(error: BaseException) -> str:
    """Return an exception in one line: its type and the beginning of its text, with secrets shortened."""
    text = shown(" ".join(str(error).split()), most=100_000).rstrip(".")
    shortened = text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
    return f"{type(error).__name__}: {shortened}" if shortened else type(error).__name__


def is_from(error: BaseException, function: Callable[..., object]) -> bool:
    """Tell whether an exception was raised in a function itself, not in what it called."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return bool(frames) and frames[-1][0].f_code is getattr(inspect.unwrap(function), "__code__", None)


def place(error: BaseException | None) -> str:
    """Return where in the user's code an exception was raised; empty when that cannot be told."""
    if error is None:
        return ""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_HERE)]
    own = [frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename]
    for frame in reversed(own or frames):
        return f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}: {frame.line or ''}".rstrip(": ")
    return ""
