"""The list of words that we do not write is one that codespell, in tox's ``lint``, can find."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # a dependency of pytest's own there

ROOT = Path(__file__).resolve().parents[2]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["codespell"]
LINES = (ROOT / ".codespell" / "words.txt").read_text("utf-8").splitlines()
WORDS = [line.partition("->")[0] for line in LINES]


def test_each_word_is_listed_once_in_order_with_what_to_write_instead() -> None:
    assert sorted(set(WORDS)) == WORDS
    assert [line for line in LINES if not re.fullmatch(r"[a-z' -]+->[a-z' -]+", line)] == []


@pytest.mark.parametrize("form", [str, str.capitalize], ids=["lower", "capitalized"])
def test_each_word_and_phrase_is_found_as_codespell_looks_for_it(form: Callable[[str], str]) -> None:
    found = [re.findall(CONFIG["regex"], f"It is {form(word)}, so.") for word in WORDS]
    missed = [word for word, words in zip(WORDS, found, strict=True) if form(word) not in words]
    assert missed == [], "add these phrases to `regex` of [tool.codespell] in pyproject.toml"
