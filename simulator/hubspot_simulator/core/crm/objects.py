"""List, create, read, update and archive, for any object type (docs/fidelity.md, "CRM objects")."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import islice

from ..clock import Clock
from ..errors import ApiError, ValidationError
from ..ids import Ids
from ..instants import iso_instant
from ..model import Caller
from ..records import Record, Records
from ..store import Store
from .calculated import calculated
from .types import ObjectType
from .values import coerce

DEFAULT_LIMIT = 10
MAX_LIMIT = 100


@dataclass(frozen=True)
class Page:
    """A page of records, and the cursor of the next one, None on the last."""

    records: list[Record]
    after: str | None


class Objects:
    """The CRM objects of all portals."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    def page(self, caller: Caller, object_type: ObjectType, *, limit: int, after: str | None, archived: bool) -> Page:
        """Return a page in order of ids. The cursor is the last id plus one, as recorded."""
        start = 0
        if after:
            if not _is_id(after):
                raise ValidationError(f"Invalid paging parameter 'after': {after}", why="'after' must be a cursor")
            start = int(after)
        with self._store.lock:
            records = self._records(caller, object_type)
            first = bisect_left(records.ids, start)
            candidates = (records.by_id[records.ids[index]] for index in range(first, len(records.ids)))
            matching = (record for record in candidates if record.archived == archived)
            page = list(islice(matching, limit))
            more = len(page) == limit and next(matching, None) is not None
        return Page(page, str(page[-1].id + 1) if more else None)

    def get(
        self, caller: Caller, object_type: ObjectType, key: str, *, id_property: str | None, archived: bool
    ) -> Record:
        """Return an object by its id or by a unique property. Raises ApiError (404)."""
        record = self._find(caller, object_type, key, id_property)
        if record is None or record.archived != archived:
            what = (
                f"the {object_type.singular} {key} is archived"
                if record and record.archived
                else f"no {object_type.singular} {key}"
            )
            raise ApiError(404, "resource not found", why=what)
        return record

    def create(self, caller: Caller, object_type: ObjectType, properties: object) -> Record:
        """Create an object and return it. Raises ApiError (400, or 409 for a unique value that is taken)."""
        written = coerce(object_type, properties, caller.portal.hub_id)
        now_ms = self._clock.now_ms()
        with self._store.lock:
            records = self._records(caller, object_type)
            for name in object_type.unique:
                taken = records.unique.get((name, written.get(name, "")))
                if taken is not None:
                    raise ApiError(
                        409,
                        f"{object_type.singular.capitalize()} already exists. Existing ID: {taken}",
                        {"category": "CONFLICT"},
                    )
            record_id = self._ids.next_record_id(records.last_id)
            now = iso_instant(now_ms)
            record = Record(
                id=record_id,
                properties={
                    object_type.created: now,
                    **calculated(object_type, record_id, caller.app_id, written),
                    "hs_object_id": str(record_id),
                    object_type.modified: now,
                },
                created_at_ms=now_ms,
                updated_at_ms=now_ms,
            )
            records.add(record)
            return self._write(records, object_type, record, written)

    def update(
        self, caller: Caller, object_type: ObjectType, key: str, properties: object, *, id_property: str | None
    ) -> Record:
        """Change some properties of an object and return it. Raises ApiError (400, 404)."""
        written = coerce(object_type, properties, caller.portal.hub_id)
        with self._store.lock:
            record = self.get(caller, object_type, key, id_property=id_property, archived=False)
            records = self._records(caller, object_type)
            for name in object_type.unique:
                taken = records.unique.get((name, written.get(name, "")))
                if taken not in (None, record.id):
                    raise ValidationError(
                        f"Cannot set PropertyValueCoordinates{{portalId={caller.portal.hub_id}, "
                        f"objectTypeId=ObjectTypeId{{legacyObjectType={object_type.singular.upper()}}}, "
                        f"propertyName={name}, value={written[name]}}} on {record.id}. {taken} already has that value."
                    )
            now_ms = self._clock.now_ms()
            changed = replace(
                record,
                updated_at_ms=now_ms,
                properties={**record.properties, object_type.modified: iso_instant(now_ms)},
            )
            return self._write(records, object_type, changed, written)

    def archive(self, caller: Caller, object_type: ObjectType, key: str) -> None:
        """Archive an object. An id that does not exist is no error, as recorded."""
        with self._store.lock:
            record = self._find(caller, object_type, key, None)
            if record is None or record.archived:
                return
            now_ms = self._clock.now_ms()
            records = self._records(caller, object_type)
            records.by_id[record.id] = replace(record, archived_at_ms=now_ms, updated_at_ms=now_ms)
            for name in object_type.unique:
                records.unique.pop((name, record.properties.get(name) or ""), None)

    def view(
        self, caller: Caller, object_type: ObjectType, record: Record, properties: list[str] | None
    ) -> dict[str, str | None]:
        """Return the properties that a read shows, in alphabetical order.

        Without ``properties`` the defaults of the type; a known one that is unset shows as None, an unknown one
        is left out.
        """
        records = self._records(caller, object_type)
        wanted = set(object_type.always).union(object_type.defaults if properties is None else properties)
        return {
            name: record.properties.get(name) or None
            for name in sorted(wanted)
            if name in record.properties
            or name in object_type.defaults
            or name in object_type.known
            or name in records.written
        }

    def _records(self, caller: Caller, object_type: ObjectType) -> Records:
        with self._store.lock:
            return self._store.records[caller.portal.hub_id, object_type.type_id]

    def _find(self, caller: Caller, object_type: ObjectType, key: str, id_property: str | None) -> Record | None:
        with self._store.lock:
            return self._look_up(self._records(caller, object_type), caller, object_type, key, id_property)

    def _look_up(
        self, records: Records, caller: Caller, object_type: ObjectType, key: str, id_property: str | None
    ) -> Record | None:
        if id_property and id_property != "hs_object_id":
            if id_property not in object_type.unique:
                raise ValidationError(
                    f"Unable to perform read by non-unique {object_type.type_id} property {id_property} "
                    f"in portal ID {caller.portal.hub_id}"
                )
            found = records.unique.get((id_property, key.lower()))
            return None if found is None else records.by_id[found]
        if not _is_id(key):
            raise ApiError(
                404,
                "Object not found.  objectId are usually numeric.",
                {"context": {"id": [key]}, "category": "OBJECT_NOT_FOUND"},
            )
        return records.by_id.get(int(key))

    def _write(self, records: Records, object_type: ObjectType, record: Record, written: dict[str, str]) -> Record:
        """Keep a record with what is written to it, and return that. A record that was handed out stays as it is."""
        for name in object_type.unique:
            if name in written:
                records.unique.pop((name, record.properties.get(name) or ""), None)
                if written[name]:
                    records.unique[name, written[name]] = record.id
        properties = {**record.properties, **{name: value or None for name, value in written.items()}}
        changed = records.by_id[record.id] = replace(record, properties=properties)
        records.written.update(written)
        return changed


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 19
