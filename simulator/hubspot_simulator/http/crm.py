"""CRM object endpoints (docs/fidelity.md, "CRM objects")."""

from __future__ import annotations

from urllib.parse import urlencode

from werkzeug import Response
from werkzeug.datastructures import MultiDict

from ..core.crm.objects import DEFAULT_LIMIT, MAX_LIMIT
from ..core.crm.types import ObjectType, find_object_type
from ..core.errors import ValidationError
from ..core.instants import iso_instant
from ..core.records import Record
from .context import RequestContext, json_response, no_content


def list_objects(context: RequestContext) -> Response:
    """``GET /crm/v3/objects/{type}``: a page, ``after`` and ``limit`` from the query."""
    object_type = _type(context)
    query = context.request.args
    page = context.simulator.objects.page(
        context.caller,
        object_type,
        limit=_limit(query),
        after=_one(query, "after"),
        archived=_flag(query, "archived"),
    )
    properties = _names(query, "properties")
    body: dict[str, object] = {"results": [_json(context, object_type, record, properties) for record in page.records]}
    if page.after is not None:
        body["paging"] = {"next": {"after": page.after, "link": _next_link(context, page.after)}}
    return json_response(body)


def create_object(context: RequestContext) -> Response:
    """``POST /crm/v3/objects/{type}``."""
    object_type = _type(context, write=True)
    properties = context.json_object().get("properties")
    record = context.simulator.objects.create(context.caller, object_type, properties)
    return json_response(_json(context, object_type, record, list(record.properties)), 201)


def get_object(context: RequestContext) -> Response:
    """``GET /crm/v3/objects/{type}/{id}``."""
    object_type = _type(context)
    query = context.request.args
    record = context.simulator.objects.get(
        context.caller,
        object_type,
        context.args["id"],
        id_property=_one(query, "idProperty"),
        archived=_flag(query, "archived"),
    )
    return json_response(_json(context, object_type, record, _names(query, "properties")))


def update_object(context: RequestContext) -> Response:
    """``PATCH /crm/v3/objects/{type}/{id}``."""
    object_type = _type(context, write=True)
    properties = context.json_object().get("properties")
    record = context.simulator.objects.update(
        context.caller,
        object_type,
        context.args["id"],
        properties,
        id_property=_one(context.request.args, "idProperty"),
    )
    return json_response(_json(context, object_type, record, list(record.properties)))


def archive_object(context: RequestContext) -> Response:
    """``DELETE /crm/v3/objects/{type}/{id}``."""
    object_type = _type(context, write=True)
    context.simulator.objects.archive(context.caller, object_type, context.args["id"])
    return no_content()


def _type(context: RequestContext, *, write: bool = False) -> ObjectType:
    """Return the object type of the path. The type is looked at before the scopes, as recorded."""
    object_type = find_object_type(context.args["type"])
    context.require(object_type.write_scope if write else object_type.read_scope)
    return object_type


def _json(
    context: RequestContext, object_type: ObjectType, record: Record, properties: list[str] | None
) -> dict[str, object]:
    """Return an object in wire order."""
    caller = context.caller
    portal = caller.portal
    body: dict[str, object] = {
        "id": str(record.id),
        "properties": context.simulator.objects.view(caller, object_type, record, properties),
        "createdAt": iso_instant(record.created_at_ms),
        "updatedAt": iso_instant(record.updated_at_ms),
        "archived": record.archived,
    }
    if record.archived_at_ms is not None:
        body["archivedAt"] = iso_instant(record.archived_at_ms)
    body["url"] = f"https://{portal.ui_domain}/contacts/{portal.hub_id}/record/{object_type.type_id}/{record.id}"
    return body


def _next_link(context: RequestContext, after: str) -> str:
    """Return the URL of the next page: the same one, host and other parameters kept."""
    query = [(name, value) for name, value in context.request.args.items(multi=True) if name != "after"]
    return f"{context.request.base_url}?{urlencode([*query, ('after', after)])}"


def _one(query: MultiDict[str, str], name: str) -> str | None:
    # get() would raise and catch an error for each absent one
    return query[name] if name in query else None  # noqa: SIM401


def _names(query: MultiDict[str, str], name: str) -> list[str] | None:
    """Return a list parameter, which clients repeat or join by commas. None when it is absent or empty."""
    return [item for value in query.getlist(name) for item in value.split(",") if item] or None


def _flag(query: MultiDict[str, str], name: str) -> bool:
    return (_one(query, name) or "").lower() == "true"


def _limit(query: MultiDict[str, str]) -> int:
    text = _one(query, "limit") or str(DEFAULT_LIMIT)
    if not (text.isascii() and text.isdecimal() and int(text[:9]) > 0):
        raise ValidationError(f"Invalid paging parameter 'limit': {text}", why="'limit' must be a number above 0")
    return min(int(text[:9]), MAX_LIMIT)
