"""Runs a function, or the tests of a class, within a context manager, and passes on what that gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing
from functools import wraps
from typing import Any


def decorated_function(
    function: Callable[..., Any], context: AbstractContextManager[object], name: str
) -> Callable[..., Any]:
    """Return a function that runs ``function`` within ``context``, until it ends for a coroutine or a generator.

    What the context gives is passed as the parameter ``name``, if there is one; callers do not see that parameter.
    """
    signature = inspect.signature(function)
    names = list(signature.parameters)

    def call(given: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        place = names.index(name) if name in names else len(args)
        if place < len(args) and signature.parameters[name].kind is not inspect.Parameter.KEYWORD_ONLY:
            return function(*args[:place], given, *args[place:], **kwargs)
        return function(*args, **kwargs, **({name: given} if name in names else {}))

    if inspect.isasyncgenfunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with context as given:
                async with aclosing(call(given, args, kwargs)) as values:
                    async for value in values:
                        yield value

    elif inspect.isgeneratorfunction(function):

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with context as given:
                return (yield from call(given, args, kwargs))

    elif inspect.iscoroutinefunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with context as given:
                return await call(given, args, kwargs)

    else:

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with context as given:
                return call(given, args, kwargs)

    # pytest would look for a fixture of that name
    others = [parameter for parameter in signature.parameters.values() if parameter.name != name]
    wrapper.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
    return wrapper


def decorate_tests(cls: type, context: AbstractContextManager[object], name: str) -> None:
    """Decorate each method of a class whose name begins with ``test``, static and class methods as well."""
    for attribute, method in list(vars(cls).items()):
        if not attribute.startswith("test"):
            continue
        if inspect.isfunction(method):
            setattr(cls, attribute, decorated_function(method, context, name))
        elif isinstance(method, (staticmethod, classmethod)):
            setattr(cls, attribute, type(method)(decorated_function(method.__func__, context, name)))
