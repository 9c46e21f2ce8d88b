"""Makes foreign text safe to print: every character shows, and none moves the cursor, ends a line or hides another.

What a client sends can hold terminal escapes, line breaks (also U+2028, U+2029 and U+0085), characters that turn the
direction of writing, and others without width. All of these are written as Python writes them: ``\\x1b``, ``\\u202e``.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from urllib.parse import quote

_SPACES = re.compile(" {3,}")  # enough of them push a forged line to the next row of a terminal
_BEYOND_ASCII = re.compile("[^!-~]+")
_KEPT_IN_LINES = "\n\t"
_MOST = 1000
_WIDTH, _LEAST = 80, 40  # of a terminal


def one_line(text: str, most: int = _MOST) -> str:
    """Return a text as one line of at most about ``most`` characters."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escaped(char) for char in text)
    if "   " in text:
        text = _SPACES.sub("  ", text)
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more characters)"


def many_lines(text: str) -> str:
    """Return a text whose line breaks and tabs stay. ``\\r\\n`` counts as one break."""
    text = text.replace("\r\n", "\n")
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in _KEPT_IN_LINES or _is_space(char) else _escaped(char) for char in text
    )


def wrapped(text: str, width: int = 0, *, less: int = 0) -> str:
    """Return a report in lines of at most ``width`` characters, where they have blanks to break at.

    Without a width it is the terminal's, 80 where there is none; ``less`` is what somebody will write before each line.
    What goes on is indented by four more. What a program printed (``| `` before it) stays as it is.
    """
    width = width or terminal_width() - less
    lines: list[str] = []
    for line in text.split("\n"):
        bare = line.lstrip(" ")
        indent = " " * (len(line) - len(bare))
        if len(line) <= width or bare.startswith("| "):
            lines.append(line)
        else:
            lines += textwrap.wrap(
                bare,
                width,
                initial_indent=indent,
                subsequent_indent=f"{indent}    ",
                break_long_words=False,  # a URL or a token stays whole
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def terminal_width() -> int:
    """Return how many characters a line of the terminal has: 80 if there is none, or if it is too narrow to read."""
    columns = shutil.get_terminal_size((_WIDTH, 24)).columns
    return columns if columns >= _LEAST else _WIDTH


def url_path(text: str) -> str:
    """Return a decoded path or a raw query as a URL has it: anything but visible ASCII is percent-encoded."""
    return _BEYOND_ASCII.sub(lambda found: quote(found[0], safe="", errors="surrogatepass"), text)


def _is_space(char: str) -> bool:
    return char in "\xa0\u202f\u3000"  # French, Japanese: wide or unbreakable, and nothing else


def _escaped(char: str) -> str:
    return repr(char)[1:-1]
