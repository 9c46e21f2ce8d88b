"""Runs a function, or the tests of a class, in a context manager, and passes the context's value to it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, aclosing
from functools import wraps
from typing import Any


def decorated_function(
    function: Callable[..., Any], context: AbstractContextManager[object], name: str
) -> Callable[..., Any]:
    """Return a function that runs ``function`` in ``context``; a coroutine or generator runs in it to its end.

    The context's value is passed as the parameter ``name``, if there is one. Callers do not see that parameter.
    """
    signature = inspect.signature(function)
    names = list(signature.parameters)

    def call(context_value: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        position = names.index(name) if name in names else len(args)
        if position < len(args) and signature.parameters[name].kind is not inspect.Parameter.KEYWORD_ONLY:
            return function(*args[:position], context_value, *args[position:], **kwargs)
        return function(*args, **kwargs, **({name: context_value} if name in names else {}))

    if inspect.isasyncgenfunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with context as context_value:
                async with aclosing(call(context_value, args, kwargs)) as values:
                    async for value in values:
                        yield value

    elif inspect.isgeneratorfunction(function):

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with context as context_value:
                return (yield from call(context_value, args, kwargs))

    elif inspect.iscoroutinefunction(function):

        @wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with context as context_value:
                return await call(context_value, args, kwargs)

    else:

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with context as context_value:
                return call(context_value, args, kwargs)

    # otherwise pytest would look for a fixture of that name
    others = [parameter for parameter in signature.parameters.values() if parameter.name != name]
    wrapper.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
    return wrapper


def decorate_tests(cls: type, context: AbstractContextManager[object], name: str) -> None:
    """Decorate each method of a class whose name starts with ``test``, including static and class methods."""
    for attribute, method in list(vars(cls).items()):
        if not attribute.startswith("test"):
            continue
        if inspect.isfunction(method):
            setattr(cls, attribute, decorated_function(method, context, name))
        elif isinstance(method, (staticmethod, classmethod)):
            setattr(cls, attribute, type(method)(decorated_function(method.__func__, context, name)))
