"""A repair of freezegun's stand-ins for ``datetime`` and ``date``.

Clients that OpenAPI Generator wrote, the official HubSpot client among them, keep ``datetime.datetime`` in a table
when they are imported and compare it with ``datetime.datetime`` when they read an answer. Between the two a freeze
began or ended, so that one is freezegun's stand-in and the other is not, and every answer with a date fails with
AttributeError: no attribute 'openapi_types'. freezegun makes its stand-ins pass ``isinstance`` and ``issubclass``; here
they come to equal the type that they stand for, too.

pydantic, and FastAPI with it, finds the schema of a type by identity. A model that is built while time is frozen names
the stand-in, which says here what it stands for.

What was imported while frozen may have kept a stand-in, or one of its methods as a default. When time runs again,
freezegun's methods raise IndexError: here they do what the real ones do. And ``time.localtime()`` says where it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import wraps
from typing import Any

from freezegun import api

_repaired: list[bool] = []  # once a process
_STAND_INS = {id(api.FakeDate): api.real_date, id(api.FakeDatetime): api.real_datetime}


def _equals(stand_in: type, other: Any) -> bool:
    return stand_in is other or (other is not None and _STAND_INS.get(id(stand_in)) is other)


def _schema(cls: type, source: Any, handler: Any) -> Any:
    return handler.generate_schema(_STAND_INS[id(cls)]) if id(cls) in _STAND_INS else handler(source)


def _utcnow(cls: Any) -> datetime:
    return super(api.FakeDatetime, cls).now(timezone.utc).replace(tzinfo=None)  # type: ignore[no-any-return]


def _of_the_base(stand_in: Any, name: str) -> Callable[..., Any]:
    def real(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(super(stand_in, self), name)(*args, **kwargs)

    return real


def _let_run(stand_in: Any, name: str, real: Callable[..., Any]) -> None:
    """Have a method of a stand-in do what the real one does while nothing is frozen."""
    frozen = vars(stand_in)[name]
    call = getattr(frozen, "__func__", frozen)

    @wraps(call)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return (call if api.freeze_factories else real)(self, *args, **kwargs)

    setattr(stand_in, name, classmethod(method) if isinstance(frozen, classmethod) else method)


def _located(frozen: Callable[..., time.struct_time]) -> Callable[..., time.struct_time]:
    @wraps(frozen)
    def fake_localtime(t: float | None = None) -> time.struct_time:
        shown = frozen(t)
        if shown.tm_gmtoff is None:  # freezegun's, which pydantic cannot read
            return time.struct_time(tuple(shown) + (time.tzname[0], -time.timezone))  # noqa: RUF005
        return shown

    return fake_localtime


def make_stand_ins_equal() -> None:
    """Let ``FakeDatetime == datetime`` hold from now on, and likewise for dates, and let pydantic know them.

    It stays when time runs again: what was imported while frozen has kept a stand-in. Hashes do not change, so that
    tables keyed by type work as before.
    """
    api.FakeDateMeta.__eq__ = _equals  # type: ignore[method-assign, assignment]
    api.FakeDateMeta.__hash__ = type.__hash__  # type: ignore[method-assign]
    if _repaired:
        return
    _repaired.append(True)
    for stand_in in (api.FakeDate, api.FakeDatetime):
        setattr(stand_in, "__get_pydantic_core_schema__", classmethod(_schema))  # noqa: B010 - unknown to freezegun
        _let_run(stand_in, "today", _of_the_base(stand_in, "today"))
    for name in ("now", "fromtimestamp", "timestamp"):
        _let_run(api.FakeDatetime, name, _of_the_base(api.FakeDatetime, name))
    _let_run(api.FakeDatetime, "utcnow", _utcnow)
    api.fake_localtime = _located(api.fake_localtime)
