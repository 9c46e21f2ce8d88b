"""Reads what somebody copied from a log: the JSON body in it, if there is one, whatever wrote it there."""

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
_COLOUR = re.compile(r"(?:\x1b|(?<!\\)\\+(?:x1b|u001b|033|e)|\^\[|#033)\[[0-9;:?]*[A-Za-z]", re.IGNORECASE)
_PERCENT = re.compile("%(?:25)*(?:7B|22|20|28)|\\w\\+\\w+%", re.IGNORECASE)  # { " blank (
_BREAK = re.compile(r"(?<![ \t])[ \t]*\r?\n[ \t|>]*")  # docker compose, git and mail put signs before each line
_ENVELOPE = {"status", "category", "correlationId", "errorType", "error_description"}  # one of them stands in each body
_LONGEST = 100_000  # characters: nobody copies more
_MOST_TRIED = 200


@dataclass(frozen=True)
class QuotedRefusal:
    """What a text says: itself without its escapes, HubSpot's ``body`` in it, and the HTTP ``status`` that it names."""

    text: str
    body: Mapping[str, Any]
    status: int | None

    @property
    def message(self) -> str:
        """The message of the body, or else the whole text."""
        return str(self.body["message"]) if self.body else self.text

    @property
    def rest(self) -> dict[str, object]:
        """The fields of the body beside those that every refusal has."""
        return {name: value for name, value in self.body.items() if name not in ("status", "message", "correlationId")}

    def field(self, name: str) -> Any:
        """Return a field of the body, wherever it stands in it; None without one."""
        return next(_fields(self.body, name), None)


def readings(text: str) -> Iterator[QuotedRefusal]:
    """Yield what a text says, as it is and then with the line breaks undone that a terminal or a log put into it."""
    text = _COLOUR.sub("", text[:_LONGEST])
    yield read(text)
    if "\n" in text.strip():
        yield read(_BREAK.sub(" ", text))
        yield read(_BREAK.sub("", text))


def read(text: str) -> QuotedRefusal:
    """Return what a text says. A body that was cut off, or is nobody's JSON, is left to those who search the text."""
    plain = ""
    for plain in _levels(text):
        found = _body(plain)
        if found is not None:
            body, start, end = found
            return QuotedRefusal(plain.strip(), body, _status(plain[:start] + plain[end:]))
    return QuotedRefusal(plain.strip(), {}, _status(plain))


def _levels(text: str) -> Iterator[str]:
    """Yield a text, then with one level of quoting after the other removed: logs quote JSON, and other logs these."""
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
    found = _STATUS.search(text)
    return int(found[1]) if found else None


def _body(text: str) -> tuple[Mapping[str, Any], int, int] | None:
    """Return HubSpot's body in a text, as JSON or as Python prints it, and where it begins and ends."""
    decoder = json.JSONDecoder()
    for start in [found.start() for found in re.finditer(r"\{", text)][:_MOST_TRIED]:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = _python(text, start)
        if isinstance(value, dict) and isinstance(value.get("message"), str) and _ENVELOPE & value.keys():
            return value, start, end
    return None


def _python(text: str, start: int) -> tuple[object, int]:
    ends = [found.end() for found in re.finditer(r"\}", text[start:])] if _PYTHON.match(text, start) else []
    for end in ends[:_MOST_TRIED]:
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
