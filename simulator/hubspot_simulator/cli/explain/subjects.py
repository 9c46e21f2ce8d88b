"""What can be explained: the names of each kind, and the Markdown text of each name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ...core.errors import TOKEN_ERRORS
from ...lab.conformance.bug_classes import BUG_CLASSES
from ...settings import GROUPS, PREFIX, PYTEST_PREFIX, SETTINGS, default_of
from .pages import page, rows, section, subsections

_TOKEN_ERRORS_HEADING = "Errors of the token endpoint"
_OTHER_ERRORS = {  # by the heading of their section in docs/fidelity.md
    "EXPIRED_AUTHENTICATION": "401 EXPIRED_AUTHENTICATION",
    "INVALID_AUTHENTICATION": "401 INVALID_AUTHENTICATION",
    "MISSING_SCOPES": "403 MISSING_SCOPES",
    "RATE_LIMITS": "Rate limits",
    "TEN_SECONDLY_ROLLING": "Rate limits",
    "DAILY": "Rate limits",
    "VALIDATION_ERROR": "Property validation",
    "LOCKED": "Other codes",
    "MIGRATION": "Other codes",
}
_TOPICS = {  # page and heading; None is the whole page
    "adapter": ("conformance", "The adapter"),
    "faults": ("faults", None),
    "guard": ("guard", None),
    "languages": ("run", "How each language is reached"),
    "run": ("run", None),
    "score-card": ("conformance", "The score card"),
    "senders": ("findings", "How the audit tells programs apart"),
    "waiting": ("waiting", None),
}


@dataclass(frozen=True)
class Subject:
    """A kind of names. ``texts`` are Markdown by name; ``titles`` are there if a name alone says too little."""

    title: str
    texts: Mapping[str, str]
    titles: Mapping[str, str] = field(default_factory=dict)


def subjects() -> list[Subject]:
    """Return everything that can be explained. Raises OSError if this installation lacks a page."""
    classes = {str(number): bug_class.title for number, bug_class in BUG_CLASSES.items()}
    return [
        Subject("Findings of the audit", subsections(section(page("findings"), "All findings"))),
        Subject("Scenarios of the conformance suite", subsections(section(page("conformance"), "The scenarios"))),
        Subject("Bug classes", {number: _bug_class(number, title) for number, title in classes.items()}, classes),
        Subject("Errors of HubSpot", {name: _error(name) for name in [*_OTHER_ERRORS, *TOKEN_ERRORS]}),
        Subject("Faults to inject", _faults()),
        Subject("Settings", {name: _setting(name) for name in SETTINGS}),
        Subject("Topics", {name: _topic(*where) for name, where in _TOPICS.items()}),
    ]


def _topic(name: str, heading: str | None) -> str:
    return page(name) if heading is None else section(page(name), heading)


def _bug_class(number: str, title: str) -> str:
    clients = [row for row in rows(section(page("bug-classes"), "Wrong clients")) if row["#"] == number]
    lines = [f"# Bug class {number}: {title}"]
    for row in clients:
        lines += ["", row["What is wrong"], "", f"- Seen in: {row['Seen in']}"]
        lines += [f"- {head}: {row[head]}" for head in ("Scenario that fails", "Finding")]
    return "\n".join(lines)


def _error(name: str) -> str:
    text = section(page("fidelity"), _OTHER_ERRORS.get(name, _TOKEN_ERRORS_HEADING))
    if name not in TOKEN_ERRORS:
        return text
    status, message, error = TOKEN_ERRORS[name]
    return "\n".join(
        [
            f"# {name}",
            "",
            f'The token endpoint answers {status}: `status` is "{name}", `message` is "{message}", `error` is usually '
            f'"{error}". The table says when, and how sure each detail is.',
            "",
            *_table(row for row in rows(text) if row["`status`"] == f"`{name}`"),
        ]
    )


def _table(found: Iterable[Mapping[str, str]]) -> list[str]:
    """Return a table of what is left of some rows without their first column."""
    lines: list[str] = []
    for row in found:
        _, *heads = row
        lines = lines or [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        lines.append(f"| {' | '.join(row[head] for head in heads)} |")
    return lines


def _faults() -> dict[str, str]:
    texts = {}
    for row in rows(page("faults")):
        for name in re.findall(r"`(\w+)`", row.get("name", "")):
            texts[name] = "\n".join(
                [
                    f"# The fault {name}",
                    "",
                    f"- The client sees: {row['the client sees']}",
                    f"- Options, with examples: {row['options']}",
                    f'- In a pytest test: `hubspot_sim.inject("{name}")`; anywhere else: `simulator.inject("{name}")`',
                    "",
                    "`hubspot-simulator explain faults` says which calls a fault hits.",
                ]
            )
    return texts


def _setting(name: str) -> str:
    setting = SETTINGS[name]
    option = name.replace("_", "-")
    return "\n".join(
        [
            f"# The setting {name}",
            "",
            f"{setting.help[0].upper()}{setting.help[1:]}.",
            "",
            f"- Values: {setting.valid}",
            f"- Default: {default_of(name) or 'none'}",
            f"- pytest: `hubspot_{name}` in the ini file, `{PYTEST_PREFIX}{name.upper()}`, `--hubspot-{option}`, "
            f"`Settings({name}=...)`{'' if name in GROUPS['Server'] else f', `@pytest.mark.hubspot({name}=...)`'}",
            f"- Command line: `--{option}`, `{PREFIX}{name.upper()}`, where the command has it",
        ]
    )
