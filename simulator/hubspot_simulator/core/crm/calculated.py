"""The properties that HubSpot fills in by itself when an object is created (docs/fidelity.md, "Create")."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .types import ObjectType


def calculated(object_type: ObjectType, record_id: int, app_id: int, written: Mapping[str, str]) -> dict[str, str]:
    """Return what HubSpot adds to the properties that were written."""
    source = {
        "hs_object_source": "INTEGRATION",
        "hs_object_source_id": str(app_id),
        "hs_object_source_label": "INTEGRATION",
    }
    return source | _BY_TYPE.get(object_type.name, _nothing)(str(record_id), written)


def _nothing(record_id: str, written: Mapping[str, str]) -> dict[str, str]:
    return {}


def _contact(record_id: str, written: Mapping[str, str]) -> dict[str, str]:
    email = written.get("email", "")
    full_name = " ".join(filter(None, (written.get("firstname"), written.get("lastname"))))
    added = {
        "hs_all_contact_vids": record_id,
        "hs_full_name_or_email": full_name or email,
        "hs_is_contact": "true",
        "hs_is_unworked": "true",
        "hs_pipeline": "contacts-lifecycle-pipeline",
        "lifecyclestage": "lead",
    }
    return added | ({"hs_email_domain": email.partition("@")[2]} if email else {})


def _company(record_id: str, written: Mapping[str, str]) -> dict[str, str]:
    added = {"lifecyclestage": "lead"}
    return added | ({"website": written["domain"]} if written.get("domain") else {})


def _ticket(record_id: str, written: Mapping[str, str]) -> dict[str, str]:
    return {"hs_ticket_id": record_id, "hs_is_closed": "false"}


_BY_TYPE: dict[str, Callable[[str, Mapping[str, str]], dict[str, str]]] = {
    "contacts": _contact,
    "companies": _company,
    "tickets": _ticket,
}
