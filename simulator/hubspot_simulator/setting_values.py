"""How the values of settings are read, and in words what is valid. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


class SettingError(ValueError):
    """A setting has a name or a value that is not valid; the message lists what is."""


class Reader:
    """Reads the value of a setting; ``valid`` says in words what it takes.

    Raises SettingError for a value that is not valid.
    """

    def __init__(self, read: Callable[[object], Any], valid: str) -> None:
        self._read = read
        self.valid = valid

    def __call__(self, value: object) -> Any:
        """Return the value of the setting."""
        return self._read(value)


def integer(low: int, high: int | None = None) -> Reader:
    expected = f"a whole number from {low}" + ("" if high is None else f" to {high}")

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise SettingError(f"expected {expected}")
        try:
            number = int(value)
        except ValueError:
            raise SettingError(f"expected {expected}") from None
        if number < low or (high is not None and number > high):
            raise SettingError(f"expected {expected}")
        return number

    return Reader(read, expected)


def _either(*valid: str) -> str:
    return f"{', '.join(valid[:-1])} or {valid[-1]}"


def choice(*valid: str) -> Reader:
    def read(value: object) -> str:
        if value not in valid:
            raise SettingError(f"expected one of: {', '.join(valid)}")
        return str(value)

    return Reader(read, _either(*valid))


_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def _read_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise SettingError("expected true or false (also: yes, no, on, off, 1, 0)")


def _read_guard(value: object) -> bool | str:
    if value == "auto":
        return "auto"
    try:
        return _read_boolean(value)
    except SettingError:
        raise SettingError("expected auto, true or false (also: yes, no, on, off, 1, 0)") from None


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise SettingError("expected a non-empty text")
    return value


boolean = Reader(_read_boolean, "true or false")
guard = Reader(_read_guard, "auto, true or false")
text = Reader(_read_text, "a non-empty text")


def one_of(*valid: int) -> Reader:
    def read(value: object) -> int:
        if str(value) not in map(str, valid):
            raise SettingError(f"expected one of: {', '.join(map(str, valid))}")
        return int(str(value))

    return Reader(read, _either(*map(str, valid)))


def _read_expires_in(value: object) -> str:
    text = str(value)
    if text not in ("true", "absent") and not (text.isascii() and text.isdecimal()):
        raise SettingError("expected true, absent, or a whole number of seconds")
    return text


expires_in = Reader(_read_expires_in, "true, absent, or a whole number of seconds")


def several(word: Callable[[str], bool], valid: str, separators: str = r"\s+") -> Reader:
    """Return a reader of several words, given as one text or as a list of texts. It gives them joined by blanks."""

    def read(value: object) -> str:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
            raise SettingError(f"expected {valid}")
        words = list(dict.fromkeys(part for text in texts for part in re.split(separators, text) if part))
        wrong = [part for part in words if not word(part)]
        if wrong:
            raise SettingError(f"{wrong[0]!r} is not valid: expected {valid}")
        return " ".join(words)

    return Reader(read, valid)


def _read_credential(value: object) -> str:
    if not isinstance(value, str) or any(character.isspace() or not character.isprintable() for character in value):
        raise SettingError(f"expected {credential.valid}")
    return value


credential = Reader(_read_credential, "a text without blanks; empty to draw one from random_seed")
seed = Reader(lambda value: _read_text(str(value)), text.valid)
hosts = several(
    lambda word: re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", word, re.ASCII) is not None,
    "host names separated by blanks, without scheme or port",
)
redirect_uris = several(
    lambda word: re.match(r"[a-z][a-z0-9+.-]*:/[^#]*$", word, re.IGNORECASE) is not None,
    "absolute URIs separated by blanks, as in http://localhost:3000/oauth-callback",
)
scopes = several(
    lambda word: re.fullmatch(r"[!#-\[\]-~]+", word) is not None,
    "names of scopes separated by blanks or commas",
    separators=r"[\s,]+",
)
