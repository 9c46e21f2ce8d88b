"""Converts Markdown to plain text for a terminal: wrapped, code unchanged, tables as lists."""

from __future__ import annotations

import re
import textwrap
from itertools import groupby

from .pages import cells

_CODE_INDENT = "    "
_FENCE = "```"


def plain(text: str, width: int) -> str:
    """Return a Markdown text as plain lines of at most ``width`` characters; code and long words may be longer."""
    without_comments = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    parts = re.split(rf"^({_FENCE}.*?^{_FENCE})$", without_comments, flags=re.DOTALL | re.MULTILINE)
    blocks: list[str] = []
    for part in parts:
        if part.startswith(_FENCE):
            blocks.append(textwrap.indent(part.partition("\n")[2].removesuffix(_FENCE).rstrip(), _CODE_INDENT))
        else:
            blocks += [_block(block, width) for block in _blocks(part)]
    return "\n\n".join(block for block in blocks if block)


def _blocks(text: str) -> list[str]:
    return re.split(r"\n{2,}", re.sub(r"^(#+ .*)$", r"\n\1\n", text, flags=re.MULTILINE).strip("\n"))


def _block(block: str, width: int) -> str:
    if block.startswith("#"):
        heading = _inline(block.lstrip("# "))
        return f"{heading}\n{'-' * min(len(heading), width)}"
    if block.startswith("|"):
        return _table(block.splitlines(), width)
    if re.match(r"(?:[-*]|\d+\.) ", block):
        items = re.split(r"^(?=(?:[-*]|\d+\.) )", block, flags=re.MULTILINE)
        return "\n".join(_wrap(item, width, hanging=True) for item in items if item.strip())
    return _wrap(block, width)


def _table(lines: list[str], width: int) -> str:
    """Convert a table to a list: the first cell of each row, then the other cells with their headings."""
    heads, _, *body = [cells(line) for line in lines]
    rows = []
    for first, *others in body:
        rows.append(_wrap(f"- {first}", width, hanging=True))
        labeled = [(head, cell) for head, cell in zip(heads[1:], others, strict=True) if cell]
        rows += [_wrap(f"{head}: {cell}" if head else cell, width, "    ") for head, cell in labeled]
    return "\n".join(rows)


def _wrap(text: str, width: int, indent: str = "", *, hanging: bool = False) -> str:
    further = indent + ("  " if hanging else "")
    return textwrap.fill(
        " ".join(_inline(text).split()),
        width,
        initial_indent=indent,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _inline(text: str) -> str:
    """Remove links and bold type from a text. Backticks stay, as quotation marks."""
    spans = re.split(r"(`[^`]*`)", text)  # code spans stay unchanged
    return "".join(span if code else _marks(span) for code, group in groupby(spans, _is_code) for span in group)


def _is_code(span: str) -> bool:
    return span.startswith("`")


def _marks(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"\1", re.sub(r"\[(.+?)\]\([^)]*\)", r"\1", text, flags=re.DOTALL), flags=re.DOTALL)
