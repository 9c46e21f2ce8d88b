"""Reads text copied from a log, and HubSpot's JSON body in it, in whatever form the log wrote it."""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

_ESCAPED = re.compile(r"""\\(["'/\\])""")
_STATUS = re.compile(r"(?<![\w.:-])([45]\d\d)(?![\w:-]|\.\d)")
_PYTHON = re.compile(r"\{\s*u?'\w+'\s*:")
_COLOR = re.compile(r"(?:\x1b|(?<!\\)\\+(?:x1b|u001b|033|e)|\^\[|#033)\[[0-9;:?]*[A-Za-z]", re.IGNORECASE)
_PERCENT = re.compile("%(?:25)*(?:7B|22|20|28)|\\w\\+\\w+%", re.IGNORECASE)  # { " space (
_BREAK = re.compile(r"(?<![ \t])[ \t]*\r?\n[ \t|>]*")  # docker compose, git and mail add a prefix to each line
_ENVELOPE = {
    "status",
    "category",
    "correlationId",
    "errorType",
    "error_description",
}  # each body has at least one of these
_LONGEST = 100_000  # characters; the rest is ignored
_MAX_CANDIDATES = 200  # opening or closing braces to try


@dataclass(frozen=True)
class QuotedRefusal:
    """What a text contains: ``text`` without escapes, HubSpot's ``body``, and the HTTP ``status``."""

    text: str
    body: Mapping[str, Any]
    status: int | None

    @property
    def message(self) -> str:
        """The message of the body; without a body, the whole text."""
        return str(self.body["message"]) if self.body else self.text

    @property
    def rest(self) -> dict[str, object]:
        """The fields of the body apart from those that every error has."""
        return {name: value for name, value in self.body.items() if name not in ("status", "message", "correlationId")}

    def field(self, name: str) -> Any:
        """Return the value of a field anywhere in the body; None if there is no such field."""
        return next(_fields(self.body, name), None)


def quotes(text: str) -> Iterator[QuotedRefusal]:
    """Yield what a text contains: as it is, then without the line breaks that a terminal or a log inserted."""
    text = _COLOR.sub("", text[:_LONGEST])
    yield read(text)
    if "\n" in text.strip():
        yield read(_BREAK.sub(" ", text))
        yield read(_BREAK.sub("", text))


def read(text: str) -> QuotedRefusal:
    """Return what a text contains. A body that is cut off or not JSON stays part of the text."""
    plain = ""
    for plain in _levels(text):
        located = _body(plain)
        if located is not None:
            body, start, end = located
            return QuotedRefusal(plain.strip(), body, _status(plain[:start] + plain[end:]))
    return QuotedRefusal(plain.strip(), {}, _status(plain))


def _levels(text: str) -> Iterator[str]:
    """Yield a text, then remove one level of quoting at a time: logs quote JSON, and other logs quote those logs."""
    yield text
    for _ in range(4):
        plain = html.unescape(_ESCAPED.sub(r"\1", text).replace("\\n", "\n").replace("\\r", ""))
        if _PERCENT.search(plain):
            plain = unquote(plain.replace("+", " "))
        if plain == text:
            return
        text = plain
        yield text


def _status(text: str) -> int | None:
    match = _STATUS.search(text)
    return int(match[1]) if match else None


def _body(text: str) -> tuple[Mapping[str, Any], int, int] | None:
    """Return HubSpot's body in a text, as JSON or as a Python dict, with its start and end."""
    decoder = json.JSONDecoder()
    for start in [brace.start() for brace in re.finditer(r"\{", text)][:_MAX_CANDIDATES]:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = _python(text, start)
        if isinstance(value, dict) and isinstance(value.get("message"), str) and _ENVELOPE & value.keys():
            return value, start, end
    return None


def _python(text: str, start: int) -> tuple[object, int]:
    ends = [brace.end() for brace in re.finditer(r"\}", text[start:])] if _PYTHON.match(text, start) else []
    for end in ends[:_MAX_CANDIDATES]:
        try:
            return ast.literal_eval(text[start : start + end]), start + end
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None, start


def _fields(value: object, name: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if name in value:
            yield value[name]
        for inner in value.values():
            yield from _fields(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner, name)
