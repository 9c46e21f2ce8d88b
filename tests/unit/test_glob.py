"""Patterns with ``*`` are matched in linear time: issue B6."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubspot_simulator import Simulator
from hubspot_simulator.core.glob import is_path, matches


@given(pattern=st.text("ab/*", max_size=12), text=st.text("ab/", max_size=12))
def test_it_means_what_the_regular_expression_meant(pattern: str, text: str) -> None:
    meant = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
    assert matches(pattern, text) == meant


@pytest.mark.timeout(30)
def test_many_stars_do_not_hang() -> None:
    path = "/" + "a" * 5_000
    for stars in (8, 100, 2_000):
        assert not is_path("/" + "*a" * stars + "*b", path, None)
        assert is_path("/" + "*a" * stars + "*", path, None)
    simulator = Simulator()
    assert simulator.journal.find("GET", "*a" * 100) == []


@pytest.mark.timeout(30)
def test_the_patterns_of_hosts_do_not_hang_either() -> None:
    assert not fnmatchcase("a" * 255, "*a" * 60 + "b")  # what child.proxy matches --allow with
