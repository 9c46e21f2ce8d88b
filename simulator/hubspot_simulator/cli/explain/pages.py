"""Reads the documentation pages that `explain` quotes. pyproject.toml adds them to the wheel."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

NAMES = ("bug-classes", "conformance", "faults", "fidelity", "findings", "guard", "run", "waiting")
_CHECKOUT = Path(__file__).parents[4] / "docs"  # for an editable install, which has no copy


def page(name: str) -> str:
    """Return the Markdown of a page of ``NAMES``. Raises OSError if this installation lacks it."""
    installed = resources.files("hubspot_simulator") / "pages" / f"{name}.md"
    return (installed if installed.is_file() else _CHECKOUT / f"{name}.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Return a section with its heading and its subsections. Raises LookupError if the page lacks it."""
    match = re.search(rf"^(#+) {re.escape(heading)}\n", text, re.MULTILINE)
    if match is None:
        raise LookupError(f"no heading {heading!r}")
    rest = text[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", _without_code(rest), re.MULTILINE)
    return (match[0] + (rest[: end.start()] if end else rest)).strip()


def subsections(text: str) -> dict[str, str]:
    """Return the sections of the third level in a text, by heading."""
    parts = re.split(r"^### (.+)\n", text, flags=re.MULTILINE)
    return {heading: f"### {heading}\n{body}".strip() for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> list[dict[str, str]]:
    """Return the rows of all tables in a text: each maps the table's headings to the cells."""
    mappings = []
    for table in re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE):
        heads, _, *body = [cells(line) for line in table.splitlines()]
        mappings += [dict(zip(heads, row, strict=True)) for row in body]
    return mappings


def cells(line: str) -> list[str]:
    """Return the cells of a table's line."""
    return [cell.replace(r"\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def _without_code(text: str) -> str:
    """Replace code blocks, where a ``#`` begins a comment, by spaces. The length stays the same."""
    return re.sub(r"^```.*?^```", lambda code: " " * len(code[0]), text, flags=re.DOTALL | re.MULTILINE)
