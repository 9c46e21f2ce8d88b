"""The object types, as rows of one table (docs/fidelity.md, "Object types")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import ApiError, NotServed


@dataclass(frozen=True)
class ObjectType:
    """What distinguishes one object type from another.

    ``defaults`` are the properties of a read that asks for none; ``known`` further ones that read as null while
    unset; ``unique`` those of which no two objects share a value. ``scope`` is the one scope of a type that has no
    pair of them.
    """

    type_id: str
    name: str
    singular: str
    created: str
    modified: str
    defaults: tuple[str, ...]
    known: frozenset[str] = frozenset()
    unique: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    scope: str = ""

    @property
    def read_scope(self) -> str:
        """The scope that a read needs."""
        return self.scope or f"crm.objects.{self.name}.read"

    @property
    def write_scope(self) -> str:
        """The scope that a write needs."""
        return self.scope or f"crm.objects.{self.name}.write"

    @property
    def always(self) -> tuple[str, ...]:
        """The properties that every read carries."""
        return ("hs_object_id", self.created, self.modified)

    @property
    def read_only(self) -> tuple[str, ...]:
        """The properties that no write may set."""
        return ("hs_object_id", self.modified)


_CONTACTS = ObjectType(
    type_id="0-1",
    name="contacts",
    singular="contact",
    created="createdate",
    modified="lastmodifieddate",
    defaults=("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    known=frozenset(
        "address city company country fax hs_lead_status hubspot_owner_id jobtitle lifecyclestage mobilephone phone "
        "salutation state website zip".split()
    ),
    unique=("email",),
    emails=("email",),
)
_COMPANIES = ObjectType(
    type_id="0-2",
    name="companies",
    singular="company",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    known=frozenset(
        "address annualrevenue city country description hubspot_owner_id industry lifecyclestage numberofemployees "
        "phone state type website zip".split()
    ),
)
_DEALS = ObjectType(
    type_id="0-3",
    name="deals",
    singular="deal",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=(
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
    known=frozenset("dealtype description hs_priority hubspot_owner_id".split()),
    dates=("closedate",),
)
_TICKETS = ObjectType(
    type_id="0-5",
    name="tickets",
    singular="ticket",
    created="createdate",
    modified="hs_lastmodifieddate",
    defaults=(
        "content",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "subject",
    ),
    known=frozenset("hubspot_owner_id source_type".split()),
    scope="tickets",
)

TYPES = (_CONTACTS, _COMPANIES, _DEALS, _TICKETS)
_BY_SPELLING = {
    spelling: object_type
    for object_type in TYPES
    for spelling in (object_type.name, object_type.singular, object_type.type_id)
}

# HubSpot has these and the simulator has not: they must not read as a caller's typing error.
_NOT_SERVED = frozenset(
    """products product line_items line_item quotes quote communications communication feedback_submissions
    feedback_submission tasks task notes note meetings meeting calls call emails email invoices invoice
    marketing_events marketing_event subscriptions subscription goals goal_targets goal_target discounts discount
    fees fee taxes tax commerce_payments commerce_payment users user postal_mail orders order leads lead carts cart
    services service courses listings appointments projects project
    0-7 0-8 0-14 0-18 0-19 0-27 0-46 0-47 0-48 0-49 0-53 0-54 0-69 0-74 0-84 0-85 0-86 0-101 0-115 0-116 0-123 0-136
    0-142 0-162 0-410 0-420 0-421 0-970""".split()
)
_CUSTOM = re.compile(r"2-\d+|p\d*_\w+")
_TYPE_ID = re.compile(r"\d+-\d+")


def spellings() -> tuple[str, ...]:
    """Return every spelling of every type, in lower case."""
    return tuple(_BY_SPELLING)


def find_object_type(spelling: str) -> ObjectType:
    """Return the type of a path segment: plural, singular or type id, in any case.

    Raises ApiError (400) for what HubSpot would not know, NotServed for what only the simulator does not know.
    """
    key = spelling.lower()
    if key in _BY_SPELLING:
        return _BY_SPELLING[key]
    if key in _NOT_SERVED or _CUSTOM.fullmatch(key):
        served = ", ".join(object_type.name for object_type in TYPES)
        raise NotServed(f"the object type {spelling!r}; the simulator serves {served}")
    if _TYPE_ID.fullmatch(key):
        raise ApiError(400, f"Invalid object or event type id: {spelling}")
    raise ApiError(400, f"Unable to infer object type from: {spelling}")
