"""Readers that parse and check the values of settings. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


class SettingError(ValueError):
    """A setting has an unknown name or an invalid value. The message lists what is valid."""


class Reader:
    """Reads the value of a setting. ``valid`` describes the valid values.

    Raises SettingError for an invalid value.
    """

    def __init__(self, read: Callable[[object], Any], valid: str) -> None:
        self._read = read
        self.valid = valid

    def __call__(self, value: object) -> Any:
        """Return the value as the type of the setting."""
        return self._read(value)


def integer(low: int, high: int | None = None) -> Reader:
    """Return a reader of integers from ``low`` to ``high``."""
    expected = f"an integer from {low} to {high}" if high is not None else f"an integer, {low} or higher"

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
    """Return a reader of one of several texts."""

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
        raise SettingError("expected non-empty text")
    return value


boolean = Reader(_read_boolean, "true or false")
guard = Reader(_read_guard, "auto, true or false")
text = Reader(_read_text, "non-empty text")


def one_of(*valid: int) -> Reader:
    """Return a reader of one of several integers."""

    def read(value: object) -> int:
        if str(value) not in map(str, valid):
            raise SettingError(f"expected one of: {', '.join(map(str, valid))}")
        return int(str(value))

    return Reader(read, _either(*map(str, valid)))


def _read_expires_in(value: object) -> str:
    text = str(value)
    if text not in ("true", "absent") and not (text.isascii() and text.isdecimal()):
        raise SettingError("expected true, absent, or an integer number of seconds")
    return text


expires_in = Reader(_read_expires_in, "true, absent, or an integer number of seconds")


def words(is_valid: Callable[[str], bool], valid: str, separators: str = r"\s+") -> Reader:
    """Return a reader of words, passed as one text or a list of texts. It returns them joined by spaces."""

    def read(value: object) -> str:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
            raise SettingError(f"expected {valid}")
        unique = list(dict.fromkeys(part for text in texts for part in re.split(separators, text) if part))
        invalid = [part for part in unique if not is_valid(part)]
        if invalid:
            raise SettingError(f"{invalid[0]!r} is not valid: expected {valid}")
        return " ".join(unique)

    return Reader(read, valid)


def _read_credential(value: object) -> str:
    if not isinstance(value, str) or any(character.isspace() or not character.isprintable() for character in value):
        raise SettingError(f"expected {credential.valid}")
    return value


credential = Reader(_read_credential, "text without spaces; empty to derive it from random_seed")
seed = Reader(lambda value: _read_text(str(value)), text.valid)
hosts = words(
    lambda word: re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", word, re.ASCII) is not None,
    "host names separated by spaces, without scheme or port",
)
redirect_uris = words(
    lambda word: re.match(r"[a-z][a-z0-9+.-]*:/[^#]*$", word, re.IGNORECASE) is not None,
    "absolute URIs separated by spaces, such as http://localhost:3000/oauth-callback",
)
scopes = words(
    lambda word: re.fullmatch(r"[!#-\[\]-~]+", word) is not None,
    "scope names separated by spaces or commas",
    separators=r"[\s,]+",
)
