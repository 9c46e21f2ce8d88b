"""What is replaced for a while is put back, also between the replacements of others."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from hubspot_simulator.replacements import Replacements, replaced


class Base:
    def greet(self, name: str = "nobody") -> str:
        return f"hello {name}"


class Derived(Base):
    pass


def loud(real: Callable[..., str], *args: Any, **kwargs: Any) -> str:
    return real(*args, **kwargs).upper()


@pytest.mark.parametrize("owner", [Base, Derived])
def test_a_method_is_wrapped_and_put_back(owner: type[Base]) -> None:
    usual = dict(vars(owner))
    replacements = Replacements()
    replacements.wrap(owner, "greet", loud)
    assert owner().greet(name="ada") == "HELLO ADA"
    replacements.undo()
    assert owner().greet() == "hello nobody"
    assert dict(vars(owner)) == usual


def test_static_methods_stay_static() -> None:
    class Owner:
        @staticmethod
        def twice(number: int) -> int:
            return 2 * number

    with replaced(Owner, "twice", staticmethod(lambda number: 3 * number)):
        assert Owner().twice(2) == 6
    assert Owner().twice(2) == 4


def test_what_somebody_else_has_replaced_in_turn_stays() -> None:
    module = SimpleNamespace(value=1)
    replacements = Replacements()
    replacements.put(module, "value", 2)
    module.value = 3
    replacements.undo()
    assert module.value == 3


def test_a_block_puts_back_whatever_is_there_by_then() -> None:
    module = SimpleNamespace(value=1)
    with replaced(module, "value", 2):
        module.value = 3
    assert module.value == 1


def test_the_defaults_of_a_function() -> None:
    def function(number: int = 1) -> int:
        return number

    with replaced(function, "__defaults__", (2,)):
        assert function() == 2
    assert function() == 1


def test_the_last_replacement_is_undone_first() -> None:
    module = SimpleNamespace(value=1)
    replacements = Replacements()
    for value in (2, 3):
        replacements.put(module, "value", value)
    replacements.undo()
    assert module.value == 1
