"""A repair of freezegun's stand-ins for ``datetime`` and ``date``.

Clients that OpenAPI Generator wrote, the official HubSpot client among them, keep ``datetime.datetime`` in a table
when they are imported and compare it with ``datetime.datetime`` when they read an answer. Between the two a freeze
began or ended, so that one is freezegun's stand-in and the other is not, and every answer with a date fails with
AttributeError: no attribute 'openapi_types'. freezegun makes its stand-ins pass ``isinstance`` and ``issubclass``; here
they come to equal the type that they stand for, too.

pydantic, and FastAPI with it, finds the schema of a type by identity. A model that is built while time is frozen names
the stand-in, which says here what it stands for.
"""

from __future__ import annotations

from typing import Any

from freezegun import api

_STAND_INS = {id(api.FakeDate): api.real_date, id(api.FakeDatetime): api.real_datetime}


def _equals(stand_in: type, other: Any) -> bool:
    return stand_in is other or (other is not None and _STAND_INS.get(id(stand_in)) is other)


def _schema(cls: type, source: Any, handler: Any) -> Any:
    return handler.generate_schema(_STAND_INS[id(cls)]) if id(cls) in _STAND_INS else handler(source)


def make_stand_ins_equal() -> None:
    """Let ``FakeDatetime == datetime`` hold from now on, and likewise for dates, and let pydantic know them.

    It stays when time runs again: what was imported while frozen has kept a stand-in. Hashes do not change, so that
    tables keyed by type work as before.
    """
    api.FakeDateMeta.__eq__ = _equals  # type: ignore[method-assign, assignment]
    api.FakeDateMeta.__hash__ = type.__hash__  # type: ignore[method-assign]
    for stand_in in (api.FakeDate, api.FakeDatetime):
        setattr(stand_in, "__get_pydantic_core_schema__", classmethod(_schema))  # noqa: B010 - unknown to freezegun
